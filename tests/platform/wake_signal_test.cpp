// SPDX-License-Identifier: MIT
#include "platform/wake_signal.h"

#include <doctest/doctest.h>
#if !defined(_WIN32)
#include <fcntl.h>
#endif

#include <atomic>
#include <thread>

#include "platform/clock.h"
#include "platform/interruptions.h"
#include "platform/loopback.h"

using namespace framepump;
using namespace framepump::test;

TEST_CASE("a raise with nobody asleep ends the next sleep at once, and only that one") {
  WakeSignal wake;
  REQUIRE(wake.open());
  wake.raise();
  wake.raise();
  CHECK(wake.sleep(-1));
  CHECK_FALSE(wake.sleep(0));
}

TEST_CASE("clear takes back every raise so far") {
  WakeSignal wake;
  REQUIRE(wake.open());
  wake.clear();
  wake.raise();
  wake.raise();
  wake.clear();
  CHECK_FALSE(wake.sleep(0));
  wake.raise();
  CHECK(wake.sleep(0));
}

TEST_CASE("a sleeper is woken by another thread") {
  WakeSignal wake;
  REQUIRE(wake.open());
  std::atomic<bool> is_awake{false};
  std::thread sleeper([&] { is_awake = wake.sleep(-1); });
  wake.raise();
  CHECK(becomes_true([&] { return is_awake.load(); }));
  sleeper.join();
}

TEST_CASE("a sleep ends after its time and not before") {
  WakeSignal wake;
  REQUIRE(wake.open());
  const int64_t start_us = monotonic_us();
  CHECK_FALSE(wake.sleep(20'500));
  CHECK(monotonic_us() - start_us >= 20'500);
  CHECK(monotonic_us() - start_us < kLimitUs);
}

TEST_CASE("opening again keeps what was raised, and leaks nothing") {
  WakeSignal wake;
  REQUIRE(wake.open());
  const intptr_t before = wake.read_descriptor();
  wake.raise();
  REQUIRE(wake.open());
  CHECK(wake.read_descriptor() == before);
  CHECK(wake.sleep(0));
#if !defined(_WIN32)
  CHECK((fcntl(static_cast<int>(before), F_GETFD) & FD_CLOEXEC) != 0);
#endif
}

#if !defined(_WIN32)  // which has no signals
TEST_CASE("signals neither end a sleep early nor make it longer") {
  WakeSignal wake;
  REQUIRE(wake.open());
  constexpr int64_t kSleepUs = 50'000;
  check_signals_change_nothing(kSleepUs, [&] { return wake.sleep(kSleepUs); });
}
#endif
