// SPDX-License-Identifier: MIT
#include "gate/byte_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <thread>

#include "support/test_network.h"

using namespace framepump;
using framepump::test::pattern;

namespace {

struct PoolFixture {
  Host host;
  BlockPool pool;
  ByteQueue queue;
  Block* retired = nullptr;

  PoolFixture() {
    REQUIRE(pool.open(host, 8 * 1024 * 1024, 512 * 1024));
    REQUIRE(pool.reserve_stream());
  }
  ~PoolFixture() {
    queue.free_retired(retired, pool);
    queue.clear(pool);
    CHECK_EQ(pool.used_bytes(), 0);
  }

  // As the pump does it: into the room first, then a fresh block.
  void put(std::string_view bytes, bool large) {
    while (!bytes.empty()) {
      const std::span<std::byte> room = queue.room();
      const size_t in_room = std::min(room.size(), bytes.size());
      std::copy_n(bytes.data(), in_room, reinterpret_cast<char*>(room.data()));
      bytes.remove_prefix(in_room);
      if (bytes.empty()) return queue.produce(in_room);
      Block* block = large ? pool.take_large(Account::receive) : pool.take_small(Account::receive);
      REQUIRE(block != nullptr);
      const size_t in_block = std::min<size_t>(block->capacity, bytes.size());
      std::memcpy(block->data(), bytes.data(), in_block);
      queue.append(in_room, block, static_cast<uint32_t>(in_block));
      bytes.remove_prefix(in_block);
    }
  }
  // Overwrites memory that nobody holds.
  void scribble() {
    Block* blocks[400];
    for (Block*& block : blocks) {
      block = pool.take_small(Account::send);
      if (block != nullptr) std::memset(block->data(), 0xee, block->capacity);
    }
    for (Block* block : blocks) {
      if (block != nullptr) pool.give_back(block);
    }
  }
  std::string take(uint64_t size_bytes) {
    std::string got;
    while (got.size() < size_bytes) {
      const auto run = queue.front(queue.arrived(), pool);
      if (run.empty()) break;
      const size_t step = std::min<size_t>(run.size(), size_bytes - got.size());
      got.append(reinterpret_cast<const char*>(run.data()), step);
      queue.consume(step, pool);
    }
    return got;
  }
};

}  // namespace

TEST_CASE_FIXTURE(PoolFixture, "bytes come out as they went in, whatever the sizes of puts and takes") {
  const uint32_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string all = pattern(seed, 0, 3'000'000);
  size_t in = 0;
  size_t out = 0;
  while (out < all.size()) {
    const size_t put_bytes = std::min<size_t>(random() % (random() % 8 == 0 ? 200'000 : 3'000), all.size() - in);
    if (in - out < 1'000'000) {
      put(std::string_view(all).substr(in, put_bytes), random() % 2 == 0);
      in += put_bytes;
    }
    const std::string got = take(random() % (random() % 8 == 0 ? 300'000 : 3'000));
    REQUIRE(got == all.substr(out, got.size()));
    out += got.size();
    if (random() % 16 == 0) queue.reclaim(pool);
  }
}

TEST_CASE_FIXTURE(PoolFixture, "an empty queue holds no block once it was reclaimed, and a full one is left alone") {
  put("abc", false);
  queue.reclaim(pool);
  CHECK(queue.holds_block());
  CHECK_EQ(take(3), "abc");
  queue.reclaim(pool);
  CHECK_FALSE(queue.holds_block());
  CHECK_EQ(pool.used_bytes(), 0);
  put("def", true);
  CHECK_EQ(take(3), "def");
}

TEST_CASE_FIXTURE(PoolFixture, "an empty queue that was rewound begins at its block's first byte again, and a full one is left alone") {
  queue.rewind();  // of nothing is nothing
  CHECK(queue.room().empty());
  put(pattern(2, 0, 500), false);
  const std::byte* const first = queue.front(queue.arrived(), pool).data();
  queue.consume(200, pool);
  queue.rewind();
  CHECK_EQ(queue.room().data(), first + 500);
  queue.consume(300, pool);
  queue.rewind();
  CHECK_EQ(queue.room().data(), first);
  CHECK(queue.front(queue.arrived(), pool).empty());
  const std::string bytes = pattern(3, 0, 10'000);  // the block once more, and others behind it
  put(bytes, false);
  std::string taken;
  for (auto run = queue.front(queue.arrived(), pool); !run.empty(); run = queue.front(queue.arrived(), pool)) {
    taken.append(reinterpret_cast<const char*>(run.data()), run.size());
    queue.consume(run.size(), pool);
  }
  CHECK_EQ(taken, bytes);
}

TEST_CASE_FIXTURE(PoolFixture, "a join is contiguous, right at every seam, and leaves earlier views as they were") {
  for (size_t size : {kSmallPayloadBytes - 1, kSmallPayloadBytes, kSmallPayloadBytes + 1, kLargePayloadBytes, kLargePayloadBytes + 1, 400'000u}) {
    for (size_t begin : {size_t{0}, size_t{1}, size_t{kSmallPayloadBytes - 1}, size_t{kSmallPayloadBytes}}) {
      CAPTURE(size);
      CAPTURE(begin);
      const std::string all = pattern(size, 0, begin + size + 10);
      put(all, false);
      CHECK(take(begin) == all.substr(0, begin));
      const auto view = queue.front(queue.arrived(), pool);
      const std::string before(reinterpret_cast<const char*>(view.data()), view.size());
      REQUIRE(queue.join(size, queue.arrived(), pool, retired));
      scribble();
      const auto joined = queue.front(queue.arrived(), pool);
      REQUIRE_GE(joined.size(), size);
      CHECK(std::memcmp(joined.data(), all.data() + begin, size) == 0);
      CHECK(std::memcmp(view.data(), before.data(), before.size()) == 0);
      CHECK(take(size + 10) == all.substr(begin));
      queue.free_retired(retired, pool);
      queue.reclaim(pool);
      CHECK_EQ(pool.used_bytes(), 0);
    }
  }
}

TEST_CASE_FIXTURE(PoolFixture, "a join in a join, and bytes that arrive behind one, keep their order") {
  const std::string all = pattern(5, 0, 30'000);
  put(std::string_view(all).substr(0, 10'000), false);
  REQUIRE(queue.join(3'000, queue.arrived(), pool, retired));
  put(std::string_view(all).substr(10'000, 5'000), false);
  REQUIRE(queue.join(9'000, queue.arrived(), pool, retired));
  CHECK(take(8'000) == all.substr(0, 8'000));
  put(std::string_view(all).substr(15'000), false);
  REQUIRE(queue.join(22'000, queue.arrived(), pool, retired));
  CHECK(take(30'000) == all.substr(8'000));
}

TEST_CASE_FIXTURE(PoolFixture, "one thread produces while the other consumes, and not a byte is lost or swapped") {
  constexpr uint64_t kTotal = 8'000'000;
  const std::string all = pattern(11, 0, 1 << 16);
  std::thread producer([&] {
    std::mt19937 random(3);
    uint64_t done = 0;
    while (done < kTotal) {
      if (queue.queued_bytes() > 300'000) {
        std::this_thread::yield();
        continue;
      }
      const uint64_t begin = done % all.size();
      const uint64_t size = std::min<uint64_t>({random() % 6'000 + 1, all.size() - begin, kTotal - done});
      put(std::string_view(all).substr(begin, size), random() % 4 == 0);
      done += size;
      queue.reclaim(pool);
    }
  });
  uint64_t seen = 0;
  bool same = true;
  std::mt19937 random(4);
  while (seen < kTotal) {
    const auto run = queue.front(queue.arrived(), pool);
    if (run.empty()) {
      std::this_thread::yield();
      continue;
    }
    const size_t step = std::min<size_t>({run.size(), random() % 5'000 + 1, all.size() - seen % all.size()});
    same = same && std::memcmp(run.data(), all.data() + seen % all.size(), step) == 0;
    queue.consume(step, pool);
    seen += step;
  }
  producer.join();
  CHECK(same);
}
