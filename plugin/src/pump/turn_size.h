// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include "pump/source.h"

namespace framepump {

// How much the next turn may move. A quantum, so that nobody waits long behind it; but up to kMostQuanta for a source that receives while
// nobody waits at all: each read is a system call and ends with an acknowledgement to send and a look at the clock, so fewer and larger ones
// bring more in the same time (on loopback 8 % more in a slice of 2 ms). Judging by its turns before, in this run or an earlier one, such a
// turn takes at most half of what is left of the slice, which therefore ends as exactly as with quanta, and at most kLongestUs, for which
// whoever wants the token has to wait. What it was kFreshUs ago says nothing: the machine may be slower by now.
class TurnSize {
 public:
  static constexpr int64_t kMostQuanta = 4;
  static constexpr int64_t kLongestUs = 250;
  static constexpr int64_t kFreshUs = 250'000;

  // Of a source that receives while nobody waits. The times are of the slice's clock.
  uint64_t bytes(const Source& source, uint64_t quantum_bytes, int64_t remaining_us, int64_t now_us) const {
    if (&source != source_ || quantum_bytes != quantum_bytes_ || now_us - noted_at_us_ >= kFreshUs) return quantum_bytes;
    const int64_t allowed_us = std::min(remaining_us / 2, kLongestUs);
    return quantum_bytes * static_cast<uint64_t>(std::clamp<int64_t>(allowed_us / quantum_us_, 1, kMostQuanta));
  }

  // What a turn has shown, of the source that receives alone or did so last. One of less than a quantum shows nothing: most of its time went
  // into what each turn costs.
  void note(const Source& source, bool is_alone, uint64_t quantum_bytes, const Turn& turn, int64_t turn_us, int64_t now_us) {
    if (!is_alone && &source != source_) return;
    if (!is_measured_in_quanta(turn) || turn.bytes == 0 || turn.bytes + quantum_bytes / 32 < quantum_bytes) return;
    source_ = &source;
    quantum_bytes_ = quantum_bytes;
    quantum_us_ = std::max<int64_t>(turn_us / quanta(turn, quantum_bytes), 1);
    noted_at_us_ = now_us;
  }
  // It may be destroyed, and another may have its place.
  void forget(const Source& source) {
    if (source_ == &source) source_ = nullptr;
  }

  // How many quanta a turn moved, and 1 for less.
  static int64_t quanta(const Turn& turn, uint64_t quantum_bytes) {
    if (!is_measured_in_quanta(turn) || quantum_bytes == 0) return 1;
    return static_cast<int64_t>(std::max<uint64_t>((turn.bytes + quantum_bytes / 2) / quantum_bytes, 1));
  }

 private:
  // ENet knows no quantum.
  static bool is_measured_in_quanta(const Turn& turn) { return turn.phase == Phase::receive && !turn.is_enet; }

  const Source* source_ = nullptr;  // whose figures these are
  uint64_t quantum_bytes_ = 0;
  int64_t quantum_us_ = 0;
  int64_t noted_at_us_ = 0;
};

}  // namespace framepump
