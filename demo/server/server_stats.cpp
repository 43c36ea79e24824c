// SPDX-License-Identifier: MIT
#include "demo/server/server_stats.h"

#include <cstdio>

namespace demo {

bool ServerStats::is_due(int64_t now_us) {
  constexpr int64_t kEveryUs = 1'000'000;
  if (since_us_ == 0) since_us_ = now_us;
  return now_us - since_us_ >= kEveryUs;
}

std::string ServerStats::line(const ServerSight& sight, int64_t now_us) {
  const double seconds = static_cast<double>(now_us - since_us_) / 1e6;
  const framepump::HostInfo host = sight.host.value_or(host_before_);
  const auto per_second = [seconds](uint64_t now, uint64_t before) { return static_cast<double>(now - before) / seconds; };
  constexpr double kMiB = 1024.0 * 1024.0;
  char line[400];
  std::snprintf(line, sizeof(line),
                "clients %zu   streams %u   in %.2f MB/s   out %.2f MB/s   %.0f datagrams/s   loss %.1f %%   tick p50 %lld us p99 %lld us   "
                "overruns %llu   memory %.1f of %.0f MiB",
                sight.swarm_clients, sight.totals.streams, per_second(sight.totals.received_bytes, before_.received_bytes) / 1e6,
                per_second(sight.totals.sent_bytes, before_.sent_bytes) / 1e6,
                per_second(host.sent_packets + host.received_packets, host_before_.sent_packets + host_before_.received_packets),
                sight.datagram_loss * 100, static_cast<long long>(ticks_.percentile_us(0.5)), static_cast<long long>(ticks_.percentile_us(0.99)),
                static_cast<unsigned long long>(sight.totals.overruns - before_.overruns),
                static_cast<double>(sight.totals.memory_used_bytes) / kMiB, static_cast<double>(sight.totals.memory_budget_bytes) / kMiB);
  since_us_ = now_us;
  before_ = sight.totals;
  host_before_ = host;
  ticks_ = {};
  return line;
}

}  // namespace demo
