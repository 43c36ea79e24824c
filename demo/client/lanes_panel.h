// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "demo/client/lanes.h"

namespace demo {

// The three lanes side by side along the lower edge: how fast the update comes in each, and what it does to the frames.
class LanesPanel {
 public:
  // Where it begins.
  static float top(int height);
  void draw(const Lanes& lanes, uint64_t update_bytes, float period_us, int width, int height) const;
};

}  // namespace demo
