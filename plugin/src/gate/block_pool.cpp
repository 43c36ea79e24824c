// SPDX-License-Identifier: MIT
#include "gate/block_pool.h"

#include <algorithm>
#include <bit>

#include "platform/prefetch.h"

namespace framepump {
namespace {

constexpr uint8_t kWholeUnit = 255;
constexpr uint64_t kUnitAlignment = 4096;
constexpr uint32_t kNoSlot = UINT32_MAX;

// What receiving a peek of this size may take at worst: small blocks only, which hold a 21st less than they are accounted with, and a partly
// used one at either end.
uint64_t peek_reserve_bytes(uint64_t largest_peek_bytes) {
  return largest_peek_bytes + largest_peek_bytes / 20 + kLargeBlockBytes;
}

uint64_t join_reserve_bytes(uint64_t largest_peek_bytes) { return largest_peek_bytes + sizeof(Block); }

}  // namespace

bool BlockPool::open(const Host& host, uint64_t budget_bytes, uint64_t largest_peek_bytes) {
  host_ = host;
  budget_bytes_ = budget_bytes;
  const uint64_t join_bytes = join_reserve_bytes(largest_peek_bytes);
  unit_count_ = static_cast<uint32_t>((budget_bytes - std::min(budget_bytes, join_bytes)) / kLargeBlockBytes);
  units_ = static_cast<Unit*>(host.allocate(uint64_t{unit_count_} * sizeof(Unit), alignof(Unit)));
  if (units_ == nullptr) return false;
  for (uint32_t i = 0; i < unit_count_; ++i) new (&units_[i]) Unit;
  const int64_t smalls = int64_t{unit_count_} * kSmallsPerUnit;
  const int64_t quarter = smalls / 4;
  quarter_smalls_ = quarter;
  const int64_t peek = static_cast<int64_t>(peek_reserve_bytes(largest_peek_bytes) / kSmallBlockBytes);
  balance(Account::send) = quarter;
  balance(Account::realtime) = quarter;
  balance(Account::peek_reserve) = peek;
  balance(Account::receive) = smalls - 2 * quarter - peek;
  balance(Account::join) = static_cast<int64_t>(join_bytes);
  return free_units_.open(host, unit_count_, AtomicBitmap::Fill::full) &&
         partial_units_.open(host, unit_count_, AtomicBitmap::Fill::empty);
}

BlockPool::~BlockPool() {
  for (uint32_t i = 0; i < unit_count_ && units_ != nullptr; ++i) {
    host_.release(units_[i].memory.load(), kLargeBlockBytes, kUnitAlignment);
  }
  host_.release(units_, uint64_t{unit_count_} * sizeof(Unit), alignof(Unit));
}

void BlockPool::warm(uint64_t size_bytes) {
  constexpr uint32_t kPageBytes = 4096;  // the smallest there is; where pages are larger, some are touched twice
  const uint64_t units = std::min<uint64_t>(unit_count_, size_bytes / kLargeBlockBytes);
  for (uint32_t unit = 0; unit < units; ++unit) {
    volatile std::byte* memory = memory_of(unit);
    if (memory == nullptr) return;  // what is missing now may be there when it is needed
    for (uint32_t at = 0; at < kLargeBlockBytes; at += kPageBytes) memory[at] = std::byte{0};
  }
}

bool BlockPool::reserve_stream() {
  if (!charge(Account::receive, 1)) return false;
  if (!charge(Account::send, 1)) {
    balance(Account::receive).fetch_add(1);
    return false;
  }
  open_streams_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void BlockPool::release_stream() {
  put_back_unused_stream();
  given_back_.fetch_add(1);
}

void BlockPool::put_back_unused_stream() {
  open_streams_.fetch_sub(1, std::memory_order_relaxed);
  balance(Account::receive).fetch_add(1);
  balance(Account::send).fetch_add(1);
}

bool BlockPool::charge(Account account, uint32_t smalls) {
  if (account == Account::guaranteed) return true;  // paid for by reserve_stream
  if (balance(account).fetch_sub(smalls) >= static_cast<int64_t>(smalls)) return true;
  balance(account).fetch_add(smalls);
  return false;
}

Block* BlockPool::take_small(Account account) {
  if (!charge(account, 1)) return nullptr;
  Block* block = place_small(account);
  if (block == nullptr && account != Account::guaranteed) balance(account).fetch_add(1);
  return block;
}

Block* BlockPool::take_large(Account account) {
  if (!charge(account, kSmallsPerUnit)) return take_small(account);
  const uint32_t unit = free_units_.take();
  Block* block = unit == AtomicBitmap::kNone ? nullptr : place(unit, kWholeUnit, account);
  if (block != nullptr) return block;
  if (unit != AtomicBitmap::kNone) free_units_.insert(unit);
  balance(account).fetch_add(kSmallsPerUnit);
  return take_small(account);
}

// The accounts promise that a small block is free somewhere, but between two looks another thread may take one here and free one there;
// so look a few times before giving up.
Block* BlockPool::place_small(Account account) {
  constexpr int kLooks = 64;
  for (int look = 0; look < kLooks; ++look) {
    uint32_t unit = partial_units_.find();
    if (unit != AtomicBitmap::kNone) {
      const uint32_t slot = take_small_slot(unit);
      if (slot == kNoSlot) continue;
      prefetch_next_small(unit, slot);
      return place(unit, static_cast<uint8_t>(slot), account);
    }
    unit = free_units_.take();
    if (unit == AtomicBitmap::kNone) continue;
    Block* block = place(unit, 0, account);
    if (block == nullptr) {
      free_units_.insert(unit);
      return nullptr;  // the host has no memory
    }
    units_[unit].free_smalls.store(~uint32_t{1});
    partial_units_.insert(unit);
    return block;
  }
  return nullptr;
}

// Slots are mostly taken in order, and the next one's header and first bytes can come while this one is filled.
void BlockPool::prefetch_next_small(uint32_t unit, uint32_t slot) {
  constexpr size_t kFirstBytes = 2 * kCacheLineBytes;
  const std::byte* memory = units_[unit].memory.load(std::memory_order_relaxed);
  if (slot + 1 < kSmallsPerUnit && memory != nullptr) prefetch_to_write(memory + (slot + 1) * kSmallStrideBytes, kFirstBytes);
}

uint32_t BlockPool::take_small_slot(uint32_t unit) {
  std::atomic<uint32_t>& free_smalls = units_[unit].free_smalls;
  uint32_t seen = free_smalls.load();
  while (seen != 0) {
    const uint32_t lowest = seen & (~seen + 1);
    if (!free_smalls.compare_exchange_weak(seen, seen & ~lowest)) continue;
    if (seen == lowest) {  // it was the last free one
      partial_units_.remove(unit);
      if (free_smalls.load() != 0) partial_units_.insert(unit);  // one came back in between
    }
    return static_cast<uint32_t>(std::countr_zero(lowest));
  }
  partial_units_.remove(unit);
  if (free_smalls.load() != 0) partial_units_.insert(unit);
  return kNoSlot;
}

void BlockPool::free_small_slot(uint32_t unit, uint32_t slot) {
  std::atomic<uint32_t>& free_smalls = units_[unit].free_smalls;
  const uint32_t now_free = free_smalls.fetch_or(uint32_t{1} << slot) | (uint32_t{1} << slot);
  uint32_t all = UINT32_MAX;
  if (now_free == all && free_smalls.compare_exchange_strong(all, 0)) {  // empty: a whole unit again
    partial_units_.remove(unit);
    free_units_.insert(unit);
  } else {
    partial_units_.insert(unit);
  }
}

std::byte* BlockPool::memory_of(uint32_t unit) {
  std::byte* memory = units_[unit].memory.load(std::memory_order_acquire);
  if (memory != nullptr) return memory;
  memory = static_cast<std::byte*>(host_.allocate(kLargeBlockBytes, kUnitAlignment));
  if (memory == nullptr) return nullptr;
  units_[unit].memory.store(memory, std::memory_order_release);
  unit_bytes_.fetch_add(kLargeBlockBytes);
  raise_peak();
  return memory;
}

Block* BlockPool::place(uint32_t unit, uint8_t slot, Account account) {
  std::byte* memory = memory_of(unit);
  if (memory == nullptr) return nullptr;
  const bool is_whole = slot == kWholeUnit;
  Block* block = new (memory + (is_whole ? 0 : slot * kSmallStrideBytes)) Block;
  block->capacity = is_whole ? kLargePayloadBytes : kSmallPayloadBytes;
  block->end.store(block->capacity, std::memory_order_relaxed);
  block->unit = unit;
  block->slot = slot;
  block->account = account;
  used_smalls_.fetch_add(is_whole ? kSmallsPerUnit : 1, std::memory_order_relaxed);
  return block;
}

Block* BlockPool::take_joined(uint64_t payload_bytes) {
  const uint64_t bytes = payload_bytes + sizeof(Block);
  if (balance(Account::join).fetch_sub(static_cast<int64_t>(bytes)) < static_cast<int64_t>(bytes)) {
    balance(Account::join).fetch_add(static_cast<int64_t>(bytes));
    return nullptr;
  }
  void* memory = host_.allocate(bytes, alignof(Block));
  if (memory == nullptr) {
    balance(Account::join).fetch_add(static_cast<int64_t>(bytes));
    return nullptr;
  }
  Block* block = new (memory) Block;
  block->capacity = static_cast<uint32_t>(payload_bytes);
  block->end.store(block->capacity, std::memory_order_relaxed);
  block->account = Account::join;
  joined_bytes_.fetch_add(bytes);
  raise_peak();
  return block;
}

void BlockPool::release_joined(Block* block) {
  const uint64_t bytes = block->capacity + sizeof(Block);
  joined_bytes_.fetch_sub(bytes);
  host_.release(block, bytes, alignof(Block));
  balance(Account::join).fetch_add(static_cast<int64_t>(bytes));
}

void BlockPool::give_back(Block* block) {
  put_back_unused(block);
  given_back_.fetch_add(1);
}

void BlockPool::put_back_unused(Block* block) {
  const Account account = block->account;
  if (account == Account::join) {
    release_joined(block);
  } else {
    const uint32_t smalls = block->slot == kWholeUnit ? kSmallsPerUnit : 1;
    if (block->slot == kWholeUnit) {
      free_units_.insert(block->unit);
    } else {
      free_small_slot(block->unit, block->slot);
    }
    used_smalls_.fetch_sub(smalls, std::memory_order_relaxed);
    // The account is credited after the space is free: whoever it lets in then finds it.
    if (account != Account::guaranteed) balance(account).fetch_add(smalls);
  }
}

uint64_t BlockPool::free_bytes(Account account) const {
  const int64_t smalls = balance_[static_cast<int>(account)].load(std::memory_order_relaxed);
  return smalls <= 0 ? 0 : static_cast<uint64_t>(smalls) * kSmallBlockBytes;
}

uint64_t BlockPool::spendable_bytes(Account account) const {
  const int64_t set_aside = account == Account::send ? open_streams_.load(std::memory_order_relaxed) : 0;
  return static_cast<uint64_t>(std::max<int64_t>(quarter_smalls_ - set_aside, 0)) * kSmallBlockBytes;
}

uint64_t BlockPool::used_bytes() const {
  return static_cast<uint64_t>(used_smalls_.load(std::memory_order_relaxed)) * kSmallBlockBytes +
         joined_bytes_.load(std::memory_order_relaxed);
}

void BlockPool::raise_peak() {
  const uint64_t held = unit_bytes_.load() + joined_bytes_.load();
  uint64_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (held > peak && !peak_bytes_.compare_exchange_weak(peak, held)) {
  }
}

}  // namespace framepump
