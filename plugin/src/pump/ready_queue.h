// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "pump/source.h"

namespace framepump {

// The sources of one line that wait for a turn: first in, first out within each priority. Intrusive, so it never allocates,
// and it outlives the tick, so who got no turn is first next time.
class ReadyQueue {
 public:
  // Which priorities have a source, as bits that leave room for those of the other lines: shifted by a line's number they can be put together.
  static constexpr uint32_t bit(uint32_t priority) { return uint32_t{1} << priority * kLines; }
  uint32_t priorities() const { return priorities_; }
  bool is_empty() const { return size_ == 0; }
  uint32_t size() const { return size_; }

  // Nothing when it waits already.
  void push_back(Source& source) {
    if (source.is_ready_) return;
    List& list = lists_[source.priority_];
    source.is_ready_ = true;
    source.ready_previous_ = list.last;
    source.ready_next_ = nullptr;
    (list.last == nullptr ? list.first : list.last->ready_next_) = &source;
    list.last = &source;
    priorities_ |= bit(source.priority_);
    ++size_;
  }
  // Likewise: it is the next of its priority.
  void push_front(Source& source) {
    if (source.is_ready_) return;
    List& list = lists_[source.priority_];
    source.is_ready_ = true;
    source.ready_previous_ = nullptr;
    source.ready_next_ = list.first;
    (list.first == nullptr ? list.last : list.first->ready_previous_) = &source;
    list.first = &source;
    priorities_ |= bit(source.priority_);
    ++size_;
  }
  void remove(Source& source) {
    if (!source.is_ready_) return;
    List& list = lists_[source.priority_];
    (source.ready_previous_ == nullptr ? list.first : source.ready_previous_->ready_next_) = source.ready_next_;
    (source.ready_next_ == nullptr ? list.last : source.ready_next_->ready_previous_) = source.ready_previous_;
    if (list.first == nullptr) priorities_ &= ~bit(source.priority_);
    source.is_ready_ = false;
    source.ready_previous_ = source.ready_next_ = nullptr;
    --size_;
  }
  // Each that waits now is owed a turn: they are the first of their priorities until they have had it.
  void owe_turns() {
    for (const List& list : lists_) {
      for (Source* source = list.first; source != nullptr; source = source->ready_next_) source->is_owed_turn_ = true;
    }
  }
  uint32_t owed_priorities() const {
    uint32_t owed = 0;
    for (uint32_t priority = 0; priority < kPriorities; ++priority) {
      const Source* first = lists_[priority].first;
      if (first != nullptr && first->is_owed_turn_) owed |= bit(priority);
    }
    return owed;
  }
  const Source* front(uint32_t priority) const { return lists_[priority].first; }  // null: none waits
  Source& pop_front(uint32_t priority) {
    Source& source = *lists_[priority].first;
    remove(source);
    return source;
  }

 private:
  struct List {
    Source* first = nullptr;
    Source* last = nullptr;
  };
  List lists_[kPriorities];
  uint32_t priorities_ = 0;
  uint32_t size_ = 0;
};

}  // namespace framepump
