// SPDX-License-Identifier: MIT
#include "demo/client/lanes.h"

#include <algorithm>

namespace demo {

void Lanes::begin_run(int64_t now_us) {
  runs_ = true;
  has_part_ = false;
  run_from_us_ = now_us;
}

void Lanes::begin_part(Lane lane, uint64_t received_bytes, int64_t now_us) {
  lane_ = lane;
  has_part_ = true;
  part_from_bytes_ = received_bytes;
  part_from_us_ = received_bytes == 0 ? run_from_us_ : now_us;
  records_[static_cast<size_t>(lane)] = {};
}

void Lanes::add_frame(Lane lane, uint64_t received_bytes, int64_t now_us, float frame_us, float tick_us) {
  if (!runs_) return;
  if (!has_part_ || lane != lane_) begin_part(lane, received_bytes, now_us);
  LaneRecord& record = records_[static_cast<size_t>(lane_)];
  record.bytes = received_bytes - part_from_bytes_;
  record.seconds = static_cast<double>(now_us - part_from_us_) / 1e6;
  record.frames.add(static_cast<int64_t>(frame_us));
  record.ticks.add(static_cast<int64_t>(tick_us));
}

void Lanes::end_run(uint64_t received_bytes, int64_t end_us) {
  if (!runs_ || !has_part_) return;
  runs_ = false;
  LaneRecord& record = records_[static_cast<size_t>(lane_)];
  record.bytes = received_bytes - part_from_bytes_;
  record.seconds = static_cast<double>(end_us - part_from_us_) / 1e6;
  record.is_whole = part_from_bytes_ == 0;
}

double Lanes::best_mb_per_s() const {
  double best = 0;
  for (const LaneRecord& record : records_) best = std::max(best, record.mb_per_s());
  return best;
}

}  // namespace demo
