// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "platform/prefetch.h"

namespace framepump {

// Which share of the budget pays for a block.
enum class Account : uint8_t {
  guaranteed,    // the one block that every open stream can always get in each direction
  receive,
  send,
  realtime,
  peek_reserve,  // lets the oldest incomplete peek finish when everything else is full
  join,          // not from the pool: the contiguous copy that a peek across a seam needs
};

// A piece of a byte queue: this header, then the payload. Written by the queue's producer, freed by its consumer.
struct Block {
  std::atomic<Block*> next{nullptr};
  std::atomic<uint32_t> end{0};  // payload bytes that will be filled; lowered when the producer moves on early
  uint32_t begin = 0;            // consumer: payload bytes that are already in a joined block before this one
  uint32_t capacity = 0;
  uint32_t unit = 0;             // where it lies in the pool
  uint8_t slot = 0;
  Account account = Account::receive;

  std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(this + 1); }
};

// 64 KiB is a quantum, and a larger read fills several; 2 KiB holds one small message and its header, so 1,000 talkers need 2 MB, not 64.
// Small blocks lie an odd number of cache lines apart, though they are accounted with 2 KiB: 2 KiB apart all of their first lines would
// compete for a 32nd part of the cache.
constexpr uint32_t kLargeBlockBytes = 64 * 1024;
constexpr uint32_t kSmallBlockBytes = 2 * 1024;
constexpr uint32_t kSmallsPerUnit = kLargeBlockBytes / kSmallBlockBytes;
constexpr uint32_t kLargePayloadBytes = kLargeBlockBytes - static_cast<uint32_t>(sizeof(Block));
constexpr uint32_t kSmallStrideBytes = 31 * static_cast<uint32_t>(kCacheLineBytes);
constexpr uint32_t kSmallPayloadBytes = kSmallStrideBytes - static_cast<uint32_t>(sizeof(Block));

}  // namespace framepump
