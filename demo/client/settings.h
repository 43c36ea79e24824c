// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <optional>

#include "demo/client/lane.h"
#include "demo/client/options.h"

namespace demo {

// The network's settings as the demo's flags and keys change them. Nothing in the plugin knows of the demo: a lane is a set of config
// values. Of flags, keys and later edits of the file the newest change wins.
class Settings {
 public:
  explicit Settings(framepump::Network& network);

  // As --naive, --threaded and --slice-us say.
  framepump::Status apply(const Options& options);
  Lane lane() const;
  framepump::Status set_lane(Lane lane);
  framepump::Status set_slice_us(uint32_t slice_us);
  framepump::Status toggle_guard();
  bool has_guard() const { return network_.config().stall_takeover_ms > 0; }

 private:
  framepump::Network& network_;
  std::optional<framepump::Config> before_naive_;  // what the naive lane put aside
  uint32_t guard_ms_;                              // the guard, when it is on
};

}  // namespace demo
