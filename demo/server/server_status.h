// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstddef>
#include <cstdint>

#include "engine_stub/frame_meter.h"

namespace demo {

// What the server did, as one line a second on standard error.
class ServerStatus {
 public:
  void add(const framepump::TickReport& report, size_t clients, framepump::Host host, int64_t now_us);

 private:
  int64_t since_us_ = 0;
  uint64_t bytes_ = 0;
  uint64_t sent_packets_ = 0;
  uint64_t received_packets_ = 0;
  engine::FrameMeter ticks_;
};

}  // namespace demo
