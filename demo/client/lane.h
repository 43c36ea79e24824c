// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace demo {

// The three ways to move the same bytes that the demo compares.
enum class Lane {
  naive,     // one 16 KiB read per frame, as a game that polls does
  drain,     // FramePump on the game's thread: everything ready, within the slice
  threaded,  // FramePump on its own thread
};
constexpr size_t kLanes = 3;

}  // namespace demo
