// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "config/config.h"
#include "framepump/framepump_types.h"

namespace framepump {

// What became of one edit of the file.
struct ConfigChange {
  bool accepted = false;
  KeySet changed = 0;              // accepted: keys whose value in the file differs from the file before
  framepump_config config = {};    // accepted: what the file says now
  framepump_message message = {};  // refused: why
};

// The file thread puts changes in, the owner's thread takes them out; neither ever waits or allocates. A queue of a library would
// take its memory from the heap instead of its owner, and end the program where there is none.
class ChangeQueue {
 public:
  // Saves that a person makes while the game does not tick, as in a level load. What finds no room is not lost: see
  // ConfigWatcher.
  static constexpr uint32_t kCapacity = 8;

  // False: full.
  bool put(const ConfigChange& change) {
    if (put_count_ - taken_.load(std::memory_order_acquire) == kCapacity) return false;
    changes_[put_count_ % kCapacity] = change;
    put_.store(++put_count_, std::memory_order_release);
    return true;
  }
  // False: empty.
  bool take(ConfigChange& out) {
    if (put_.load(std::memory_order_acquire) == taken_count_) return false;
    out = changes_[taken_count_ % kCapacity];
    taken_.store(++taken_count_, std::memory_order_release);
    return true;
  }

 private:
  ConfigChange changes_[kCapacity];
  // Each side counts for itself and tells the other.
  uint32_t put_count_ = 0;
  uint32_t taken_count_ = 0;
  std::atomic<uint32_t> put_{0};
  std::atomic<uint32_t> taken_{0};
};

}  // namespace framepump
