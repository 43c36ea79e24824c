// SPDX-License-Identifier: MIT
#include "gate/byte_queue.h"

#include <algorithm>
#include <cstring>

namespace framepump {

void ByteQueue::append(uint64_t in_room_bytes, Block* block, uint32_t filled_bytes) {
  if (block->account == Account::guaranteed) guaranteed_in_use_.store(true, std::memory_order_relaxed);
  if (tail_ == nullptr) {
    start_block_ = block;
    ++start_epoch_;
  } else {
    tail_->end.store(tail_offset_ + static_cast<uint32_t>(in_room_bytes), std::memory_order_relaxed);
    tail_->next.store(block, std::memory_order_release);
  }
  tail_ = block;
  tail_offset_ = filled_bytes;
  tail_capacity_ = block->capacity;
  produced_.store(produced_.load(std::memory_order_relaxed) + in_room_bytes + filled_bytes, std::memory_order_release);
}

void ByteQueue::reclaim(BlockPool& pool) {
  if (tail_ == nullptr) return;
  if (consumed_.load(std::memory_order_acquire) != produced_.load(std::memory_order_relaxed)) return;
  free_block(tail_, pool);
  tail_ = nullptr;
}

void ByteQueue::rewind() {
  if (tail_ == nullptr || tail_offset_ == 0) return;
  if (consumed_.load(std::memory_order_acquire) != produced_.load(std::memory_order_relaxed)) return;
  start_block_ = tail_;
  ++start_epoch_;
  tail_offset_ = 0;
}

void ByteQueue::free_block(Block* block, BlockPool& pool) {
  const bool was_guaranteed = block->account == Account::guaranteed;
  pool.give_back(block);
  if (was_guaranteed) guaranteed_in_use_.store(false, std::memory_order_release);
}

// Leaves a used-up head block for its successor.
void ByteQueue::advance(BlockPool& pool, Block** retired) {
  Block* next = head_->next.load(std::memory_order_acquire);
  if (retired != nullptr) {
    head_->next.store(*retired, std::memory_order_relaxed);
    *retired = head_;
  } else {
    free_block(head_, pool);
  }
  head_ = next;
  head_offset_ = next->begin;
}

// Makes head_ a block with at least one byte before `limit`. False: there is none.
bool ByteQueue::settle_head(uint64_t limit, BlockPool& pool) {
  if (consumed_.load(std::memory_order_relaxed) >= limit) return false;
  if (head_epoch_ != start_epoch_) {
    head_epoch_ = start_epoch_;
    head_ = start_block_;
    head_offset_ = 0;
  }
  while (head_offset_ == head_->end.load(std::memory_order_relaxed)) advance(pool, nullptr);
  return true;
}

std::span<const std::byte> ByteQueue::front(uint64_t limit, BlockPool& pool) {
  if (!settle_head(limit, pool)) return {};
  const uint64_t before_limit = limit - consumed_.load(std::memory_order_relaxed);
  const uint64_t in_block = head_->end.load(std::memory_order_relaxed) - head_offset_;
  return {head_->data() + head_offset_, std::min(before_limit, in_block)};
}

std::span<const std::byte> ByteQueue::run_at(uint64_t offset_bytes, uint64_t limit, BlockPool& pool) {
  if (limit - consumed_.load(std::memory_order_relaxed) <= offset_bytes || !settle_head(limit, pool)) return {};
  const uint64_t left = limit - consumed_.load(std::memory_order_relaxed) - offset_bytes;
  Block* block = head_;
  uint32_t begin = head_offset_;
  while (offset_bytes >= block->end.load(std::memory_order_relaxed) - begin) {
    offset_bytes -= block->end.load(std::memory_order_relaxed) - begin;
    block = block->next.load(std::memory_order_acquire);
    begin = block->begin;
  }
  begin += static_cast<uint32_t>(offset_bytes);
  return {block->data() + begin, std::min<uint64_t>(left, block->end.load(std::memory_order_relaxed) - begin)};
}

uint32_t ByteQueue::runs(uint64_t limit, std::span<std::span<const std::byte>> runs, BlockPool& pool) {
  if (!settle_head(limit, pool)) return 0;
  uint64_t left = limit - consumed_.load(std::memory_order_relaxed);
  uint32_t count = 0;
  uint32_t offset = head_offset_;
  for (Block* block = head_; left > 0 && count < runs.size();) {
    const uint64_t size = std::min<uint64_t>(left, block->end.load(std::memory_order_relaxed) - offset);
    if (size > 0) runs[count++] = {block->data() + offset, size};
    left -= size;
    if (left == 0) break;
    block = block->next.load(std::memory_order_acquire);
    offset = block->begin;
  }
  return count;
}

void ByteQueue::consume(uint64_t size_bytes, BlockPool& pool) {
  const uint64_t target = consumed_.load(std::memory_order_relaxed) + size_bytes;
  uint64_t left = size_bytes;
  while (left > 0) {
    settle_head(target, pool);
    const uint64_t step = std::min<uint64_t>(left, head_->end.load(std::memory_order_relaxed) - head_offset_);
    head_offset_ += static_cast<uint32_t>(step);
    left -= step;
  }
  // Before the producer may see the queue as empty: a used-up block that has a successor is ours to free, not the producer's.
  while (size_bytes > 0 && head_offset_ == head_->end.load(std::memory_order_relaxed) &&
         head_->next.load(std::memory_order_acquire) != nullptr) {
    advance(pool, nullptr);
  }
  // Sequentially consistent, like the load in queued_bytes: the producer marks itself blocked and then looks here, the consumer writes
  // here and then looks for the mark, and one of the two must see the other.
  consumed_.store(target);
}

bool ByteQueue::join(uint64_t size_bytes, uint64_t limit, BlockPool& pool, Block*& retired) {
  if (!settle_head(limit, pool)) return false;
  Block* joined = size_bytes <= kSmallPayloadBytes    ? pool.take_small(Account::receive)
                  : size_bytes <= kLargePayloadBytes ? pool.take_large(Account::receive)
                                                     : nullptr;
  if (joined != nullptr && joined->capacity < size_bytes) {
    pool.give_back(joined);
    joined = nullptr;
  }
  if (joined == nullptr) joined = pool.take_joined(size_bytes);
  if (joined == nullptr) return false;
  uint64_t copied = 0;
  while (true) {
    const uint32_t in_block = head_->end.load(std::memory_order_relaxed) - head_offset_;
    const uint32_t step = static_cast<uint32_t>(std::min<uint64_t>(size_bytes - copied, in_block));
    std::memcpy(joined->data() + copied, head_->data() + head_offset_, step);
    copied += step;
    head_offset_ += step;
    if (copied == size_bytes) break;
    advance(pool, &retired);
  }
  // The last block stays in the list behind the copy, and begins after what was copied.
  head_->begin = head_offset_;
  joined->end.store(static_cast<uint32_t>(size_bytes), std::memory_order_relaxed);
  joined->next.store(head_, std::memory_order_relaxed);
  head_ = joined;
  head_offset_ = 0;
  return true;
}

void ByteQueue::clear(BlockPool& pool) {
  const uint64_t arrived = produced_.load(std::memory_order_acquire);
  if (tail_ == nullptr) return;
  if (consumed_.load(std::memory_order_acquire) != arrived) {
    settle_head(arrived, pool);
    while (head_ != tail_) advance(pool, nullptr);
    consumed_.store(arrived, std::memory_order_relaxed);
  }
  free_block(tail_, pool);
  tail_ = nullptr;
}

void ByteQueue::free_all(Block*& retired, BlockPool& pool) {
  while (retired != nullptr) {
    Block* next = retired->next.load(std::memory_order_relaxed);
    free_block(retired, pool);
    retired = next;
  }
}

}  // namespace framepump
