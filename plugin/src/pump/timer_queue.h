// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "platform/growable_array.h"
#include "pump/source.h"

namespace framepump {

// When sources want to be woken: a binary heap, each source knowing its place in it (Williams 1964; decrease-key by index).
// set and remove cost O(log n), the earliest is O(1), and nothing is allocated while the number of timers does not grow.
class TimerQueue {
 public:
  explicit TimerQueue(const Host& host) : heap_(host) {}

  // Replaces the source's timer; kNever removes it. False: out of memory, there is no timer now.
  bool set(Source& source, int64_t wake_at_us);
  void remove(Source& source);
  // Room for so many timers, at least. False: out of memory.
  bool reserve(uint32_t count) { return heap_.reserve((count + 63) / 64 * 64); }
  int64_t earliest_us() const { return heap_.size() == 0 ? kNever : heap_[0]->wake_at_us_; }
  // A source whose time has come, without its timer; null when there is none.
  Source* take_due(int64_t now_us);

 private:
  void place(uint32_t index, Source* source);
  void sift_up(uint32_t index);
  void sift_down(uint32_t index);

  GrowableArray<Source*> heap_;
};

}  // namespace framepump
