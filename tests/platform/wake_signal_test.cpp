// SPDX-License-Identifier: MIT
#include "platform/wake_signal.h"

#include <doctest/doctest.h>
#if !defined(_WIN32)
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#endif

#include <atomic>
#include <thread>

#include "platform/clock.h"
#include "platform/loopback.h"

using namespace framepump;
using namespace framepump::test;

namespace {

#if !defined(_WIN32)
std::atomic<int> interruptions{0};
void count_interruption(int) { ++interruptions; }
#endif

}  // namespace

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
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = count_interruption;  // and no SA_RESTART
  sigaction(SIGUSR1, &action, &before);
  interruptions = 0;
  WakeSignal wake;
  REQUIRE(wake.open());
  constexpr int64_t kSleepUs = 50'000;
  for (int tries = 0; tries < 20 && interruptions == 0; ++tries) {  // this thread may be away for all of the sleep
    int64_t slept_us = 0;
    bool was_raised = true;
    std::atomic<bool> is_over{false};
    std::thread sleeper([&] {
      const int64_t start_us = monotonic_us();
      was_raised = wake.sleep(kSleepUs);
      slept_us = monotonic_us() - start_us;
      is_over = true;
    });
    // Faster than the sleep: one that began anew each time would never end.
    CHECK(becomes_true([&] {
      pthread_kill(sleeper.native_handle(), SIGUSR1);
      return is_over.load();
    }));
    sleeper.join();
    CHECK_FALSE(was_raised);
    CHECK(slept_us >= kSleepUs);
  }
  sigaction(SIGUSR1, &before, nullptr);
  CHECK(interruptions > 0);
}
#endif
