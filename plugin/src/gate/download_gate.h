// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "gate/handoff_list.h"

namespace framepump {

// What the file thread tells of a download.
enum DownloadNotice : uint32_t {
  kDownloadProgress = 1,
  kDownloadEnded = 2,     // `end` is written, and nothing follows but kDownloadReleased
  kDownloadReleased = 4,  // it is not touched any more
};

// What gameplay wants of it.
enum DownloadOrder : uint32_t {
  kOrderStart = 1,
  kOrderPause = 2,    // or the opposite: is_pause_wanted says
  kOrderClose = 4,    // the part stays
  kOrderAbort = 8,    // the part goes
  kOrderRelease = 16, // the last one
};

struct DownloadJob;

struct DownloadWords {
  static constexpr size_t kTextBytes = 512;
  static constexpr size_t kUrlBytes = 2048;
  char text[kTextBytes] = {};
  char url[kUrlBytes] = {};
};

// What passes between gameplay and the file thread about one download; linked by the list of notices.
struct DownloadGate : HandoffLink {
  DownloadGate(DownloadJob& owner, uint32_t slot_index) : job(owner), slot(slot_index) {}

  DownloadJob& job;
  const uint32_t slot;  // gameplay's

  // Written by the file thread, read whenever a tick finds a notice. Each is true by itself.
  std::atomic<uint64_t> bytes{0};
  std::atomic<uint64_t> total_bytes{0};
  std::atomic<uint64_t> resumed_bytes{0};
  std::atomic<uint64_t> bytes_per_s{0};
  std::atomic<uint32_t> state{0};
  std::atomic<uint32_t> attempt{0};
  std::atomic<uint32_t> http_status{0};
  std::atomic<uint32_t> http_version{0};
  std::atomic<uint32_t> redirects{0};

  // A letter box: the file thread fills it when it is empty, a tick empties it.
  std::atomic<bool> has_words{false};
  DownloadWords words;

  // Complete with kDownloadEnded.
  uint32_t reason = 0;
  DownloadWords end;

  // Written by gameplay.
  std::atomic<uint32_t> priority{0};
  std::atomic<bool> is_pause_wanted{false};
};

}  // namespace framepump
