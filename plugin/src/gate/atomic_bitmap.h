// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "platform/host.h"

namespace framepump {

// A set of indices from which any thread takes one and to which any thread gives one back, without locks. The lowest words are
// tried first, so that what is in use stays together at the low end.
class AtomicBitmap {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  AtomicBitmap() = default;
  ~AtomicBitmap() { host_.release(words_, uint64_t{word_count_} * sizeof(Word), alignof(Word)); }
  AtomicBitmap(const AtomicBitmap&) = delete;
  AtomicBitmap& operator=(const AtomicBitmap&) = delete;

  enum class Fill : uint8_t { empty, full };

  // Room for indices 0 to count - 1. False: out of memory.
  bool open(const Host& host, uint32_t count, Fill fill) {
    host_ = host;
    word_count_ = (count + 63) / 64;
    words_ = static_cast<Word*>(host.allocate(uint64_t{word_count_} * sizeof(Word), alignof(Word)));
    if (words_ == nullptr) {
      word_count_ = 0;
      return false;
    }
    for (uint32_t i = 0; i < word_count_; ++i) new (&words_[i]) Word(0);
    for (uint32_t i = 0; fill == Fill::full && i < count; ++i) insert(i);
    return true;
  }

  // Takes any index; kNone when the set is empty.
  uint32_t take() {
    const uint32_t hint = first_hint_.load(std::memory_order_relaxed);
    const uint32_t index = take_between(hint, word_count_, hint);
    // The hint is only that: an index given back meanwhile may lie below it.
    return index != kNone ? index : take_between(0, hint, hint);
  }

  void insert(uint32_t index) {
    words_[index / 64].fetch_or(bit(index));
    lower_hint(index / 64);
  }

  // True: it was in the set, and now it is not.
  bool remove(uint32_t index) { return (words_[index / 64].fetch_and(~bit(index)) & bit(index)) != 0; }

  // Some index of the set without taking it; kNone when it is empty.
  uint32_t find() const {
    for (uint32_t i = 0; i < word_count_; ++i) {
      const uint64_t word = words_[i].load();
      if (word != 0) return i * 64 + static_cast<uint32_t>(std::countr_zero(word));
    }
    return kNone;
  }

 private:
  using Word = std::atomic<uint64_t>;

  static uint64_t bit(uint32_t index) { return uint64_t{1} << (index % 64); }

  uint32_t take_between(uint32_t begin, uint32_t end, uint32_t hint) {
    for (uint32_t i = begin; i < end; ++i) {
      const uint32_t index = take_from(i);
      if (index == kNone) continue;
      if (i != hint) move_hint(hint, i);
      return index;
    }
    return kNone;
  }
  void lower_hint(uint32_t word) {
    if (word < first_hint_.load()) first_hint_.store(word);
  }
  // An insert in between saw the old hint and left it. Sequentially consistent, so that one of the two sees the other.
  void move_hint(uint32_t from, uint32_t to) {
    first_hint_.store(to);
    for (uint32_t i = from; i < to; ++i) {
      if (words_[i].load() != 0) return lower_hint(i);
    }
  }

  uint32_t take_from(uint32_t word_index) {
    Word& word = words_[word_index];
    uint64_t seen = word.load();
    while (seen != 0) {
      const uint64_t lowest = seen & (~seen + 1);
      if (word.compare_exchange_weak(seen, seen & ~lowest)) {
        return word_index * 64 + static_cast<uint32_t>(std::countr_zero(lowest));
      }
    }
    return kNone;
  }

  Host host_;
  Word* words_ = nullptr;
  uint32_t word_count_ = 0;
  std::atomic<uint32_t> first_hint_{0};  // words below it were empty when last looked at
};

}  // namespace framepump
