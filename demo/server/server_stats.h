// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <string>

#include "demo/server/metrics.h"
#include "engine_stub/frame_meter.h"

namespace demo {

// What the server did in the last second, as a line.
class ServerStats {
 public:
  void add_tick(int64_t tick_us) { ticks_.add(tick_us); }
  bool is_due(int64_t now_us);
  // Begins the next second.
  std::string line(const ServerSight& sight, int64_t now_us);

 private:
  int64_t since_us_ = 0;
  framepump::Totals before_;
  framepump::HostInfo host_before_;
  engine::FrameMeter ticks_;
};

}  // namespace demo
