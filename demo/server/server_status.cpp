// SPDX-License-Identifier: MIT
#include "demo/server/server_status.h"

#include <cstdio>

namespace demo {

void ServerStatus::add(const framepump::TickReport& report, size_t clients, framepump::Host host, int64_t now_us) {
  constexpr int64_t kEveryUs = 1'000'000;
  if (since_us_ == 0) since_us_ = now_us;
  ticks_.add(report.tick_us);
  bytes_ += report.sent_bytes;
  if (now_us - since_us_ < kEveryUs) return;
  const double seconds = static_cast<double>(now_us - since_us_) / 1e6;
  uint64_t packets = 0;
  if (const framepump::Result<framepump::HostInfo> info = host.info()) {
    packets = info->sent_packets - sent_packets_ + info->received_packets - received_packets_;
    sent_packets_ = info->sent_packets;
    received_packets_ = info->received_packets;
  }
  std::fprintf(stderr, "clients %zu   %.1f MB/s   %.0f datagrams/s   tick p99 %lld us\n", clients, static_cast<double>(bytes_) / 1e6 / seconds,
               static_cast<double>(packets) / seconds, static_cast<long long>(ticks_.percentile_us(0.99)));
  since_us_ = now_us;
  bytes_ = 0;
  ticks_ = {};
}

}  // namespace demo
