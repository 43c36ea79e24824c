// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace engine {

// The engine's one clock: monotonic microseconds. Modules get it as a service.
inline int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline void sleep_until_us(int64_t deadline_us) {
  std::this_thread::sleep_until(std::chrono::steady_clock::time_point(std::chrono::microseconds(deadline_us)));
}

}  // namespace engine
