// SPDX-License-Identifier: MIT
#include "gate/handoff_list.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace framepump;

TEST_CASE("links come out in the order in which they first had something to say, with all their bits") {
  HandoffList list;
  HandoffReader reader(list);
  HandoffLink a, b, c;
  list.post(b, 1);
  list.post(a, 2);
  list.post(b, 4);
  list.post(c, 8);
  HandoffLink* first = reader.next();
  CHECK(first == &b);
  CHECK_EQ(first->open() & 0xff, 5);
  list.post(b, 16);  // again, behind the others
  CHECK(reader.next() == &a);
  CHECK_EQ(a.open() & 0xff, 2);
  CHECK(reader.next() == &c);
  CHECK_EQ(c.open() & 0xff, 8);
  CHECK(reader.next() == &b);
  CHECK_EQ(b.open() & 0xff, 16);
  CHECK(reader.next() == nullptr);
  CHECK_FALSE(reader.has_more());
}

TEST_CASE("no bit is lost between a thread that posts and one that takes") {
  HandoffList list;
  HandoffReader reader(list);
  std::vector<HandoffLink> links(7);
  std::vector<uint64_t> posted(links.size());
  constexpr uint32_t kRounds = 100'000;
  std::atomic<uint32_t> written[7] = {};
  std::thread poster([&] {
    for (uint32_t i = 0; i < kRounds; ++i) {
      const uint32_t k = i * 5 % 7;
      written[k].fetch_add(1, std::memory_order_relaxed);  // the payload that post() must make visible
      list.post(links[k], 1);
    }
  });
  uint32_t seen[7] = {};
  const auto all_seen = [&] {
    uint32_t sum = 0;
    for (uint32_t n : seen) sum += n;
    return sum == kRounds;
  };
  while (!all_seen()) {
    HandoffLink* link = reader.next();
    if (link == nullptr) {
      std::this_thread::yield();
      continue;
    }
    CHECK_NE(link->open(), 0);
    const size_t k = static_cast<size_t>(link - links.data());
    seen[k] = written[k].load(std::memory_order_relaxed);
  }
  poster.join();
  // The newest post may have come after its payload was seen, so there can be one link more; then nothing.
  while (HandoffLink* link = reader.next()) CHECK_NE(link->open(), 0);
  CHECK_FALSE(reader.has_more());
}
