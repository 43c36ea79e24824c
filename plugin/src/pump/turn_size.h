// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include "pump/source.h"

namespace framepump {

// How much the next turn may move. A quantum, so that nobody waits long behind it; but up to kMostQuanta for a source that receives while
// nobody waits at all: each read ends with an acknowledgement to send and a look at the clock, so fewer and larger ones bring more in the
// same time (on loopback 8 % more in a slice of 2 ms). Judging by the turn before, such a turn takes at most half of what is left of the
// slice, which therefore ends as exactly as with quanta, and at most kLongestUs, for which whoever wants the token has to wait.
class TurnSize {
 public:
  static constexpr int64_t kMostQuanta = 4;
  static constexpr int64_t kLongestUs = 250;

  explicit TurnSize(uint64_t quantum_bytes) : quantum_bytes_(quantum_bytes) {}

  uint64_t bytes(bool receives_alone, int64_t remaining_us) const {
    if (!receives_alone || quantum_us_ == kUnknown) return quantum_bytes_;
    const int64_t allowed_us = std::min(remaining_us / 2, kLongestUs);
    return quantum_bytes_ * static_cast<uint64_t>(std::clamp<int64_t>(allowed_us / quantum_us_, 1, kMostQuanta));
  }

  // What a turn has shown.
  void note(const Turn& turn, int64_t turn_us) {
    const bool was_cut_off = turn.outcome == Outcome::more && turn.phase == Phase::receive && !turn.is_enet && quantum_bytes_ > 0;
    const uint64_t quanta = was_cut_off ? std::max<uint64_t>((turn.bytes + quantum_bytes_ / 2) / quantum_bytes_, 1) : 1;
    shortest_us_ = turn_us / static_cast<int64_t>(quanta);
    quantum_us_ = was_cut_off ? std::max<int64_t>(shortest_us_, 1) : kUnknown;
  }

  // What a turn like the last one takes if it moves no more than a quantum.
  int64_t shortest_us() const { return shortest_us_; }

 private:
  static constexpr int64_t kUnknown = 0;

  uint64_t quantum_bytes_;
  int64_t quantum_us_ = kUnknown;  // of the last turn, if it was cut off: others show nothing
  int64_t shortest_us_ = 0;
};

}  // namespace framepump
