// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "framepump/framepump_types.h"

namespace framepump {

enum class HandleKind : uint8_t { null = 0, network = 1, stream = 2, listener = 3, source = 4, host = 5, peer = 6, download = 7 };

// 52 bits, so that a Lua or JavaScript number holds it: kind 4, network 6, index 20, generation 22.
struct Handle {
  HandleKind kind = HandleKind::null;
  uint32_t network = 0;
  uint32_t index = 0;
  uint32_t generation = 0;
};

constexpr uint32_t kMaxNetworks = 63;
constexpr uint32_t kMaxHandleIndex = (1u << 20) - 1;
constexpr uint32_t kGenerationMask = (1u << 22) - 1;

constexpr framepump_handle pack(Handle handle) {
  return uint64_t{static_cast<uint8_t>(handle.kind)} << 48 | uint64_t{handle.network} << 42 | uint64_t{handle.index} << 22 |
         (handle.generation & kGenerationMask);
}

constexpr Handle unpack(framepump_handle value) {
  if (value >> 52 != 0) return {};
  return {.kind = static_cast<HandleKind>(value >> 48),
          .network = static_cast<uint32_t>(value >> 42) & 63,
          .index = static_cast<uint32_t>(value >> 22) & kMaxHandleIndex,
          .generation = static_cast<uint32_t>(value) & kGenerationMask};
}

}  // namespace framepump
