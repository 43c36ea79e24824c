// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "demo/client/update.h"
#include "demo/protocol/address.h"
#include "demo/protocol/update_protocol.h"
#include "engine_stub/engine.h"

namespace demo {

struct Options {
  HostPort server;
  Carrier carrier = Carrier::stream;
  std::string url;                     // of any web server; empty: of the demo's
  std::string sha256;                  // with a URL: what it must hash to
  std::string ca_file;                 // whom to believe over HTTPS
  std::optional<uint16_t> https_port;  // of the demo's server; without it the second after its own
  std::string save;                    // where the file goes; empty: to a temporary folder, until it was verified
  bool headless = false;
  float density = 0;  // pixels per point; 0: what the desktop says
  int fps = 60;
  std::string pace;      // empty: vsync with a window, sleep without
  std::string threaded;  // "on", "off"; empty: as the config file says
  std::optional<uint32_t> slice_us;
  uint64_t download_mb = kUsualUpdateBytes / 1'000'000;
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
  bool has_file() const { return !url.empty() || !ca_file.empty(); }
  std::string file_url() const;
  engine::Pace engine_pace() const;
};

// Nothing: the program should end with `exit_code` (after --help, or a message on standard error).
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace demo
