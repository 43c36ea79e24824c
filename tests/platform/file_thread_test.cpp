// SPDX-License-Identifier: MIT
#include "platform/file_thread.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "platform/clock.h"
#include "platform/loopback.h"

using namespace framepump;
using namespace framepump::test;

namespace {

struct CountingWork final : FileWork {
  int64_t work() override {
    thread = std::this_thread::get_id();
    if (signal.read_descriptor() != -1) signal.clear();
    calls.fetch_add(1);
    return pause_us == kNotBefore ? kNotBefore : monotonic_us() + pause_us;
  }
  intptr_t descriptor() const override { return signal.read_descriptor(); }
  bool has_calls(int count) {
    return becomes_true([&] { return calls.load() >= count; });
  }

  int64_t pause_us = kNotBefore;
  std::atomic<int> calls{0};
  std::thread::id thread;
  WakeSignal signal;  // closed unless a test opens it
};

}  // namespace

TEST_CASE("the file thread calls each work at once, then when it is woken, when its descriptor is readable, and when its time has come") {
  const Host host;
  CountingWork sleeper;
  CountingWork clock;
  CountingWork watcher;
  clock.pause_us = 20'000;
  REQUIRE(watcher.signal.open());
  FileThread thread(host);
  REQUIRE(thread.add(sleeper));
  CHECK(sleeper.has_calls(1));
  thread.wake();
  CHECK(sleeper.has_calls(2));
  REQUIRE(thread.add(watcher));  // while it runs
  CHECK(watcher.has_calls(1));
  const int before = watcher.calls.load();
  watcher.signal.raise();
  CHECK(watcher.has_calls(before + 1));
  REQUIRE(thread.add(clock));
  CHECK(clock.has_calls(5));  // nobody wakes it
  thread.stop();
  thread.stop();  // a second one does nothing
  CHECK(sleeper.thread == watcher.thread);
  CHECK(sleeper.thread != std::this_thread::get_id());
  const int at_end = clock.calls.load();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK_EQ(clock.calls.load(), at_end);
}

TEST_CASE("a file thread that has nothing to do does not run") {
  const Host host;
  CountingWork work;
  FileThread thread(host);
  REQUIRE(thread.add(work));
  CHECK(work.has_calls(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK_LE(work.calls.load(), 2);
}

TEST_CASE("the file thread refuses what is one too many, and anything after its end") {
  const Host host;
  CountingWork works[5];
  FileThread thread(host);
  for (int i = 0; i < 4; ++i) CHECK(thread.add(works[i]));
  CHECK_FALSE(thread.add(works[4]));
  thread.stop();
  FileThread ended(host);
  REQUIRE(ended.add(works[4]));
  ended.stop();
  CHECK_FALSE(ended.add(works[0]));
}
