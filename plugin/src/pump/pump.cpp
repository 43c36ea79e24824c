// SPDX-License-Identifier: MIT
#include "pump/pump.h"

#include <algorithm>
#include <bit>

#include "platform/prefetch.h"
#include "pump/trace.h"

namespace framepump {
namespace {

// Publishing what a turn brought, or a stream it accepted, costs about a tenth of a microsecond (one list entry, one event); the slice
// pays for that too.
constexpr uint32_t kPublishedPerMicrosecond = 10;
constexpr uint32_t kNoPriority = UINT32_MAX;

// With a thousand talkers nothing of the next one is in the cache, and waiting for it would take longer than the work: so it is asked for
// while the one before is served. The parts of a TcpStream that on_ready and a turn touch are this long.
constexpr uint32_t kEventsAhead = 4;
constexpr size_t kReadyBytes = 256;
constexpr size_t kTurnBytes = 448;

void count_turn(const Turn& turn, framepump_handle handle, int64_t turn_us, RunReport& report) {
  ++report.turns;
  report.accepts += turn.accepts;
  report.to_publish += std::max<uint32_t>(turn.accepts, 1);
  if (turn.is_enet) report.enet(turn.phase) += turn_us;
  report.phase(turn.phase) += turn_us;
  if (turn.phase == Phase::receive) report.received_bytes += turn.bytes;
  if (turn.phase == Phase::send) report.sent_bytes += turn.bytes;
  if (turn_us <= report.culprit_us) return;
  report.culprit = handle;
  report.culprit_us = turn_us;
  report.culprit_bytes = turn.bytes;
}

}  // namespace

void Pump::charge(Phase phase, Slice& slice, RunReport& report) const {
  const int64_t lap_us = slice.lap();
  report.phase(phase) += lap_us;
  trace_phase(host_, slice, phase, lap_us);
}

uint32_t Pump::harvest(Slice& slice, RunReport& report, int64_t now_us) {
  Zone zone(host_, "framepump poll");
  PollEvent events[kHarvest];
  uint32_t count = 0;
  uint32_t total = 0;
  do {
    count = poller_.harvest(events);
    for (uint32_t i = 0; i < count; ++i) {
      if (i + kEventsAhead < count) prefetch_to_write(events[i + kEventsAhead].key, kReadyBytes);
      static_cast<Pollable*>(events[i].key)->on_ready(events[i].readiness);
    }
    total += count;
    charge(Phase::poll, slice, report);
  } while (count == kHarvest && !slice.is_over(0));
  for (uint32_t n = 1; Source* source = socket_timers_.take_due(now_us); ++n) {
    make_ready(*source);
    if (n % kHarvest != 0) continue;
    charge(Phase::poll, slice, report);
    if (slice.is_over(0)) break;
  }
  return total;
}

void Pump::wake_game_sources(int64_t now_us) {
  while (Source* source = game_timers_.take_due(now_us)) make_ready(*source);
}

void Pump::run(const RunRequest& request, Slice& slice, RunReport& report) {
  Zone zone(host_, "framepump run");
  TurnContext context = request.context;
  uint32_t served = 0;
  int64_t last_turn_us = 0;
  if (request.owed == Owed::sources) {
    for (int i = 0; i < kLines; ++i) {
      if ((request.lines & (uint32_t{1} << i)) != 0) lines_[i].owe_turns();
    }
  }
  while (true) {
    // Publishing must follow; and a turn like the last one that begins in its last half turn would mostly lie behind the slice.
    const bool slice_is_over = slice.is_over(report.to_publish / kPublishedPerMicrosecond + last_turn_us / 2);
    const uint32_t priority = pick_priority(request, served, slice_is_over);
    if (priority == kNoPriority) break;
    served |= uint32_t{1} << priority;
    Source& source = take_next(request.lines, priority);
    const framepump_handle handle = source.handle();
    context.remaining_us = slice.remaining_us();
    const Turn turn = source.take_turn(context);
    if (turn.outcome != Outcome::closed) settle(source, turn);
    last_turn_us = slice.lap();
    count_turn(turn, handle, last_turn_us, report);
    trace_turn(host_, slice, handle, turn, last_turn_us);
    if (request.yield != nullptr && request.yield->load(std::memory_order_relaxed)) break;
  }
  report.left_over = ready_count(request.lines);
}

// A priority that has work and had no turn in this run, or has a source that is owed one; else, while the slice lasts, the highest that
// has work.
uint32_t Pump::pick_priority(const RunRequest& request, uint32_t served, bool slice_is_over) const {
  uint32_t waiting = 0;
  uint32_t owed = 0;
  for (int i = 0; i < kLines; ++i) {
    if ((request.lines & (uint32_t{1} << i)) == 0) continue;
    waiting |= lines_[i].priorities();
    if (request.owed == Owed::sources) owed |= lines_[i].owed_priorities();
  }
  owed |= waiting & ~served;
  if (owed != 0) return static_cast<uint32_t>(std::countr_zero(owed));
  return waiting == 0 || slice_is_over ? kNoPriority : static_cast<uint32_t>(std::countr_zero(waiting));
}

Source& Pump::take_next(uint32_t lines, uint32_t priority) {
  Rotation& rotation = (lines & kSocketLines) != 0 ? socket_rotation_ : game_rotation_;
  uint8_t& next = rotation.next_line[priority];
  uint32_t with_work = 0;
  for (int i = 0; i < kLines; ++i) {  // another thread may run the lines that are not asked for
    if ((lines & (uint32_t{1} << i)) != 0) with_work |= (lines_[i].priorities() >> priority & 1) << i;
  }
  const uint32_t from_next = with_work >> next << next;
  const int line = std::countr_zero(from_next != 0 ? from_next : with_work);
  Source& source = lines_[line].pop_front(priority);
  source.is_owed_turn_ = false;
  if (const Source* after = lines_[line].front(priority); after != nullptr) prefetch_to_write(after, kTurnBytes);
  next = static_cast<uint8_t>((line + 1) % kLines);
  return source;
}

void Pump::settle(Source& source, const Turn& turn) {
  if (turn.outcome == Outcome::more) make_ready(source);
  set_timer(source, turn.wake_at_us);
}

void Pump::forget(Source& source) {
  line(source).remove(source);
  timers(source).remove(source);
}

void Pump::set_priority(Source& source, uint32_t priority) {
  const bool was_ready = source.is_ready_;
  line(source).remove(source);
  source.priority_ = static_cast<uint8_t>(priority);
  if (was_ready) source.is_owed_turn_ ? line(source).push_front(source) : make_ready(source);
}

bool Pump::has_ready(uint32_t lines) const { return ready_count(lines) > 0; }

uint32_t Pump::ready_count(uint32_t lines) const {
  uint32_t count = 0;
  for (int i = 0; i < kLines; ++i) {
    if ((lines & (uint32_t{1} << i)) != 0) count += lines_[i].size();
  }
  return count;
}

}  // namespace framepump
