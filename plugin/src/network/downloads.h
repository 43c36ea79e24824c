// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "downloads/download_service.h"
#include "platform/growable_array.h"

namespace framepump {

class DownloadNames;

// Gameplay's side of the downloads of one network.
struct Downloads {
  static constexpr uint32_t kMost = 1024;
  // That have ended and were not closed: their handles stay good, up to this number of them and those of the newest tick.
  static constexpr uint32_t kKeptEnds = 64;

  struct Slot {
    DownloadJob* job = nullptr;  // until the file thread has let go of it
    uint32_t generation = 0;
    bool is_live = false;        // its handle is good
    uint64_t user_data = 0;
    uint64_t left_tick = 0;      // in which the handle went: what its event points to stays until the next one
    framepump_download_info info = {};
    DownloadWords words;
  };

  explicit Downloads(const Host& host) : slots(host), ended(host) {}

  DownloadService* service = nullptr;  // with the first download
  DownloadNames* names = nullptr;      // the same; none where the plugin looks no names up
  GrowableArray<Slot*> slots;
  GrowableArray<uint32_t> ended;       // oldest first
};

}  // namespace framepump
