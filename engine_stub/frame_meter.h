// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace engine {

// How long something took in each frame: percentiles of the whole run, and the newest values for a graph.
class FrameMeter {
 public:
  static constexpr size_t kRecent = 240;

  void add(int64_t us) {
    all_us_.push_back(static_cast<int32_t>(std::min<int64_t>(us, INT32_MAX)));
    recent_us_[count_++ % kRecent] = static_cast<float>(us);
  }
  uint64_t count() const { return count_; }
  int64_t max_us() const { return percentile_us(1.0); }
  // Nearest rank; 0 without values.
  int64_t percentile_us(double share) const {
    if (all_us_.empty()) return 0;
    std::vector<int32_t> sorted = all_us_;
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    const size_t index = std::clamp<size_t>(rank, 1, sorted.size()) - 1;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(index), sorted.end());
    return sorted[index];
  }
  // The newest values as a ring: the oldest is at recent_begin().
  const std::array<float, kRecent>& recent_us() const { return recent_us_; }
  size_t recent_begin() const { return count_ % kRecent; }
  float newest_us() const { return count_ == 0 ? 0.0f : recent_us_[(count_ - 1) % kRecent]; }

 private:
  std::vector<int32_t> all_us_;  // four bytes a frame: an hour at 144 frames a second is 2 MB
  std::array<float, kRecent> recent_us_ = {};
  uint64_t count_ = 0;
};

}  // namespace engine
