// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace demo {

// How long ticks took, as a histogram whose buckets stay the same for ever, so that a monitoring system can add up servers.
class TickHistogram {
 public:
  // Upper ends. A tick of a healthy server is below its slice (2 ms).
  static constexpr std::array<int64_t, 10> kBucketsUs = {20, 50, 100, 200, 500, 1'000, 2'000, 5'000, 20'000, 100'000};

  void add(int64_t us) {
    size_t bucket = 0;
    while (bucket < kBucketsUs.size() && us > kBucketsUs[bucket]) ++bucket;
    ++counts_[bucket];
    sum_us_ += us;
  }
  uint64_t count(size_t bucket) const { return counts_[bucket]; }  // in this one alone; the last has no upper end
  int64_t sum_us() const { return sum_us_; }

 private:
  std::array<uint64_t, kBucketsUs.size() + 1> counts_ = {};
  int64_t sum_us_ = 0;
};

// What a look at the server shows.
struct ServerSight {
  framepump::Totals totals;
  const TickHistogram& ticks;
  size_t update_clients = 0;
  size_t swarm_clients = 0;
  std::optional<framepump::HostInfo> host = {};  // nothing: no datagrams are served
  double datagram_loss = 0;                 // 0 to 1, of reliable packets, the mean of the clients
};

// In the text format of Prometheus, version 0.0.4.
std::string metrics_text(const ServerSight& sight);

}  // namespace demo
