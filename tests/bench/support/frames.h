// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "bench/support/processor_loss.h"

namespace framepump::bench {

int64_t wall_us();           // the monotonic clock
int64_t thread_cpu_us();     // what this thread has computed so far
int64_t process_cpu_us();    // what all threads have

// A thread that sleeps for ever. In a process of one thread malloc locks nothing and the kernel counts no references to descriptors, which
// no game can have: bare loops that are compared by the nanosecond get one.
void start_idle_thread();

// Minimum, median, 99th percentile, maximum and count of some figures, by nearest rank.
nlohmann::json summary(std::vector<double> figures);

// Paces frames by sleeping, and measures what a contestant's network call takes of each: by the wall clock, which a busy machine
// lengthens, and by the thread's own processor time, which it does not.
class FrameLoop {
 public:
  explicit FrameLoop(double frames_per_s);

  // Sleeps until the next frame is due. One that is late already starts at once, and moves those after it.
  void wait_for_frame();
  // When the frame after this one is due, for contestants that wait by themselves.
  int64_t next_frame_us() const { return next_us_; }
  void skip_wait();  // it waited by itself

  // Counts the late frames that the wait made late: it ended more than a millisecond after the frame was due, or after it began where that
  // was later, even without what others had of the processors. Costs some microseconds a frame, and two around each sleep.
  void count_late_by_own_doing() { loss_.emplace(); }
  void wait_begins();  // gameplay has ended

  void tick_begins();
  void tick_ends();

  uint64_t frames() const { return frames_; }
  double seconds() const;  // since the first frame began
  // {"frames","late_frames","seconds","tick_us","tick_cpu_us"}, and "late_by_own_doing" if it was asked for: what the suite's tables read.
  nlohmann::json report() const;
  // Every tick, in order: for figures over several runs, which have too few ticks each for a 99th percentile.
  const std::vector<double>& ticks_us() const { return tick_us_; }
  const std::vector<double>& ticks_cpu_us() const { return tick_cpu_us_; }
  // {"limit_us","wall","cpu"}: how many ticks were overruns where FramePump would report one (pump.overrun_margin_us, by default
  // half a millisecond, beyond the slice), by either clock.
  nlohmann::json overruns(int64_t slice_us) const;

 private:
  double frame_us_;
  int64_t start_us_ = 0;
  int64_t next_us_ = 0;
  uint64_t frames_ = 0;
  uint64_t late_frames_ = 0;
  uint64_t late_by_own_doing_ = 0;
  std::optional<ProcessorLoss> loss_;  // since the newest wait began
  int64_t wait_start_us_ = 0;
  int64_t tick_start_us_ = 0;
  int64_t tick_start_cpu_us_ = 0;
  std::vector<double> tick_us_;
  std::vector<double> tick_cpu_us_;
};

}  // namespace framepump::bench
