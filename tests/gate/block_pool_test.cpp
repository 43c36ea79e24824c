// SPDX-License-Identifier: MIT
#include "gate/block_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <thread>
#include <vector>

using namespace framepump;

namespace {

constexpr uint64_t kMiB = 1024 * 1024;

// What the pool takes from the host, now and at most.
struct CountingMemory {
  std::atomic<int64_t> bytes{0};
  std::atomic<int64_t> peak_bytes{0};

  framepump_services services() {
    framepump_services s = {};
    s.struct_size = sizeof(s);
    s.user = this;
    s.allocate = [](void* user, uint64_t size, uint64_t alignment) -> void* {
      auto* self = static_cast<CountingMemory*>(user);
      const int64_t now = self->bytes.fetch_add(static_cast<int64_t>(size)) + static_cast<int64_t>(size);
      int64_t peak = self->peak_bytes.load();
      while (now > peak && !self->peak_bytes.compare_exchange_weak(peak, now)) {
      }
      return ::operator new(size, std::align_val_t{alignment});
    };
    s.release = [](void* user, void* memory, uint64_t size, uint64_t alignment) {
      static_cast<CountingMemory*>(user)->bytes.fetch_sub(static_cast<int64_t>(size));
      ::operator delete(memory, std::align_val_t{alignment});
    };
    return s;
  }
};

}  // namespace

TEST_CASE("an account gives out what it has and not a block more") {
  const Host host;
  BlockPool pool;
  REQUIRE(pool.open(host, 4 * kMiB, 64 * 1024));
  const uint64_t free_before = pool.free_bytes(Account::send);
  std::vector<Block*> blocks;
  while (Block* block = pool.take_large(Account::send)) blocks.push_back(block);
  uint64_t taken = 0;
  for (const Block* block : blocks) taken += block->capacity == kLargePayloadBytes ? kLargeBlockBytes : kSmallBlockBytes;
  CHECK_EQ(taken, free_before);
  CHECK_EQ(pool.free_bytes(Account::send), 0);
  CHECK(pool.take_small(Account::send) == nullptr);
  CHECK(pool.take_large(Account::receive) != nullptr);
  pool.give_back(blocks.back());
  CHECK(pool.take_small(Account::send) != nullptr);
}

TEST_CASE("blocks do not overlap, and the first lines of small ones are spread over the whole cache") {
  const Host host;
  BlockPool pool;
  REQUIRE(pool.open(host, 4 * kMiB, 64 * 1024));
  std::vector<Block*> blocks = {pool.take_large(Account::receive)};
  for (int i = 0; i < 200; ++i) blocks.push_back(pool.take_small(Account::receive));
  std::sort(blocks.begin(), blocks.end(), std::less<>());
  std::array<int, 64> on_line = {};  // of a page
  for (size_t i = 0; i < blocks.size(); ++i) {
    REQUIRE(blocks[i] != nullptr);
    if (i > 0) CHECK_GE(reinterpret_cast<std::byte*>(blocks[i]), blocks[i - 1]->data() + blocks[i - 1]->capacity);
    ++on_line[reinterpret_cast<uintptr_t>(blocks[i]) / 64 % on_line.size()];
  }
  CHECK_LE(*std::max_element(on_line.begin(), on_line.end()), 10);  // at 2 KiB apart: 100
}

TEST_CASE("a stream's guaranteed blocks are there when every account is empty") {
  const Host host;
  BlockPool pool;
  REQUIRE(pool.open(host, kMiB, 64 * 1024));
  constexpr int kStreams = 20;
  for (int i = 0; i < kStreams; ++i) REQUIRE(pool.reserve_stream());
  for (Account account : {Account::send, Account::receive, Account::realtime, Account::peek_reserve}) {
    while (pool.take_large(account) != nullptr) {
    }
    while (pool.take_small(account) != nullptr) {
    }
  }
  for (int i = 0; i < 2 * kStreams; ++i) CHECK(pool.take_small(Account::guaranteed) != nullptr);
}

TEST_CASE("a unit is whole again once all of its small blocks came back") {
  const Host host;
  BlockPool pool;
  REQUIRE(pool.open(host, 4 * kMiB, 64 * 1024));
  std::vector<Block*> smalls;
  while (Block* block = pool.take_small(Account::send)) smalls.push_back(block);
  for (Block* block : smalls) pool.give_back(block);
  uint32_t large = 0;
  while (Block* block = pool.take_large(Account::send)) large += block->capacity == kLargePayloadBytes;
  CHECK_EQ(large, smalls.size() / kSmallsPerUnit);
  CHECK_GT(large, 10);
}

TEST_CASE("the pool never takes more from the host than its budget, joined blocks included") {
  CountingMemory memory;
  const framepump_services services = memory.services();
  const Host host(&services);
  const uint64_t budget = 4 * kMiB;
  {
    BlockPool pool;
    REQUIRE(pool.open(host, budget, budget / 16));
    const int64_t overhead = memory.bytes.load();
    for (Account account : {Account::send, Account::receive, Account::realtime, Account::peek_reserve}) {
      while (pool.take_large(account) != nullptr) {
      }
      while (pool.take_small(account) != nullptr) {
      }
    }
    Block* joined = pool.take_joined(budget / 16);
    REQUIRE(joined != nullptr);
    CHECK(pool.take_joined(1) == nullptr);
    CHECK_LE(memory.peak_bytes.load() - overhead, static_cast<int64_t>(budget));
    CHECK_EQ(pool.peak_bytes(), static_cast<uint64_t>(memory.peak_bytes.load() - overhead));
    pool.give_back(joined);
    joined = pool.take_joined(1);
    REQUIRE(joined != nullptr);
    pool.give_back(joined);
  }
  CHECK_EQ(memory.bytes.load(), 0);
}

TEST_CASE("memory that was warmed is used before any new memory is taken from the host") {
  Host host;
  BlockPool pool;
  REQUIRE(pool.open(host, 4 * kMiB, 64 * 1024));
  pool.warm(512 * 1024);
  CHECK_EQ(pool.peak_bytes(), 512 * 1024);
  CHECK_EQ(pool.used_bytes(), 0);
  std::vector<Block*> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(pool.take_large(Account::receive));
  CHECK_EQ(pool.peak_bytes(), 512 * 1024);
  blocks.push_back(pool.take_large(Account::receive));
  CHECK_GT(pool.peak_bytes(), 512 * 1024);
  for (Block* block : blocks) pool.give_back(block);
  pool.warm(1 << 30);  // never more than there is
  CHECK_LE(pool.peak_bytes(), 4 * kMiB);
}

TEST_CASE("two threads that take and give back lose no block") {
  const Host host;
  BlockPool pool;
  REQUIRE(pool.open(host, 2 * kMiB, 64 * 1024));
  const uint64_t free_send = pool.free_bytes(Account::send);
  const uint64_t free_receive = pool.free_bytes(Account::receive);
  std::atomic<uint32_t> guaranteed_missing{0};
  REQUIRE(pool.reserve_stream());
  const auto churn = [&](uint32_t seed, Account account) {
    std::mt19937 random(seed);
    std::vector<Block*> mine;
    for (int i = 0; i < 50'000; ++i) {
      const auto dice = random() % 4;
      Block* block = dice == 0 ? pool.take_large(account) : dice == 1 ? pool.take_small(account) : nullptr;
      if (block != nullptr) {
        block->data()[0] = std::byte{1};
        mine.push_back(block);
      } else if (!mine.empty()) {
        pool.give_back(mine.back());
        mine.pop_back();
      }
      if (i % 64 != 0) continue;
      Block* promised = pool.take_small(Account::guaranteed);
      if (promised == nullptr) ++guaranteed_missing;
      else pool.give_back(promised);
    }
    for (Block* block : mine) pool.give_back(block);
  };
  std::thread other(churn, 1, Account::receive);
  churn(2, Account::send);
  other.join();
  pool.release_stream();
  CHECK_EQ(guaranteed_missing.load(), 0);
  CHECK_EQ(pool.free_bytes(Account::send), free_send);
  CHECK_EQ(pool.free_bytes(Account::receive), free_receive);
  CHECK_EQ(pool.used_bytes(), 0);
}
