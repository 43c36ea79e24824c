// SPDX-License-Identifier: MIT
#include "pump/pump.h"

#include <algorithm>
#include <bit>

#include "platform/prefetch.h"
#include "pump/trace.h"

namespace framepump {
namespace {

// Publishing what a turn brought, or a stream it accepted, costs 20 to 35 nanoseconds (one list entry, one event); the slice pays for that
// too.
constexpr uint32_t kPublishedPerMicrosecond = 25;
constexpr uint32_t kAllLines = (uint32_t{1} << kLines) - 1;

// With a thousand talkers nothing of the next one is in the cache, and waiting for it would take longer than the work: so it is asked for
// while the one before is served. The part of a TcpStream that on_ready and a turn touch is this long.
constexpr uint32_t kEventsAhead = 4;
constexpr size_t kTurnBytes = 320;

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
  const bool nobody_comes_before = sources_of_other_priority_ == 0 && !has_ready(kSocketLines);
  return harvest(nobody_comes_before ? Amount::batch : Amount::all, slice, report, now_us);
}

uint32_t Pump::harvest(Amount amount, Slice& slice, RunReport& report, int64_t now_us) {
  Zone zone(host_, "framepump poll");
  PollEvent events[kHarvest];
  const bool is_batch = amount == Amount::batch;
  const uint32_t wanted = is_batch ? kBatch : kHarvest;
  uint32_t count = 0;
  uint32_t total = 0;
  do {
    count = poller_.harvest({events, wanted});
    for (uint32_t i = 0; i < std::min(count, kEventsAhead); ++i) prefetch_to_write(events[i].key, kTurnBytes);
    for (uint32_t i = 0; i < count; ++i) {
      if (i + kEventsAhead < count) prefetch_to_write(events[i + kEventsAhead].key, kTurnBytes);
      static_cast<Pollable*>(events[i].key)->on_ready(events[i].readiness);
    }
    total += count;
    charge(Phase::poll, slice, report);
  } while (!is_batch && count == wanted && !slice.is_over(0));
  may_have_more_events_ = is_batch && count == wanted;
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
  const uint64_t quantum_bytes = context.quantum_bytes;
  int64_t shortest_us = 0;  // what a turn like the last one takes if it moves no more than a quantum
  if (request.owed == Owed::sources) {
    for (int i = 0; i < kLines; ++i) {
      if ((request.lines & (uint32_t{1} << i)) != 0) lines_[i].owe_turns();
    }
  }
  while (true) {
    while (request.harvests && may_take_more_events() && !slice.is_over(0)) harvest(slice, report, context.now_us);
    // Publishing must follow; and a turn like the last one that begins in its last half turn would mostly lie behind the slice.
    const bool slice_is_over = slice.is_over(report.to_publish / kPublishedPerMicrosecond + shortest_us / 2);
    const Choice choice = choose(request, served, slice_is_over);
    if (choice.lines == 0) break;
    served |= ReadyQueue::bit(choice.priority) * kAllLines;
    Source& source = take_next(request.lines, choice);
    const framepump_handle handle = source.handle();
    context.remaining_us = slice.remaining_us();
    const bool is_alone = receives_alone(source, request.lines);
    context.quantum_bytes = is_alone ? turn_size_.bytes(source, quantum_bytes, context.remaining_us, slice.now_us()) : quantum_bytes;
    const Turn turn = source.take_turn(context);
    const int64_t turn_us = slice.lap();
    shortest_us = turn_us / TurnSize::quanta(turn, quantum_bytes);
    if (turn.outcome != Outcome::closed && source.line_ == Line::receive) {
      turn_size_.note(source, is_alone, quantum_bytes, turn, turn_us, slice.now_us());
    }
    count_turn(turn, handle, turn_us, report);
    trace_turn(host_, slice, handle, turn, turn_us);
    if (turn.outcome == Outcome::more && request.harvests && may_have_more_events_ && is_socket(source)) {
      harvest(Amount::all, slice, report, context.now_us);  // it goes behind all that were ready before
    }
    if (turn.outcome != Outcome::closed) settle(source, turn);
    if (request.yield != nullptr && request.yield->load(std::memory_order_relaxed)) break;
  }
  report.left_over = ready_count(request.lines);
  if (request.harvests && may_have_more_events_) ++report.left_over;
}

// A priority that has work and had no turn in this run, or has a source that is owed one; else, while the slice lasts, the highest that
// has work. The bits are ReadyQueue's. Another thread may run the lines that are not asked for.
Pump::Choice Pump::choose(const RunRequest& request, uint32_t served, bool slice_is_over) const {
  uint32_t waiting = 0;
  uint32_t owed = 0;
  for (uint32_t left = request.lines; left != 0; left &= left - 1) {
    const int i = std::countr_zero(left);
    waiting |= lines_[i].priorities() << i;
    if (request.owed == Owed::sources) owed |= lines_[i].owed_priorities() << i;
  }
  owed |= waiting & ~served;
  if (owed == 0 && !slice_is_over) owed = waiting;
  if (owed == 0) return {};
  const uint32_t priority = static_cast<uint32_t>(std::countr_zero(owed)) / kLines;
  return {priority, waiting >> priority * kLines & kAllLines};
}

Source& Pump::take_next(uint32_t lines, Choice choice) {
  Rotation& rotation = (lines & kSocketLines) != 0 ? socket_rotation_ : game_rotation_;
  uint8_t& next = rotation.next_line[choice.priority];
  const uint32_t from_next = choice.lines >> next << next;
  const int line = std::countr_zero(from_next != 0 ? from_next : choice.lines);
  Source& source = lines_[line].pop_front(choice.priority);
  source.is_owed_turn_ = false;
  if (const Source* after = lines_[line].front(choice.priority); after != nullptr) prefetch_to_write(after, kTurnBytes);
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
  if (source.line_ == Line::receive) turn_size_.forget(source);
  set_priority(source, FRAMEPUMP_PRIORITY_NORMAL);  // it is not counted any more
}

void Pump::set_priority(Source& source, uint32_t priority) {
  if (priority == source.priority_) return;
  if (is_socket(source)) {
    constexpr uint32_t kNormal = FRAMEPUMP_PRIORITY_NORMAL;
    sources_of_other_priority_ += uint32_t{priority != kNormal} - uint32_t{source.priority_ != kNormal};
  }
  const bool was_ready = source.is_ready_;
  line(source).remove(source);
  source.priority_ = static_cast<uint8_t>(priority);
  if (was_ready) source.is_owed_turn_ ? line(source).push_front(source) : make_ready(source);
}

// `source` was just taken from its line, and no others are in the poller.
bool Pump::receives_alone(const Source& source, uint32_t lines) const {
  return source.line_ == Line::receive && !may_have_more_events_ && !has_ready(lines);
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
