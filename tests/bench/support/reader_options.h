// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/support/bytes.h"
#include "bench/support/frames.h"

namespace framepump::bench {

// What every contestant that reads one stream is told. The sender's greeting names port, bytes and hash.
struct ReaderOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  uint64_t bytes = 0;
  double frames_per_s = 30;
  int64_t slice_us = 2'000;

  void add_to(CLI::App& app) {
    app.add_option("--host", host, "numeric address of the sender")->capture_default_str();
    app.add_option("--port", port, "its port")->required();
    app.add_option("--bytes", bytes, "how many bytes it sends")->required();
    app.add_option("--fps", frames_per_s, "frames a second")->check(CLI::Range(1.0, 1000.0))->capture_default_str();
    app.add_option("--slice-us", slice_us, "microseconds of network work a frame")->check(CLI::Range(0, 1'000'000))->capture_default_str();
  }
};

// What a reader that works in frames measured.
inline nlohmann::json frame_report(const FrameLoop& frames, const ReaderOptions& options) {
  nlohmann::json report = frames.report();
  report["ticks_us"] = frames.ticks_us();
  report["ticks_cpu_us"] = frames.ticks_cpu_us();
  report["overruns"] = frames.overruns(options.slice_us);
  return report;
}

// A run's last line: what the suite reads. `verified` says whether every byte was seen and right.
inline void print_report(nlohmann::json report, const ByteHash& hash, uint64_t expected_bytes) {
  report["bytes"] = hash.size_bytes();
  // Hashing is gameplay here. Where one thread does both, this is how fast it read in the time that was left.
  const double reading_seconds = report.value("seconds", 0.0) - hash.seconds();
  if (reading_seconds > 0) report["reading_mb_per_s"] = static_cast<double>(hash.size_bytes()) / reading_seconds / 1e6;
  report["verified"] = hash.size_bytes() == expected_bytes && hash.hex() == content_hash(expected_bytes);
  std::printf("%s\n", report.dump().c_str());
}

}  // namespace framepump::bench
