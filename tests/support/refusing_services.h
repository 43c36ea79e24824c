// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "framepump/framepump_types.h"
#include "support/aligned_memory.h"

namespace framepump::test {

// Services whose allocator refuses the allocations from `first` up to `last`, and counts.
class RefusingServices {
 public:
  RefusingServices(int64_t first, int64_t last) : first_(first), last_(last) {
    services_.struct_size = sizeof(services_);
    services_.user = this;
    services_.allocate = [](void* self, uint64_t size_bytes, uint64_t alignment) {
      return static_cast<RefusingServices*>(self)->allocate(size_bytes, alignment);
    };
    services_.release = [](void* self, void* memory, uint64_t size_bytes, uint64_t) {
      if (memory != nullptr) static_cast<RefusingServices*>(self)->live_bytes_ -= size_bytes;
      aligned_release(memory);
    };
    services_.log = [](void*, uint32_t, const char*) {};
  }
  RefusingServices(const RefusingServices&) = delete;
  RefusingServices& operator=(const RefusingServices&) = delete;

  const framepump_services* services() const { return &services_; }
  int64_t allocations() const { return allocations_.load(); }
  uint64_t live_bytes() const { return live_bytes_.load(); }

 private:
  void* allocate(uint64_t size_bytes, uint64_t alignment) {
    const int64_t n = allocations_.fetch_add(1);
    if (n >= first_ && n < last_) return nullptr;
    live_bytes_ += size_bytes;
    return aligned_allocate(size_bytes, alignment);
  }

  framepump_services services_ = {};
  int64_t first_;
  int64_t last_;
  std::atomic<int64_t> allocations_{0};
  std::atomic<uint64_t> live_bytes_{0};
};

}  // namespace framepump::test
