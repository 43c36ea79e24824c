// SPDX-License-Identifier: MIT
#include "demo/client/swarm_view.h"

#include <algorithm>
#include <cmath>

namespace demo {
namespace {

constexpr double kBehindMs = 80;       // a little more than two snapshots, so that one may be missing
constexpr double kSmoothing = 0.05;    // of each snapshot's word on the server's clock
constexpr double kFarOffMs = 500;      // then it is another clock: a stall, a new server
constexpr size_t kMostSnapshots = 32;

DrawnLight between(const Light& from, const Light& to, double share) {
  const auto mix = [share](uint16_t a, uint16_t b) {
    return static_cast<float>((static_cast<double>(a) + (static_cast<double>(b) - static_cast<double>(a)) * share) / 65535.0);
  };
  return {from.id, from.kind, mix(from.x, to.x), mix(from.y, to.y)};
}

// Lights come in the order of their ids, or nearly: so the search begins where the last one ended.
const Light* find(const std::vector<Light>& lights, uint16_t id, size_t& hint) {
  for (size_t n = 0; n < lights.size(); ++n, ++hint) {
    if (hint >= lights.size()) hint = 0;
    if (lights[hint].id == id) return &lights[hint++];
  }
  return nullptr;
}

}  // namespace

void SwarmView::begin_again() {
  snapshots_.clear();
  newest_us_ = 0;
}

bool SwarmView::add(const Snapshot& snapshot, int64_t arrived_us) {
  if (newest_us_ != 0) {
    const int32_t ahead = static_cast<int32_t>(snapshot.number - snapshots_.back().number);
    if (ahead <= 0) return false;
    lost_ += static_cast<uint64_t>(ahead - 1);
    const int64_t gap_us = std::max<int64_t>(arrived_us - newest_us_, 0);
    connected_us_ += gap_us;
    ++gaps_[std::min<size_t>(static_cast<size_t>(gap_us / 1000), kGapBuckets - 1)];
    ++gap_count_;
  }
  const double offset_ms = static_cast<double>(arrived_us) / 1000 - snapshot.time_ms;
  const bool is_other_clock = newest_us_ == 0 || std::abs(offset_ms - offset_ms_) > kFarOffMs;
  offset_ms_ = is_other_clock ? offset_ms : offset_ms_ + (offset_ms - offset_ms_) * kSmoothing;
  newest_us_ = arrived_us;
  ++received_;
  snapshots_.push_back(snapshot);
  if (snapshots_.size() > kMostSnapshots) snapshots_.pop_front();
  return true;
}

const std::vector<DrawnLight>& SwarmView::lights_at(int64_t now_us) {
  drawn_.clear();
  if (snapshots_.empty()) return drawn_;
  const double time_ms = server_time_ms(now_us) - kBehindMs;
  while (snapshots_.size() > 2 && snapshots_[1].time_ms <= time_ms) snapshots_.pop_front();
  const Snapshot& from = snapshots_.front();
  const Snapshot& to = snapshots_.size() > 1 ? snapshots_[1] : from;
  const double span_ms = static_cast<double>(to.time_ms) - from.time_ms;
  const double share = span_ms > 0 ? std::clamp((time_ms - from.time_ms) / span_ms, 0.0, 1.0) : 0.0;
  size_t hint = 0;
  for (const Light& light : from.lights) {
    const Light* later = find(to.lights, light.id, hint);
    if (later != nullptr) drawn_.push_back(between(light, *later, share));
  }
  return drawn_;
}

double SwarmView::gap_ms_p99() const {
  const uint64_t rank = gap_count_ - gap_count_ / 100;
  uint64_t seen = 0;
  for (size_t ms = 0; ms < kGapBuckets && gap_count_ > 0; ++ms) {
    seen += gaps_[ms];
    if (seen >= rank) return static_cast<double>(ms);
  }
  return 0;
}

double SwarmView::per_s() const {
  return connected_us_ > 0 ? static_cast<double>(gap_count_) * 1e6 / static_cast<double>(connected_us_) : 0.0;
}

}  // namespace demo
