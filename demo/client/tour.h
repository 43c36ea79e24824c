// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "demo/client/lane.h"

namespace demo {

// Shows the lanes one after the other, so that the comparison is there before anybody pressed a key: naive for a few seconds (the whole
// update would take minutes), then a run of each of the others. Any choice of the user's ends it.
class Tour {
 public:
  explicit Tour(bool is_on) : is_on_(is_on) {}

  bool is_on() const { return is_on_; }
  void stop() { is_on_ = false; }
  Lane lane() const { return lane_; }
  // True: the next lane's run is to begin now, or, if the tour is off afterwards, it has ended.
  bool advance(bool run_is_finished, int64_t run_us);

 private:
  bool is_on_;
  Lane lane_ = Lane::naive;
};

}  // namespace demo
