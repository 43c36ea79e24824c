// SPDX-License-Identifier: MIT
#include "gate/arrival_log.h"

#include <algorithm>

#include "framepump/framepump_types.h"

namespace framepump {
namespace {

// A clock that was set back meanwhile must not put arrivals far into the future.
constexpr int64_t kMostAheadUs = 1'000'000;
constexpr int64_t kMostBehindUs = int64_t{86'400} * 1'000'000;

}  // namespace

bool ArrivalLog::push(uint64_t end, int64_t arrival_ns, uint32_t flags) {
  const uint32_t written = written_.load(std::memory_order_relaxed);
  if (written - kept_.load(std::memory_order_acquire) == kEntries) return false;
  Entry& entry = at(written);
  entry.end = end;
  entry.arrival_ns = arrival_ns;
  entry.arrival.flags = flags;
  written_.store(written + 1, std::memory_order_release);
  return true;
}

// Bytes that are in no entry, since the log was off or full, get one of their own first: the next one would count as theirs, too.
void ArrivalLog::note(uint64_t begin, uint64_t end, int64_t arrival_ns, uint32_t flags) {
  if (begin == noted_ || push(begin, skipped_ns_, 0)) {
    noted_ = begin;
    skipped_ns_ = 0;
    if (push(end, arrival_ns, flags)) {
      noted_ = end;
      return;
    }
  }
  if (skipped_ns_ == 0) skipped_ns_ = arrival_ns;
}

void ArrivalLog::turn_on(const FrameTime& now) {
  unknown_ = {.arrived_us = now.frame_us, .tick = now.tick, .flags = 0};
  newest_ = unknown_;
  is_on.store(true, std::memory_order_release);
}

ArrivalLog::Arrival ArrivalLog::in_frame_time(const Entry& entry, const FrameTime& now, uint32_t tick) {
  const int64_t ago_us = std::clamp((now.realtime_ns - entry.arrival_ns) / 1000, -kMostAheadUs, kMostBehindUs);
  newest_ = {.arrived_us = now.frame_us - ago_us, .tick = tick, .flags = entry.arrival.flags};
  if (entry.arrival.flags != 0) add_interval(entry.arrival_ns);
  return newest_;
}

// Both means by 1/16, as RFC 3550, 6.4.1, has it for the second.
void ArrivalLog::add_interval(int64_t arrival_ns) {
  const int64_t interval_us = (arrival_ns - newest_ns_) / 1000;
  const bool is_first = newest_ns_ == 0;
  newest_ns_ = arrival_ns;
  if (is_first || interval_us < 0 || interval_us > kMostBehindUs) return;
  constexpr int64_t kGain = int64_t{1} << kGainBits;
  if (mean_interval_us_ < 0) mean_interval_us_ = interval_us;
  const int64_t off_us = interval_us - mean_interval_us_;
  mean_interval_us_ += off_us / kGain;
  scaled_jitter_us_ += (off_us < 0 ? -off_us : off_us) - ((scaled_jitter_us_ + kGain / 2) >> kGainBits);
}

void ArrivalLog::forget(uint64_t consumed) {
  uint32_t kept = kept_.load(std::memory_order_relaxed);
  while (kept != published_ && at(kept).end <= consumed) ++kept;
  kept_.store(kept, std::memory_order_release);
}

ArrivalLog::Arrival ArrivalLog::find(uint64_t position, uint64_t consumed) {
  forget(consumed);
  uint32_t low = kept_.load(std::memory_order_relaxed);
  uint32_t count = published_ - low;
  while (count > 0) {  // the first whose end lies behind the position
    const uint32_t half = count / 2;
    const bool is_before = at(low + half).end <= position;
    low = is_before ? low + half + 1 : low;
    count = is_before ? count - half - 1 : half;
  }
  if (low != published_) {
    Arrival arrival = at(low).arrival;
    if (position + 1 != at(low).end) arrival.flags &= ~FRAMEPUMP_ARRIVAL_EXACT;
    return arrival;
  }
  Arrival arrival = newest_;
  arrival.flags = 0;
  return arrival;
}

}  // namespace framepump
