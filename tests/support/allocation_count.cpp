// SPDX-License-Identifier: MIT
#include "support/allocation_count.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FRAMEPUMP_OTHER_MALLOC
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define FRAMEPUMP_OTHER_MALLOC
#endif
#endif

namespace {

[[maybe_unused]] std::atomic<uint64_t> allocations{0};

}  // namespace

namespace framepump::test {

std::optional<uint64_t> allocation_count() {
#if defined(FRAMEPUMP_OTHER_MALLOC) || !defined(__GLIBC__)
  return std::nullopt;
#else
  return allocations.load();
#endif
}

}  // namespace framepump::test

#if !defined(FRAMEPUMP_OTHER_MALLOC) && defined(__GLIBC__)
// glibc keeps its own functions under these names too, so ours can count and pass on.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  ++allocations;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}
#endif
