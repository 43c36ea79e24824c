// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace framepump {

// Monotonic time, microseconds. Any thread.
int64_t monotonic_us();

// Wall-clock time, nanoseconds since 1970: the clock that kernel arrival stamps are counted in. It can step. Any thread.
int64_t realtime_ns();

}  // namespace framepump
