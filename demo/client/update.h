// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace demo {

// How the update comes.
enum class Carrier {
  stream,  // raw bytes over a TCP stream, read by the game: what the lanes compare
  file,    // a Download of the plugin's, over HTTPS or HTTP
};

enum class UpdateState { under_way, finished, failed };

// What a look at an update shows.
struct UpdateSight {
  UpdateState state = UpdateState::under_way;
  std::string status;        // one line for the panel
  std::string from;          // HOST:PORT or URL
  std::string over;          // "tcp", "https", "http"
  uint64_t bytes = 0;
  uint64_t size_bytes = 0;     // 0: not known yet
  uint64_t resumed_bytes = 0;  // of `bytes`, those that an earlier run had left
  uint32_t interruptions = 0;  // times that it had to go on after something had failed
  double seconds = 0;          // from the first request to the last byte, or until now
  std::optional<double> left_s;
  bool is_verified = false;  // finished, and the hash of the bytes is the one that was known before
  std::string verified_by;   // "xxh3", "sha256"; "tls": only the server is who it says it is; empty: nothing

  // What came in this run.
  double mb_per_s() const { return seconds > 0 ? static_cast<double>(bytes - resumed_bytes) / 1e6 / seconds : 0.0; }
  float done() const { return size_bytes > 0 ? static_cast<float>(static_cast<double>(bytes) / static_cast<double>(size_bytes)) : 0.0f; }
};

// An update on its way. What goes wrong on the way is said on standard error, and tried again where that may help.
class Update {
 public:
  virtual ~Update() = default;

  // False: no more of it is to come for now.
  virtual void set_reading(bool reads) = 0;
  // Once a frame, after tick.
  virtual void update(int64_t now_us) = 0;
  virtual UpdateSight sight(int64_t now_us) const = 0;
  virtual framepump::Stream stream() const = 0;  // null without one
};

}  // namespace demo
