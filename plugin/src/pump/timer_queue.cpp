// SPDX-License-Identifier: MIT
#include "pump/timer_queue.h"

namespace framepump {

bool TimerQueue::set(Source& source, int64_t wake_at_us) {
  if (wake_at_us == kNever) {
    remove(source);
    return true;
  }
  if (source.timer_index_ == Source::kNoTimer) {
    source.wake_at_us_ = wake_at_us;
    if (!heap_.push(&source)) return false;
    source.timer_index_ = heap_.size() - 1;
    sift_up(source.timer_index_);
    return true;
  }
  if (source.wake_at_us_ == wake_at_us) return true;
  source.wake_at_us_ = wake_at_us;
  sift_up(source.timer_index_);
  sift_down(source.timer_index_);
  return true;
}

void TimerQueue::remove(Source& source) {
  const uint32_t index = source.timer_index_;
  if (index == Source::kNoTimer) return;
  source.timer_index_ = Source::kNoTimer;
  Source* last = heap_[heap_.size() - 1];
  heap_.resize_down(heap_.size() - 1);
  if (last == &source) return;
  place(index, last);
  sift_up(index);
  sift_down(last->timer_index_);
}

Source* TimerQueue::take_due(int64_t now_us) {
  if (earliest_us() > now_us) return nullptr;
  Source* source = heap_[0];
  remove(*source);
  return source;
}

void TimerQueue::place(uint32_t index, Source* source) {
  heap_[index] = source;
  source->timer_index_ = index;
}

void TimerQueue::sift_up(uint32_t index) {
  Source* source = heap_[index];
  while (index > 0) {
    const uint32_t parent = (index - 1) / 2;
    if (heap_[parent]->wake_at_us_ <= source->wake_at_us_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, source);
}

void TimerQueue::sift_down(uint32_t index) {
  Source* source = heap_[index];
  while (true) {
    uint32_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->wake_at_us_ < heap_[child]->wake_at_us_) ++child;
    if (heap_[child]->wake_at_us_ >= source->wake_at_us_) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, source);
}

}  // namespace framepump
