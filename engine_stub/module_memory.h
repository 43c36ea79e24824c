// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

namespace engine {

// The engine's allocator as a service for modules: it counts what they hold, so that one which leaves memory behind is found out.
// Any thread.
class ModuleMemory {
 public:
  // Null: there is no more.
  void* allocate(uint64_t size_bytes, uint64_t alignment) {
    void* memory = ::operator new(size_bytes, std::align_val_t(alignment), std::nothrow);
    if (memory != nullptr) held_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
    return memory;
  }
  void release(void* memory, uint64_t size_bytes, uint64_t alignment) {
    if (memory == nullptr) return;
    ::operator delete(memory, std::align_val_t(alignment));
    held_bytes_.fetch_sub(size_bytes, std::memory_order_relaxed);
  }
  uint64_t held_bytes() const { return held_bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> held_bytes_ = 0;
};

}  // namespace engine
