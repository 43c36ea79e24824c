// SPDX-License-Identifier: MIT
#if defined(_WIN32)

#include "platform/clock.h"

#include <windows.h>

namespace framepump {
namespace {

int64_t counts_per_s() {
  LARGE_INTEGER frequency = {};
  QueryPerformanceFrequency(&frequency);  // cannot fail since Windows XP, and never changes
  return frequency.QuadPart;
}

}  // namespace

// In two parts: counts times a million would overflow after some days at 10 MHz or more.
int64_t monotonic_us() {
  static const int64_t per_s = counts_per_s();
  LARGE_INTEGER now = {};
  QueryPerformanceCounter(&now);
  return now.QuadPart / per_s * 1'000'000 + now.QuadPart % per_s * 1'000'000 / per_s;
}

int64_t realtime_ns() {
  constexpr int64_t kFrom1601To1970 = 116'444'736'000'000'000;  // in units of 100 ns
  FILETIME time = {};
  GetSystemTimePreciseAsFileTime(&time);
  const int64_t ticks = static_cast<int64_t>(uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime);
  return (ticks - kFrom1601To1970) * 100;
}

}  // namespace framepump

#endif
