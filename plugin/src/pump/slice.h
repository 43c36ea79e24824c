// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "platform/host.h"

namespace framepump {

// A deadline on the host's clock, and a stopwatch with it: each look at the clock serves both. Time stands still between looks.
class Slice {
 public:
  static constexpr int64_t kEndless = INT64_MAX;

  Slice(const Host& host, int64_t length_us)
      : host_(host), begin_us_(host.now_us()), lap_us_(begin_us_), now_us_(begin_us_), length_us_(length_us) {}

  // Looks at the clock; the microseconds since the lap before.
  int64_t lap() {
    const int64_t now_us = host_.now_us();
    if (now_us > now_us_) now_us_ = now_us;  // a clock that steps back stands still
    const int64_t lap_us = now_us_ - lap_us_;
    lap_us_ = now_us_;
    return lap_us;
  }
  // As of the last lap. `set_aside_us` is kept free for work that must follow.
  bool is_over(int64_t set_aside_us) const { return length_us_ != kEndless && elapsed_us() + set_aside_us >= length_us_; }
  int64_t elapsed_us() const { return now_us_ - begin_us_; }
  int64_t remaining_us() const {
    if (length_us_ == kEndless) return kEndless;
    return elapsed_us() >= length_us_ ? 0 : length_us_ - elapsed_us();
  }
  int64_t length_us() const { return length_us_; }
  int64_t begin_us() const { return begin_us_; }
  int64_t now_us() const { return now_us_; }

 private:
  const Host& host_;
  int64_t begin_us_;
  int64_t lap_us_;
  int64_t now_us_;
  int64_t length_us_;
};

}  // namespace framepump
