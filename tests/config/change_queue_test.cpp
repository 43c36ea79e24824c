// SPDX-License-Identifier: MIT
#include "config/change_queue.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <thread>

namespace framepump::test {
namespace {

// A change in which every part tells its number, so that a torn copy shows.
ConfigChange numbered(uint32_t number) {
  ConfigChange change;
  change.accepted = true;
  change.changed = number;
  change.config.slice_us = number;
  change.config.limit_streams = number;
  std::snprintf(change.message.text, sizeof(change.message.text), "%u", number);
  return change;
}

bool is_numbered(const ConfigChange& change, uint32_t number) {
  return change.accepted && change.changed == number && change.config.slice_us == number &&
         change.config.limit_streams == number && std::to_string(number) == change.message.text;
}

}  // namespace

TEST_CASE("changes come out of the queue whole and in the order they went in") {
  ChangeQueue queue;
  ConfigChange out;
  CHECK_FALSE(queue.take(out));
  for (uint32_t i = 0; i < 100; ++i) {
    CHECK(queue.put(numbered(2 * i)));
    CHECK(queue.put(numbered(2 * i + 1)));
    CHECK(queue.take(out));
    CHECK(is_numbered(out, 2 * i));
    CHECK(queue.take(out));
    CHECK(is_numbered(out, 2 * i + 1));
    CHECK_FALSE(queue.take(out));
  }
}

TEST_CASE("a full queue takes no more and keeps what it has") {
  ChangeQueue queue;
  for (uint32_t i = 0; i < ChangeQueue::kCapacity; ++i) CHECK(queue.put(numbered(i)));
  CHECK_FALSE(queue.put(numbered(99)));
  ConfigChange out;
  CHECK(queue.take(out));
  CHECK(is_numbered(out, 0));
  CHECK(queue.put(numbered(ChangeQueue::kCapacity)));
  CHECK_FALSE(queue.put(numbered(99)));
  for (uint32_t i = 1; i <= ChangeQueue::kCapacity; ++i) {
    CHECK(queue.take(out));
    CHECK(is_numbered(out, i));
  }
  CHECK_FALSE(queue.take(out));
}

TEST_CASE("a taking thread sees each change of a putting thread whole and in order") {
  constexpr uint32_t kChanges = 5000;
  ChangeQueue queue;
  std::thread writer([&] {
    for (uint32_t i = 0; i < kChanges;) {
      if (queue.put(numbered(i))) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kChanges;) {
    ConfigChange out;
    if (!queue.take(out)) {
      std::this_thread::yield();
      continue;
    }
    wrong += is_numbered(out, i) ? 0 : 1;
    ++i;
  }
  writer.join();
  CHECK(wrong == 0);
}

}  // namespace framepump::test
