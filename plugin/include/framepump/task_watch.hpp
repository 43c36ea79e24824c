// SPDX-License-Identifier: MIT
//
// Who waits for what happens to a stream, listener or other object: found by its handle.
#pragma once

#include <framepump/task_memory.hpp>

#include <cstdint>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

// Something whose events are looked for by its handle: in a table of the core.
struct Watch {
  Watch* table_next = nullptr;
  Watch** table_place = nullptr;  // null: not in a table
  framepump_handle handle = 0;
  void (*on_event)(Watch&, const framepump_event&) = nullptr;
  void (*on_readable)(Watch&) = nullptr;  // null: it does not care
  void (*on_end)(Watch&) = nullptr;       // the tasks end before it
};

class WatchTable {
 public:
  WatchTable() = default;
  WatchTable(const WatchTable&) = delete;
  WatchTable& operator=(const WatchTable&) = delete;

  uint32_t size() const { return size_; }
  void add(Watch& watch, TaskMemory& memory) {
    if (size_ >= buckets_count_ && visits_ == 0) grow(memory);  // without memory for it the lists get longer
    link(watch);
    ++size_;
  }
  void remove(Watch& watch) {
    if (watch.table_place == nullptr) return;
    unlink(watch);
    --size_;
  }
  Watch* find(framepump_handle handle) const {
    Watch* watch = buckets_[bucket(handle)];
    while (watch != nullptr && watch->handle != handle) watch = watch->table_next;
    return watch;
  }
  Watch* any() const {
    for (uint32_t i = 0; i < buckets_count_; ++i) {
      if (buckets_[i] != nullptr) return buckets_[i];
    }
    return nullptr;
  }
  // Calls for every one with this handle; the call may remove it, and add others.
  template <typename Do>
  void for_each(framepump_handle handle, Do call) {
    ++visits_;
    for (Watch* watch = find(handle); watch != nullptr;) {
      Watch* next = watch->table_next;
      if (watch->handle == handle) call(*watch);
      watch = next;
    }
    --visits_;
  }
  void release(TaskMemory& memory) {  // it is empty
    if (buckets_ != few_) memory.give_back(buckets_, buckets_count_ * sizeof(Watch*));
    buckets_ = few_;
    buckets_count_ = kFew;
  }

 private:
  static constexpr uint32_t kFew = 16;

  uint32_t bucket(framepump_handle handle) const {
    return static_cast<uint32_t>(handle * 0x9E3779B97F4A7C15u >> 32) & (buckets_count_ - 1);  // Knuth's multiplicative hashing
  }
  void link(Watch& watch) {
    Watch** place = &buckets_[bucket(watch.handle)];
    watch.table_next = *place;
    watch.table_place = place;
    if (*place != nullptr) (*place)->table_place = &watch.table_next;
    *place = &watch;
  }
  static void unlink(Watch& watch) {
    *watch.table_place = watch.table_next;
    if (watch.table_next != nullptr) watch.table_next->table_place = watch.table_place;
    watch.table_next = nullptr;
    watch.table_place = nullptr;
  }
  void grow(TaskMemory& memory) {
    const uint32_t count = buckets_count_ * 4;
    Watch** larger = static_cast<Watch**>(memory.take(count * sizeof(Watch*)));
    if (larger == nullptr) return;
    for (uint32_t i = 0; i < count; ++i) larger[i] = nullptr;
    Watch** before = std::exchange(buckets_, larger);
    const uint32_t count_before = std::exchange(buckets_count_, count);
    for (uint32_t i = 0; i < count_before; ++i) {
      while (Watch* watch = before[i]) {
        unlink(*watch);
        link(*watch);
      }
    }
    if (before != few_) memory.give_back(before, count_before * sizeof(Watch*));
  }

  Watch* few_[kFew] = {};
  Watch** buckets_ = few_;
  uint32_t buckets_count_ = kFew;
  uint32_t size_ = 0;
  uint32_t visits_ = 0;  // under way: the lists keep their order
};

}  // namespace detail
}  // namespace v0
}  // namespace framepump
