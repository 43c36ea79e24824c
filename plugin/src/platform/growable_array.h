// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "platform/host.h"

namespace framepump {

// A list of plain values in the host's memory. It grows by half when it is full and never shrinks, so a steady state allocates nothing.
// Unlike std::vector it can say that there is no memory, since the plugin has no exceptions.
template <typename T>
class GrowableArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit GrowableArray(const Host& host) : host_(host) {}
  ~GrowableArray() { host_.release(items_, uint64_t{capacity_} * sizeof(T), alignof(T)); }
  GrowableArray(const GrowableArray&) = delete;
  GrowableArray& operator=(const GrowableArray&) = delete;

  bool reserve(uint32_t capacity) {
    if (capacity <= capacity_) return true;
    T* items = static_cast<T*>(host_.allocate(uint64_t{capacity} * sizeof(T), alignof(T)));
    if (items == nullptr) return false;
    if (size_ > 0) std::memcpy(static_cast<void*>(items), items_, uint64_t{size_} * sizeof(T));
    host_.release(items_, uint64_t{capacity_} * sizeof(T), alignof(T));
    items_ = items;
    capacity_ = capacity;
    return true;
  }
  // The next push will not fail.
  bool make_room() { return size_ < capacity_ || reserve(capacity_ == 0 ? 64 : capacity_ + capacity_ / 2 + 1); }
  bool push(const T& item) {
    if (!make_room()) return false;
    items_[size_++] = item;
    return true;
  }
  // A last item, to be filled in where it is. Null: no memory.
  T* add() { return make_room() ? &items_[size_++] : nullptr; }
  // Keeps the order of the others.
  template <typename Predicate>
  void remove_if(Predicate predicate) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < size_; ++i) {
      if (!predicate(items_[i])) items_[kept++] = items_[i];
    }
    size_ = kept;
  }
  void resize_down(uint32_t size) { size_ = size; }
  void clear() { size_ = 0; }
  uint32_t size() const { return size_; }
  T* data() { return items_; }
  T& operator[](uint32_t i) { return items_[i]; }
  const T& operator[](uint32_t i) const { return items_[i]; }
  std::span<T> span() { return {items_, size_}; }

 private:
  const Host& host_;
  T* items_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace framepump
