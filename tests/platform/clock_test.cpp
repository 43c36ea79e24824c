// SPDX-License-Identifier: MIT
#include "platform/clock.h"

#include <doctest/doctest.h>

#include <chrono>

#include "platform/loopback.h"

using namespace framepump;

TEST_CASE("the monotonic clock counts microseconds and never steps back") {
  const int64_t start_us = monotonic_us();
  const auto start = std::chrono::steady_clock::now();
  int64_t last_us = start_us;
  CHECK(test::becomes_true([&] {
    const int64_t now_us = monotonic_us();
    CHECK(now_us >= last_us);
    last_us = now_us;
    return now_us - start_us >= 20'000;
  }));
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(19));
}

TEST_CASE("the wall clock counts nanoseconds since 1970") {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t expected_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  const int64_t difference_ns = realtime_ns() - expected_ns;
  CHECK(difference_ns >= -1'000'000'000);
  CHECK(difference_ns < 10'000'000'000);
}
