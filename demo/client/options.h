// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "demo/protocol/address.h"
#include "engine_stub/engine.h"

namespace demo {

struct Options {
  HostPort server;
  bool headless = false;
  float density = 0;  // pixels per point; 0: what the desktop says
  int fps = 60;
  std::string pace;      // empty: vsync with a window, sleep without
  std::string threaded;  // "on", "off"; empty: as the config file says
  std::optional<uint32_t> slice_us;
  uint64_t download_mb = 115;
  double seconds = 0;  // 0: headless until the download has finished, in a window for ever
  std::string config = "assets/framepump.toml";
  uint64_t toggle_every = 0;  // frames; 0: never
  bool naive = false;
  bool tour = false;
  std::string name;
  std::string report;
  std::string screenshot;
  std::string trace;
  uint32_t trace_events = framepump::extras::TraceRecorder::kDefaultEvents;

  uint64_t download_bytes() const { return download_mb * 1'000'000; }
  engine::Pace engine_pace() const;
};

// Nothing: the program should end with `exit_code` (after --help, or a message on standard error).
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace demo
