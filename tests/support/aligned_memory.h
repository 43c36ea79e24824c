// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#endif

namespace framepump::test {

// malloc and free for allocators of tests, whatever the alignment; Windows has a pair of its own for that.
inline void* aligned_allocate(uint64_t size_bytes, uint64_t alignment) {
  const size_t whole = static_cast<size_t>((size_bytes + alignment - 1) / alignment * alignment);
#if defined(_WIN32)
  return _aligned_malloc(whole, static_cast<size_t>(alignment));
#else
  return std::aligned_alloc(static_cast<size_t>(alignment), whole);
#endif
}
inline void aligned_release(void* memory) {
#if defined(_WIN32)
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

}  // namespace framepump::test
