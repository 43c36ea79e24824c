// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

namespace framepump {

// A token bucket: so many bytes a second, and a twentieth of a second's at once. What was spent too much is waited for.
class Pace {
 public:
  // 0: no limit.
  void set_rate(uint64_t bytes_per_s, int64_t now_us) {
    refill(now_us);
    if (rate_ == 0) tokens_ = 0;
    rate_ = std::min<uint64_t>(bytes_per_s, uint64_t{1} << 40);
  }
  void spend(uint64_t bytes) {
    if (rate_ != 0) tokens_ -= static_cast<int64_t>(std::min<uint64_t>(bytes, uint64_t{1} << 40));
  }
  bool may_go_on(int64_t now_us) {
    refill(now_us);
    return rate_ == 0 || tokens_ >= 0;
  }
  // When it may; `now_us` when it may already.
  int64_t next_us(int64_t now_us) const {
    if (rate_ == 0 || tokens_ >= 0) return now_us;
    return now_us + static_cast<int64_t>(static_cast<double>(-tokens_) * 1e6 / static_cast<double>(rate_)) + 1;
  }

 private:
  void refill(int64_t now_us) {
    const int64_t passed_us = std::clamp<int64_t>(now_us - last_us_, 0, 60'000'000);
    const auto earned = static_cast<int64_t>(static_cast<double>(rate_) * static_cast<double>(passed_us) / 1e6);
    if (earned == 0 && passed_us < 1000) return;  // or slow rates would earn nothing in many small steps
    last_us_ = now_us;
    tokens_ = std::min(tokens_ + earned, static_cast<int64_t>(rate_ / 20));
  }

  uint64_t rate_ = 0;
  int64_t tokens_ = 0;
  int64_t last_us_ = 0;
};

// Bytes a second, smoothed over about a second.
class RateMeter {
 public:
  void restart(int64_t now_us) {
    since_us_ = now_us;
    bytes_ = 0;
    rate_ = 0;
  }
  void add(uint64_t bytes) { bytes_ += bytes; }
  uint64_t rate(int64_t now_us) {
    constexpr int64_t kStepUs = 250'000;
    const int64_t passed_us = now_us - since_us_;
    if (passed_us < kStepUs) return rate_;
    const double newest = static_cast<double>(bytes_) * 1e6 / static_cast<double>(passed_us);
    const double weight = rate_ == 0 ? 1.0 : std::min(1.0, 0.3 * static_cast<double>(passed_us) / static_cast<double>(kStepUs));
    rate_ = static_cast<uint64_t>(static_cast<double>(rate_) * (1 - weight) + newest * weight);
    since_us_ = now_us;
    bytes_ = 0;
    return rate_;
  }

 private:
  int64_t since_us_ = 0;
  uint64_t bytes_ = 0;
  uint64_t rate_ = 0;
};

}  // namespace framepump
