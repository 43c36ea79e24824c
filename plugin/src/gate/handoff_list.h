// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "platform/prefetch.h"

namespace framepump {

// A place in a HandoffList, and the base of what can be on one. An object is on the list once, however often it is posted, so the
// list is bounded by the number of objects and never allocates.
class HandoffLink {
 public:
  HandoffLink() = default;
  HandoffLink(const HandoffLink&) = delete;
  HandoffLink& operator=(const HandoffLink&) = delete;

  HandoffLink* next() const { return next_; }
  // The receiving side, once it has read next(): takes the bits and lets the link be posted again.
  uint32_t open() { return bits_.exchange(0, std::memory_order_acq_rel); }

 private:
  friend class HandoffList;
  static constexpr uint32_t kListed = uint32_t{1} << 31;

  HandoffLink* next_ = nullptr;
  std::atomic<uint32_t> bits_{0};
};

// Objects with something to say to the other side, in the order in which they first said it. Any thread posts, one takes.
// A Treiber stack of which only the whole is ever taken, so it knows no ABA problem.
class HandoffList {
 public:
  HandoffList() = default;
  HandoffList(const HandoffList&) = delete;
  HandoffList& operator=(const HandoffList&) = delete;

  // What was written before post() is visible to whoever opens the link. `bits` below 2^31.
  void post(HandoffLink& link, uint32_t bits) {
    if ((link.bits_.fetch_or(bits | HandoffLink::kListed, std::memory_order_acq_rel) & HandoffLink::kListed) != 0) return;
    HandoffLink* top = top_.load(std::memory_order_relaxed);
    do {
      link.next_ = top;
    } while (!top_.compare_exchange_weak(top, &link, std::memory_order_release, std::memory_order_relaxed));
  }

  bool is_empty() const { return top_.load(std::memory_order_acquire) == nullptr; }

  // Everything posted so far, oldest first; null when there is nothing.
  HandoffLink* take_all() {
    if (top_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    HandoffLink* newest = top_.exchange(nullptr, std::memory_order_acquire);
    HandoffLink* oldest = nullptr;
    while (newest != nullptr) {
      HandoffLink* next = newest->next_;
      newest->next_ = oldest;
      oldest = newest;
      newest = next;
    }
    return oldest;
  }

 private:
  std::atomic<HandoffLink*> top_{nullptr};
};

// The receiving side's end of a list: takes one link after the other, and keeps what it had no time for.
class HandoffReader {
 public:
  explicit HandoffReader(HandoffList& list) : list_(list) {}

  // The next link, to be opened at once; null when there is none.
  HandoffLink* next() {
    if (pending_ == nullptr) pending_ = list_.take_all();
    if (pending_ == nullptr) return nullptr;
    HandoffLink* link = pending_;
    pending_ = link->next();
    if (pending_ != nullptr) prefetch_to_write(pending_, kLinkedBytes);
    return link;
  }
  bool has_more() const { return pending_ != nullptr || !list_.is_empty(); }

 private:
  static constexpr size_t kLinkedBytes = 152;  // of a linked object, what is looked at when it comes up: of a gate what a message touches

  HandoffList& list_;
  HandoffLink* pending_ = nullptr;
};

}  // namespace framepump
