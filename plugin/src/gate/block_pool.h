// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "gate/atomic_bitmap.h"
#include "gate/block.h"
#include "platform/host.h"

namespace framepump {

// The memory of all streams: memory.budget_kib and not a byte more. Every call may come from any thread, and none takes a lock.
//
// Memory comes in units of 64 KiB, taken from the host when first needed (or by warm) and kept. A unit is one large block or 32 small ones. The
// accounts count in small blocks and are what makes promises: whoever an account lets in finds at least small blocks free, because the
// accounts together never exceed what is there.
class BlockPool {
 public:
  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // Two reserves of the largest peek's size are set aside: to receive it, and to join it.
  // False: out of memory.
  bool open(const Host& host, uint64_t budget_bytes, uint64_t largest_peek_bytes);

  // Takes the first `size_bytes` from the host now and touches them, so that no tick pays for it: a new page costs 0.2 to 1.6 us (measured),
  // for a 64 KiB block as much as receiving into it. Memory that comes free is used before memory that was never used.
  void warm(uint64_t size_bytes);

  // Sets the guaranteed blocks of one stream aside (one small one each way). False: the budget is spoken for.
  bool reserve_stream();
  void release_stream();
  // As release_stream, for one that goes back in the turn it was taken in.
  void put_back_unused_stream();

  // Null: the account is empty. A large block may come back as a small one where no whole unit is free.
  Block* take_small(Account account);
  Block* take_large(Account account);
  // A block of at least `payload_bytes` for a peek across a seam, from the host's memory within the join reserve. Null: in use.
  Block* take_joined(uint64_t payload_bytes);
  void give_back(Block* block);
  // As give_back, for a block that goes back in the turn it was taken in: nobody can have waited for it.
  void put_back_unused(Block* block);

  uint64_t free_bytes(Account account) const;
  // What there is in send or realtime when no stream has anything queued: the account without what is set aside for open streams.
  uint64_t spendable_bytes(Account account) const;
  uint64_t budget_bytes() const { return budget_bytes_; }
  uint64_t used_bytes() const;  // in blocks that are out
  uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }  // most ever taken from the host at once
  // Counts give_back calls: whoever waits for memory looks whether it moved.
  uint64_t given_back() const { return given_back_.load(); }

 private:
  static constexpr int kAccounts = 6;
  struct Unit {
    std::atomic<std::byte*> memory{nullptr};
    std::atomic<uint32_t> free_smalls{0};  // bit i: small block i of this unit is free
  };

  bool charge(Account account, uint32_t smalls);
  std::atomic<int64_t>& balance(Account account) { return balance_[static_cast<int>(account)]; }
  std::byte* memory_of(uint32_t unit);
  Block* place(uint32_t unit, uint8_t slot, Account account);
  Block* place_small(Account account);
  void prefetch_next_small(uint32_t unit, uint32_t slot);
  uint32_t take_small_slot(uint32_t unit);
  void free_small_slot(uint32_t unit, uint32_t slot);
  void raise_peak();
  void release_joined(Block* block);

  Host host_;
  uint64_t budget_bytes_ = 0;
  uint32_t unit_count_ = 0;
  int64_t quarter_smalls_ = 0;  // what send and realtime begin with
  Unit* units_ = nullptr;
  AtomicBitmap free_units_;     // whole units that nobody uses
  AtomicBitmap partial_units_;  // units of small blocks of which one may be free
  std::atomic<int64_t> balance_[kAccounts] = {};  // in small blocks; join: in bytes
  std::atomic<int64_t> used_smalls_{0};
  std::atomic<int64_t> open_streams_{0};
  std::atomic<uint64_t> unit_bytes_{0};
  std::atomic<uint64_t> joined_bytes_{0};
  std::atomic<uint64_t> peak_bytes_{0};
  std::atomic<uint64_t> given_back_{0};
};

}  // namespace framepump
