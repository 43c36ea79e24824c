// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include "demo/client/lane.h"
#include "engine_stub/frame_meter.h"

namespace demo {

// What is known of a lane: its last run, or the part of a run for which the lane was chosen.
struct LaneRecord {
  uint64_t bytes = 0;
  double seconds = 0;
  bool is_whole = false;  // every byte of the update came in this lane
  engine::FrameMeter frames;
  engine::FrameMeter ticks;

  bool is_empty() const { return frames.count() == 0; }
  double mb_per_s() const { return seconds > 0 ? static_cast<double>(bytes) / 1e6 / seconds : 0.0; }
};

// Keeps the records: a run belongs to the lane in which it goes on, and switching in mid-run divides it.
class Lanes {
 public:
  // Once a frame: how far the current run is, and what the last frame took.
  void add_frame(Lane lane, uint64_t received_bytes, int64_t now_us, float frame_us, float tick_us);
  void begin_run(int64_t now_us);
  // What goes on now is in no lane.
  void abandon_run() { runs_ = false; }
  // The update is complete.
  void end_run(uint64_t received_bytes, int64_t end_us);

  const LaneRecord& record(Lane lane) const { return records_[static_cast<size_t>(lane)]; }
  Lane current() const { return lane_; }
  bool is_running() const { return runs_; }
  double best_mb_per_s() const;

 private:
  void begin_part(Lane lane, uint64_t received_bytes, int64_t now_us);

  std::array<LaneRecord, kLanes> records_;
  Lane lane_ = Lane::drain;
  bool runs_ = false;
  bool has_part_ = false;
  uint64_t part_from_bytes_ = 0;
  int64_t part_from_us_ = 0;
  int64_t run_from_us_ = 0;
};

}  // namespace demo
