// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "bench/support/frames.h"
#include "bench/support/tcp.h"
#include "bench/support/waits.h"

namespace framepump::bench {

// From stamp to stamp: the golden section of a frame at 60 Hz, and half of it of one at 30. So they meet every moment of the frames equally
// often, and the 99th percentile is not one of chance.
constexpr uint32_t kStampIntervalUs = 6'366;

// What the contestants of the fairness and latency benchmarks are told.
struct TalkerOptions {
  uint16_t talker = 0;
  double frames_per_s = 30;
  int64_t slice_us = 2'000;

  void add_to(CLI::App& app) {
    app.add_option("--talker", talker, "port of bench_talker")->required();
    app.add_option("--fps", frames_per_s, "frames a second")->check(CLI::Range(1.0, 1000.0))->capture_default_str();
    app.add_option("--slice-us", slice_us, "microseconds of network work a frame")->check(CLI::Range(0, 1'000'000))->capture_default_str();
  }
};

}  // namespace framepump::bench
