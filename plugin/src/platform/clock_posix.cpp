// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/clock.h"

#include <ctime>

namespace framepump {
namespace {

int64_t read_ns(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

int64_t monotonic_us() { return read_ns(CLOCK_MONOTONIC) / 1000; }

int64_t realtime_ns() { return read_ns(CLOCK_REALTIME); }

}  // namespace framepump

#endif
