// SPDX-License-Identifier: MIT
#pragma once
#if !defined(_WIN32)  // which has no signals

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "platform/clock.h"
#include "platform/loopback.h"

namespace framepump::test {

// `wait` takes `wait_us` and returns whether it was woken: signals may neither end it early, nor make it longer, nor count as being woken.
template <typename Wait>
void check_signals_change_nothing(int64_t wait_us, Wait wait) {
  static std::atomic<int> interruptions;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { ++interruptions; };  // and no SA_RESTART
  sigaction(SIGUSR1, &action, &before);
  interruptions = 0;
  for (int tries = 0; tries < 20 && interruptions == 0; ++tries) {  // this thread may be away for all of the wait
    int64_t waited_us = 0;
    std::atomic<bool> is_over{false};
    bool was_woken = true;
    std::thread waiter([&] {
      const int64_t start_us = monotonic_us();
      was_woken = wait();
      waited_us = monotonic_us() - start_us;
      is_over = true;
    });
    // Faster than the wait: one that began anew each time would never end.
    CHECK(becomes_true([&] {
      pthread_kill(waiter.native_handle(), SIGUSR1);
      return is_over.load();
    }));
    waiter.join();
    CHECK_FALSE(was_woken);
    CHECK(waited_us >= wait_us);
  }
  sigaction(SIGUSR1, &before, nullptr);
  CHECK(interruptions > 0);
}

}  // namespace framepump::test

#endif
