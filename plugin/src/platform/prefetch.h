// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace framepump {

constexpr size_t kCacheLineBytes = 64;

// Hints that memory is wanted soon; any address will do. Nothing where the compiler knows no such hint.
inline void prefetch([[maybe_unused]] const void* address) {
#if defined(__GNUC__)
  __builtin_prefetch(address);
#endif
}

inline void prefetch_to_write([[maybe_unused]] const void* begin, [[maybe_unused]] size_t size_bytes) {
#if defined(__GNUC__)
  const auto first = reinterpret_cast<uintptr_t>(begin);  // not to go on from null as a pointer
  const uintptr_t line = first & ~uintptr_t{kCacheLineBytes - 1};
  for (uintptr_t at = line; at < first + size_bytes; at += kCacheLineBytes) __builtin_prefetch(reinterpret_cast<const void*>(at), 1);
#endif
}

}  // namespace framepump
