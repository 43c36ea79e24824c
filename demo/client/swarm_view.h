// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "demo/protocol/swarm_protocol.h"

namespace demo {

// A light as it is drawn: 0 to 1 both ways.
struct DrawnLight {
  uint16_t id = 0;
  uint8_t kind = 0;
  float x = 0;
  float y = 0;
};

// Snapshots as they come, made into smooth motion: what is drawn lies a little in the past, between two snapshots that have arrived. So one
// that is lost or late is not seen.
class SwarmView {
 public:
  // False: old or seen before.
  bool add(const Snapshot& snapshot, int64_t arrived_us);
  // The lights at this moment; valid until the next call. Empty before the first snapshot.
  const std::vector<DrawnLight>& lights_at(int64_t now_us);
  // A new connection: what comes is counted from a new beginning, the sums stay.
  void begin_again();

  uint64_t received() const { return received_; }
  uint64_t lost() const { return lost_; }      // numbers that never came, as far as is known
  double gap_ms_p99() const;                   // between two that arrived
  double per_s() const;                        // over the time in which they came

 private:
  static constexpr size_t kGapBuckets = 2'000;  // of a millisecond each; longer gaps count as the last

  double server_time_ms(int64_t now_us) const { return static_cast<double>(now_us) / 1000 - offset_ms_; }

  std::deque<Snapshot> snapshots_;  // by number, the oldest no older than what is drawn
  std::vector<DrawnLight> drawn_;
  double offset_ms_ = 0;            // local clock minus server clock, smoothed
  int64_t newest_us_ = 0;           // when the newest arrived; 0: none since the beginning
  int64_t connected_us_ = 0;        // time in which snapshots came
  std::array<uint32_t, kGapBuckets> gaps_ = {};
  uint64_t gap_count_ = 0;
  uint64_t received_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace demo
