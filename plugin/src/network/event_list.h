// SPDX-License-Identifier: MIT
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "framepump/framepump_types.h"
#include "platform/growable_array.h"

namespace framepump {

static_assert(sizeof(framepump_event) == 64, "an event is 64 bytes for ever");

// The events of one tick and their texts. At most a few per stream, so it is bounded by what is open.
class EventList {
 public:
  explicit EventList(const Host& host) : events_(host) {}

  // Makes room for as many before the first tick, so that no tick pays for its pages.
  void warm(uint32_t count) {
    while (events_.size() < count && events_.push({})) {
    }
    events_.clear();
  }
  void clear() {
    events_.clear();
    text_bytes_ = 0;
  }
  // Never fails: without memory for the list the event lands in a place that nobody reads.
  framepump_event& add() {
    if (!events_.push({})) return lost_ = {};
    return events_[events_.size() - 1];
  }
  // A text that lives until clear(); null when this tick's texts are full.
  __attribute__((format(printf, 2, 3))) const char* text(const char* format, ...) {
    char* begin = texts_ + text_bytes_;
    const size_t room = sizeof(texts_) - text_bytes_;
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(begin, room, format, arguments);
    va_end(arguments);
    if (length < 0 || static_cast<size_t>(length) >= room) return nullptr;
    text_bytes_ += static_cast<size_t>(length) + 1;
    return begin;
  }
  const framepump_event* data() { return events_.data(); }
  uint32_t size() const { return events_.size(); }

 private:
  GrowableArray<framepump_event> events_;
  framepump_event lost_ = {};
  char texts_[16 * 1024] = {};
  size_t text_bytes_ = 0;
};

}  // namespace framepump
