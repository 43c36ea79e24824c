// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "framepump/framepump_types.h"
#include "support/aligned_memory.h"

namespace framepump::test {

// Services that count what the plugin takes from the allocator. Any thread.
class CountingServices {
 public:
  CountingServices() {
    services_.struct_size = sizeof(services_);
    services_.user = this;
    services_.allocate = [](void* self, uint64_t size_bytes, uint64_t alignment) {
      return static_cast<CountingServices*>(self)->allocate(size_bytes, alignment);
    };
    services_.release = [](void* self, void* memory, uint64_t size_bytes, uint64_t) {
      static_cast<CountingServices*>(self)->live_bytes_ -= memory == nullptr ? 0 : size_bytes;
      aligned_release(memory);
    };
    services_.log = [](void*, uint32_t, const char*) {};
  }
  CountingServices(const CountingServices&) = delete;
  CountingServices& operator=(const CountingServices&) = delete;

  const framepump_services* services() const { return &services_; }
  uint64_t live_bytes() const { return live_bytes_.load(); }
  uint64_t peak_bytes() const { return peak_bytes_.load(); }
  uint64_t allocations() const { return allocations_.load(); }
  void forget_peak() { peak_bytes_.store(live_bytes_.load()); }

 protected:
  framepump_services services_ = {};

 private:
  void* allocate(uint64_t size_bytes, uint64_t alignment) {
    ++allocations_;
    const uint64_t live_bytes = live_bytes_.fetch_add(size_bytes) + size_bytes;
    uint64_t peak_bytes = peak_bytes_.load();
    while (live_bytes > peak_bytes && !peak_bytes_.compare_exchange_weak(peak_bytes, live_bytes)) {
    }
    return aligned_allocate(size_bytes, alignment);
  }

  std::atomic<uint64_t> live_bytes_{0};
  std::atomic<uint64_t> peak_bytes_{0};
  std::atomic<uint64_t> allocations_{0};
};

}  // namespace framepump::test
