// SPDX-License-Identifier: MIT
#include "engine_stub/frame_meter.h"

#include <doctest/doctest.h>

using engine::FrameMeter;

TEST_CASE("a percentile is the smallest value that so many are not above, for short runs too") {
  FrameMeter meter;
  CHECK_EQ(meter.percentile_us(0.99), 0);
  for (int us = 1; us <= 60; ++us) meter.add(us);
  CHECK_EQ(meter.percentile_us(0.0), 1);
  CHECK_EQ(meter.percentile_us(0.5), 30);
  CHECK_EQ(meter.percentile_us(0.99), 60);  // 59 are only 98.3 % of 60
  CHECK_EQ(meter.max_us(), 60);
  for (int us = 61; us <= 200; ++us) meter.add(us);
  CHECK_EQ(meter.percentile_us(0.99), 198);
  CHECK_EQ(meter.max_us(), 200);
}
