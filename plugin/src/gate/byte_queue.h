// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gate/block.h"
#include "gate/block_pool.h"
#include "platform/prefetch.h"

namespace framepump {

// One direction of one stream: a queue of bytes between one producer and one consumer, who may be on different threads. It is a list
// of blocks with two counters that only grow; nothing else is shared while both sides are at work.
//
// Who owns what: the producer owns the last block, and links a next one only once it has bytes for it. The consumer frees a block when
// it is used up and has a successor. The last block of an empty queue is the producer's to take back (reclaim), so an idle
// queue holds nothing; or to begin anew (rewind). The next bytes then start a new list, which the consumer notices by its epoch.
class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  // ---- producer ----

  // Free bytes at the end of the last block; empty when there is none.
  std::span<std::byte> room() {
    if (tail_ == nullptr) return {};
    return {tail_->data() + tail_offset_, tail_capacity_ - tail_offset_};
  }
  // Counts the first `size_bytes` of room() as queued.
  void produce(uint64_t size_bytes) {
    tail_offset_ += static_cast<uint32_t>(size_bytes);
    produced_.store(produced_.load(std::memory_order_relaxed) + size_bytes, std::memory_order_release);
  }
  // Counts `in_room_bytes` written to room(), and makes `block`, in which `filled_bytes` (at least 1) are written already, the last
  // one, in one step. What is left of the old last block stays unused.
  void append(uint64_t in_room_bytes, Block* block, uint32_t filled_bytes);
  // Frees the last block of an empty queue. Costs two loads when there is nothing to do.
  void reclaim(BlockPool& pool);
  bool holds_block() const { return tail_ != nullptr; }
  // True: the guaranteed block is in the queue, the next one must be paid for.
  bool guaranteed_in_use() const { return guaranteed_in_use_.load(std::memory_order_acquire); }
  // Lets the next bytes of an empty queue begin at the first byte of its last block again: that is in the cache, and views end when
  // their bytes are consumed.
  void rewind();
  uint64_t produced() const { return produced_.load(std::memory_order_relaxed); }
  // Bytes that the consumer has not taken yet; at least so many, seen from either side.
  uint64_t queued_bytes() const {
    const uint64_t consumed = consumed_.load();
    return produced_.load(std::memory_order_acquire) - consumed;
  }

  // ---- consumer: everything up to a position that it has read from arrived() ----

  uint64_t arrived() const { return produced_.load(std::memory_order_acquire); }
  uint64_t consumed() const { return consumed_.load(std::memory_order_relaxed); }
  // Bytes have arrived, and front() will soon be asked for: asks the memory for it.
  void prefetch_front() const {
    prefetch_to_write(head_epoch_ != start_epoch_ ? start_block_ : head_, 2 * kCacheLineBytes);
  }
  // The first contiguous run before position `limit`; empty when there is none.
  std::span<const std::byte> front(uint64_t limit, BlockPool& pool);
  // The contiguous run before `limit` that begins with the byte at `offset_bytes` from the first; empty when that is not before it.
  std::span<const std::byte> run_at(uint64_t offset_bytes, uint64_t limit, BlockPool& pool);
  // Up to runs.size() contiguous runs before `limit`, in order; returns how many.
  uint32_t runs(uint64_t limit, std::span<std::span<const std::byte>> runs, BlockPool& pool);
  void consume(uint64_t size_bytes, BlockPool& pool);
  // Copies the first `size_bytes` (all before `limit`) into one block in front of the queue. Blocks that this replaces join the
  // retired list, because views of them may be in use. False: no memory now.
  bool join(uint64_t size_bytes, uint64_t limit, BlockPool& pool, Block*& retired);
  void free_retired(Block*& retired, BlockPool& pool) {
    if (retired != nullptr) free_all(retired, pool);
  }

  // ---- when neither side is at work any more ----
  void clear(BlockPool& pool);

 private:
  void free_block(Block* block, BlockPool& pool);
  void free_all(Block*& retired, BlockPool& pool);
  void advance(BlockPool& pool, Block** retired);
  bool settle_head(uint64_t limit, BlockPool& pool);

  // producer
  Block* tail_ = nullptr;
  uint32_t tail_offset_ = 0;
  uint32_t tail_capacity_ = 0;   // the block's own is mostly not in the cache when a read wants to know it
  uint32_t start_epoch_ = 0;     // counts lists; written before the first byte of a list is counted as produced
  // shared
  std::atomic<bool> guaranteed_in_use_{false};  // here to fill a gap
  // producer
  Block* start_block_ = nullptr;
  // shared
  std::atomic<uint64_t> produced_{0};
  std::atomic<uint64_t> consumed_{0};
  // consumer
  uint32_t head_epoch_ = 0;
  uint32_t head_offset_ = 0;
  Block* head_ = nullptr;
};

}  // namespace framepump
