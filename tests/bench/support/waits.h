// SPDX-License-Identifier: MIT
//
// How long messages wait between their sender's `send` and gameplay. The sender writes its clock into them, and both are of one
// machine.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/support/frames.h"

namespace framepump::bench {

inline int64_t wall_ns() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline void sleep_until_ns(int64_t until_ns) {
  const timespec time = {until_ns / 1'000'000'000, until_ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

// A message of the senders that measure waits.
struct Stamp {
  int64_t sent_ns = 0;
  uint64_t number = 0;
};

// What gameplay answers to one: with when its tick began, and when the next frame is due, the asker can tell whether the answer came within
// the frame.
struct EchoAnswer {
  Stamp stamp;
  int64_t tick_begin_ns = 0;
  int64_t next_frame_ns = 0;
};

// Counts waits in microseconds, and in frames: 1 says that the first tick which began after `send` brought the message, 0 that it came
// while a tick ran and that one still took it along. A machine that lets a frame start late lengthens the first figure, not the second.
class WaitMeter {
 public:
  // What was sent before is not counted: it waited for connections to be made.
  void begin() { begin_ns_ = wall_ns(); }
  void tick_begins() {
    tick_starts_ns_.push_back(wall_ns());
    if (tick_starts_ns_.size() > kTicks) tick_starts_ns_.pop_front();
  }
  // Gameplay has it now, or could have had it since `readable_ns`, when its tick returned.
  void add(int64_t sent_ns) { add(sent_ns, wall_ns()); }
  void add(int64_t sent_ns, int64_t readable_ns) {
    if (sent_ns < begin_ns_) return;
    waits_us_.push_back(static_cast<double>(readable_ns - sent_ns) / 1e3);
    double frames = 0;
    for (auto start = tick_starts_ns_.rbegin(); start != tick_starts_ns_.rend() && *start > sent_ns; ++start) ++frames;
    waits_frames_.push_back(frames);
  }
  size_t count() const { return waits_us_.size(); }
  nlohmann::json waits_us() const { return summary(waits_us_); }
  // In order: for figures over several runs.
  const std::vector<double>& each_us() const { return waits_us_; }
  // first_tick_percent: of those that the first tick after their send saw.
  nlohmann::json waits_frames() const {
    nlohmann::json report = summary(waits_frames_);
    const auto seen = static_cast<double>(std::ranges::count_if(waits_frames_, [](double frames) { return frames <= 1; }));
    if (!waits_frames_.empty()) report["first_tick_percent"] = 100 * seen / static_cast<double>(waits_frames_.size());
    return report;
  }

 private:
  static constexpr size_t kTicks = 256;  // four seconds at 60 Hz: longer waits count as this long

  int64_t begin_ns_ = 0;
  std::deque<int64_t> tick_starts_ns_;
  std::vector<double> waits_us_;
  std::vector<double> waits_frames_;
};

}  // namespace framepump::bench
