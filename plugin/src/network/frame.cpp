// SPDX-License-Identifier: MIT
//
// The frame: tick, flush, wait_until, and the same pump driven by the background thread.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "network/network.h"
#include "platform/clock.h"
#include "pump/trace.h"

namespace framepump {
namespace {

constexpr uint32_t kCommandsPerLook = 32;   // a command is mostly a list operation, so the clock would cost more than it
constexpr uint32_t kCommandsAtLeast = 64;   // progress even when the slice is 0
constexpr int64_t kReclaimDelayUs = 100'000;
// Outside of ticks a run ends after this long though there is more to do: commands come in between runs only, new readiness mostly, and
// a firehose would keep them waiting. A thousandth of it is what coming back costs.
constexpr int64_t kLongestRunUs = 1000;

}  // namespace

// One tick, as a numbered list:
//   1. note the time, take over edits of the config file and a wanted mode;
//   2. end what was valid until this tick: views, events, streams that are closed and read out;
//   3. frame-locked: take the token, then pump sockets and user sources under one slice; threaded: only user sources;
//   4. publish: events first, then byte counters, then room for writers and for peeks;
//   5. user sources that asked to come after that: one turn each, and more under what is left of the slice;
//   6. report.
uint32_t Network::tick(const framepump_frame& frame, framepump_tick_report* report) {
  Zone zone(host_, "framepump tick");
  Slice slice(host_, config_.slice_us);
  RunReport run;
  tick_began_us_ = slice.begin_us();
  begin_frame(frame);
  apply_file_changes();
  apply_wanted_mode();
  if (has_unverified_) warn_of_unverified();
  end_last_frame();
  const bool pumped = mode_ == FRAMEPUMP_MODE_FRAME_LOCKED && pump_frame(slice, run);
  if (!pumped) run_game_sources(slice, run);
  publish(slice, run);
  run_published_sources(slice, run);
  if (!pumped) wake_io_thread_if_needed();
  const uint32_t token_busy = mode_ == FRAMEPUMP_MODE_FRAME_LOCKED && !pumped ? 1 : 0;
  totals_.token_busy += token_busy;
  finish_tick(slice, run, token_busy, report);
  return FRAMEPUMP_OK;
}

void Network::begin_frame(const framepump_frame& frame) {
  frame_number_ = frame.number;
  const bool is_first = !has_ticked_;
  frame_now_us_ = has_ticked_ ? std::max(frame_now_us_, frame.now_us) : frame.now_us;
  has_ticked_ = true;
  frame_realtime_ns_ = realtime_ns();
  tick_starts_ns_[++tick_count_ % kTickStarts] = frame_realtime_ns_;
  frame_minus_monotonic_us_.store(frame_now_us_ - monotonic_us(), std::memory_order_relaxed);
  io_->note_tick();
  if (is_first) io_->wake();
  events_.clear();
  published_bytes_ = 0;
}

// The frame's time as it goes on between ticks, for whoever pumps then.
int64_t Network::pump_now_us() const { return monotonic_us() + frame_minus_monotonic_us_.load(std::memory_order_relaxed); }

// False: somebody else pumps, and has been told to let go.
bool Network::pump_frame(Slice& slice, RunReport& run) {
  if (!token_.try_acquire_for_game()) return false;
  if (++tick_serial_ == 0) ++tick_serial_;  // 0 means: not in a tick
  pump_time_us_ = std::max(pump_time_us_, frame_now_us_);
  parts_.hot->begin_tick(tick_serial_);
  parts_.pump->wake_game_sources(frame_now_us_);
  for (Datagrams::HostSlot& slot : datagrams_.hosts) {
    if (slot.state != 0) slot.host->on_tick();
  }
  if (parts_.resolver != nullptr) parts_.resolver->on_tick();
  run_sockets(kSocketLines | line_bit(Line::game), tick_serial_, slice, run);
  token_.release();
  return true;
}

void Network::run_game_sources(Slice& slice, RunReport& run) {
  parts_.pump->wake_game_sources(frame_now_us_);
  RunRequest request;
  request.lines = line_bit(Line::game);
  request.context.now_us = request.context.frame_now_us = frame_now_us_;
  request.context.tick_count = tick_count_;
  parts_.pump->run(request, slice, run);
}

// The token is free or another thread's, and nothing more is published: so these may do what gameplay may do between ticks.
void Network::run_published_sources(Slice& slice, RunReport& run) {
  if (!parts_.pump->has_ready(line_bit(Line::published))) return;
  parts_.pump->charge(Phase::publish, slice, run);
  run.to_publish = 0;
  const uint32_t left_over = run.left_over;
  RunRequest request;
  request.lines = line_bit(Line::published);
  request.owed = Owed::sources;  // what this tick published is gone in the next one
  request.context.now_us = request.context.frame_now_us = frame_now_us_;
  request.context.tick_count = tick_count_;
  {
    Guest guest(*this);
    parts_.pump->run(request, slice, run);
  }
  run.left_over += left_over;
  remove_finished_sources();
}

// With the token: commands, poller, turns.
void Network::run_sockets(uint32_t lines, uint32_t tick_serial, Slice& slice, RunReport& run) {
  run_commands(slice, run);
  wake_memory_waiters();
  Pump& pump = *parts_.pump;
  pump.harvest(slice, run, pump_time_us_);
  RunRequest request;
  request.lines = lines;
  request.context.now_us = pump_time_us_;
  if ((lines & line_bit(Line::game)) != 0) request.context.frame_now_us = frame_now_us_;  // gameplay's own, so only on its thread
  request.context.quantum_bytes = settings_.quantum_bytes.load(std::memory_order_relaxed);
  request.context.tick_serial = tick_serial;
  if ((lines & line_bit(Line::game)) != 0) request.context.tick_count = tick_count_;
  request.yield = &token_.wanted();
  request.harvests = true;
  pump.run(request, slice, run);
  // A sender on the other side of a fast link refills the window while we read: what came meanwhile is in the poller again.
  const auto may_go_on = [&] { return !slice.is_over(0) && !token_.wanted().load(std::memory_order_relaxed) && !pump.has_ready(lines); };
  while (may_go_on() && pump.harvest(slice, run, pump_time_us_) > 0) pump.run(request, slice, run);
}

void Network::run_commands(Slice& slice, RunReport& run) {
  for (uint32_t n = 1; HandoffLink* link = command_reader_.next(); ++n) {
    Commandable* target = static_cast<Commandable*>(link);
    target->on_commands(link->open(), pump_time_us_);
    if (n % kCommandsPerLook != 0) continue;
    parts_.pump->charge(Phase::command, slice, run);
    if (n >= kCommandsAtLeast && slice.is_over(0)) break;
  }
  parts_.pump->charge(Phase::command, slice, run);
}

void Network::wake_memory_waiters() {
  const uint64_t given_back = pool_.given_back();
  if (given_back == seen_given_back_.load(std::memory_order_relaxed)) return;
  seen_given_back_.store(given_back, std::memory_order_relaxed);
  parts_.memory_waiters->wake_all();
}

// At most once per tick and flush, and only when there is something that no socket will announce. Memory to give back that nobody waits
// for can wait for the thread's next pass a while, on the game's clock: waking it in each frame would draw it to the game's processor, just
// when a tick is due.
void Network::wake_io_thread_if_needed() {
  const bool has_memory_waiters = !parts_.memory_waiters->is_empty();
  const bool memory_came_back = has_memory_waiters && pool_.given_back() != seen_given_back_.load(std::memory_order_relaxed);
  const bool is_urgent = is_command_urgent_ || has_memory_waiters || frame_now_us_ - io_woken_at_us_ >= kReclaimDelayUs;
  if (commands_.is_empty()) is_command_urgent_ = false;
  if (!memory_came_back && (commands_.is_empty() || !is_urgent)) return;
  is_command_urgent_ = false;
  io_woken_at_us_ = frame_now_us_;
  io_->wake();
}

uint32_t Network::flush() {
  Zone zone(host_, "framepump flush");
  if (!has_ticked_) return FRAMEPUMP_OK;  // no time is known before the first frame
  if (mode_ == FRAMEPUMP_MODE_THREADED || !token_.try_acquire_for_game()) {
    wake_io_thread_if_needed();
    return FRAMEPUMP_OK;
  }
  Slice slice(host_, config_.flush_slice_us);
  RunReport run;
  run_commands(slice, run);
  RunRequest request;
  request.lines = line_bit(Line::send);
  request.context.now_us = pump_time_us_;
  request.context.quantum_bytes = settings_.quantum_bytes.load(std::memory_order_relaxed);
  parts_.pump->run(request, slice, run);
  token_.release();
  trace_span(host_, FRAMEPUMP_TRACE_FLUSH, handle_, slice, run);
  return FRAMEPUMP_OK;
}

uint32_t Network::wait_until(int64_t deadline_us, uint32_t until) {
  if (until > FRAMEPUMP_WAIT_FIRST_DATA) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "wait_until: until is %u, allowed are 0 (deadline) and 1 (first data)", until);
  }
  // A day is longer than any wait, and keeps differences of times from overflowing.
  constexpr int64_t kLongestWaitUs = int64_t{86'400} * 1'000'000;
  const int64_t now_us = host_.now_us();
  deadline_us = std::clamp(deadline_us, now_us, now_us + kLongestWaitUs);
  Zone zone(host_, "framepump wait");
  if (!has_ticked_) {  // no time is known before the first frame, so there is nothing to pump with
    // The file thread may wake us, for sources that nobody pumps yet.
    for (int64_t at_us = now_us; at_us < deadline_us; at_us = host_.now_us()) game_wake_.sleep(deadline_us - at_us);
    return FRAMEPUMP_OK;
  }
  io_->note_waiting(IoThread::Waiting::yes);
  const uint32_t result =
      mode_ == FRAMEPUMP_MODE_THREADED ? wait_threaded(deadline_us, until) : wait_frame_locked(deadline_us, until);
  io_->note_waiting(IoThread::Waiting::no);
  return result;
}

// Marks are down while we sleep on the poller, or it would not wake us; they are up again before gameplay goes on.
uint32_t Network::wait_frame_locked(int64_t deadline_us, uint32_t until) {
  int64_t now_us = host_.now_us();
  while (true) {
    bool may_sleep_now = true;
    int64_t timer_us = kNever;
    const bool has_token = token_.try_acquire_for_game();
    if (has_token) {
      pump_time_us_ = std::max(pump_time_us_, pump_now_us());
      parts_.hot->lower_marks();
      Slice slice(host_, std::clamp<int64_t>(deadline_us - now_us, 0, kLongestRunUs));
      RunReport run;
      run_sockets(kSocketLines, 0, slice, run);
      may_sleep_now = may_sleep();
      timer_us = next_timer_us();
      parts_.poller->prepare_wait(*game_wait_set_);
      token_.release();
      trace_span(host_, FRAMEPUMP_TRACE_WAIT, handle_, slice, run);
    }
    if (until == FRAMEPUMP_WAIT_FIRST_DATA && has_news()) break;
    now_us = host_.now_us();
    if (now_us >= deadline_us) break;
    if (!may_sleep_now) continue;
    int64_t sleep_us = deadline_us - now_us;
    if (timer_us != kNever) sleep_us = std::min(sleep_us, std::max<int64_t>(timer_us - monotonic_us(), 0));
    constexpr int64_t kTokenRetryUs = 500;  // the guard is just letting go
    if (has_token) {
      parts_.poller->wait(*game_wait_set_, game_wake_, sleep_us);
    } else {
      game_wake_.sleep(std::min(sleep_us, kTokenRetryUs));
    }
    now_us = host_.now_us();
  }
  if (token_.try_acquire_for_game()) {
    parts_.hot->raise_marks();
    token_.release();
  }
  return FRAMEPUMP_OK;
}

uint32_t Network::wait_threaded(int64_t deadline_us, uint32_t until) {
  wake_io_thread_if_needed();
  game_waits_for_data_.store(until == FRAMEPUMP_WAIT_FIRST_DATA);
  for (int64_t now_us = host_.now_us(); now_us < deadline_us; now_us = host_.now_us()) {
    if (until == FRAMEPUMP_WAIT_FIRST_DATA && has_news()) break;
    game_wake_.sleep(deadline_us - now_us);
  }
  game_waits_for_data_.store(false);
  return FRAMEPUMP_OK;
}

// The background thread, with the token.
void Network::pump_in_background() {
  Zone zone(host_, "framepump background");
  pump_time_us_ = std::max(pump_time_us_, pump_now_us());
  parts_.hot->lower_marks();
  Slice slice(host_, kLongestRunUs);
  RunReport run;
  run_sockets(kSocketLines, 0, slice, run);
  trace_span(host_, FRAMEPUMP_TRACE_BACKGROUND, handle_, slice, run);
  if (game_waits_for_data_.load() && (!notices_.is_empty() || !datagrams_.gate.arrivals.is_empty())) game_wake_.raise();
}

int64_t Network::next_timer_us() {
  const int64_t timer_us = parts_.pump->earliest_timer_us();
  return timer_us == kNever ? kNever : timer_us - frame_minus_monotonic_us_.load(std::memory_order_relaxed);
}

bool Network::may_sleep() {
  const bool memory_came_back =
      !parts_.memory_waiters->is_empty() && pool_.given_back() != seen_given_back_.load(std::memory_order_relaxed);
  return !command_reader_.has_more() && !parts_.pump->has_ready(kSocketLines) && !memory_came_back;
}

// The file thread has something for a source. Whoever ticks finds it by himself.
void Network::wake_pump() {
  io_->wake();
  game_wake_.raise();
}

void Network::on_takeover() { guard_takeovers_.fetch_add(1, std::memory_order_relaxed); }

uint32_t Network::events(const framepump_event** events, uint32_t* count) {
  *events = events_.data();
  *count = events_.size();
  return FRAMEPUMP_OK;
}

uint32_t Network::readable(const framepump_handle** streams, uint32_t* count) {
  *streams = readable_.data();
  *count = readable_.size();
  return FRAMEPUMP_OK;
}

void Network::finish_tick(Slice& slice, RunReport& run, uint32_t token_busy, framepump_tick_report* report) {
  ++totals_.ticks;
  parts_.pump->charge(Phase::publish, slice, run);
  const int64_t tick_us = slice.elapsed_us();
  const bool is_overrun = tick_us > slice.length_us() + config_.overrun_margin_us;
  if (is_overrun) report_overrun(run, tick_us);
  if (host_.is_traced()) trace_tick(slice, run, is_overrun);
  if (report == nullptr) return;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  framepump_tick_report all = {};
  all.struct_size = report->struct_size;
  all.token_busy = token_busy;
  all.mode = mode_;
  all.received_bytes = counters_.received_bytes.load(kRelaxed) - reported_received_bytes_;
  all.sent_bytes = counters_.sent_bytes.load(kRelaxed) - reported_sent_bytes_;
  all.accepts = static_cast<uint32_t>(counters_.accepts.load(kRelaxed) - reported_accepts_);
  reported_received_bytes_ += all.received_bytes;
  reported_sent_bytes_ += all.sent_bytes;
  reported_accepts_ += all.accepts;
  all.published_bytes = published_bytes_;
  all.turns = run.turns;
  all.left_over = run.left_over;
  all.blocked = counters_.blocked.load(kRelaxed);
  all.slice_us = slice.length_us();
  all.tick_us = tick_us;
  all.phase_command_us = run.phase(Phase::command);
  all.phase_poll_us = run.phase(Phase::poll);
  all.phase_receive_us = run.phase(Phase::receive);
  all.phase_accept_us = run.phase(Phase::accept);
  all.phase_source_us = run.phase(Phase::source);
  all.phase_send_us = run.phase(Phase::send);
  all.phase_publish_us = run.phase(Phase::publish);
  all.phase_enet_receive_us = run.enet(Phase::receive);
  all.phase_enet_send_us = run.enet(Phase::send);
  all.overrun = is_overrun ? 1 : 0;
  all.culprit = run.culprit;
  all.culprit_us = run.culprit_us;
  all.culprit_bytes = run.culprit_bytes;
  all.memory_used_bytes = pool_.used_bytes();
  all.memory_peak_bytes = pool_.peak_bytes();
  all.kernel_window_bytes = parts_.hot->charged_bytes();
  all.notice = take_hint();
  std::memcpy(report, &all, std::min<size_t>(report->struct_size, sizeof(all)));
}

void Network::report_overrun(const RunReport& run, int64_t tick_us) {
  ++totals_.overruns;
  framepump_event& event = add_event(FRAMEPUMP_EVENT_OVERRUN, run.culprit, user_data_of(run.culprit));
  event.value = static_cast<uint64_t>(tick_us);
  event.value2 = static_cast<uint64_t>(run.culprit_us);
  event.text = events_.text("tick took %lld us of %u us; the longest turn took %lld us and moved %llu bytes",
                            static_cast<long long>(tick_us), config_.slice_us, static_cast<long long>(run.culprit_us),
                            static_cast<unsigned long long>(run.culprit_bytes));
}

void Network::trace_tick(const Slice& slice, const RunReport& run, bool is_overrun) const {
  framepump_trace_event event = {};
  event.kind = FRAMEPUMP_TRACE_TICK;
  event.detail = mode_;
  event.handle = handle_;
  event.begin_us = slice.begin_us();
  event.duration_us = slice.elapsed_us();
  event.bytes = published_bytes_;
  event.value = frame_number_;
  host_.trace(event);
  if (!is_overrun) return;
  event.kind = FRAMEPUMP_TRACE_OVERRUN;
  event.detail = 0;
  event.handle = run.culprit;
  event.begin_us = slice.now_us();
  event.duration_us = 0;
  event.bytes = run.culprit_bytes;
  event.value = static_cast<uint64_t>(run.culprit_us);
  host_.trace(event);
}

void Network::warn_of_unverified() {
  has_unverified_ = false;
  if (told_unverified_) return;
  told_unverified_ = true;
  host_.log(FRAMEPUMP_LOG_WARNING,
            "TLS streams are opened with FRAMEPUMP_TLS_WITHOUT_VERIFICATION: whoever sits between can read and change everything");
}

// The lowest hint that was not told yet, as a sentence; null when there is none.
const char* Network::take_hint() {
  static constexpr const char* kTexts[] = {
      "a stream filled stream.receive_limit_kib before gameplay read it: raise that key (and memory.budget_kib with it, which must be 5 "
      "times as much) if gameplay reads everything each frame",
      "streams wait for memory: raise memory.budget_kib",
      "the receive window of a hot stream is limited by memory.kernel_window_kib: raise it for more throughput over long links",
      "the receive-window rule has no effect on this system: throughput over long links depends on the frame rate, except in threaded "
      "mode and with wait_until",
  };
  const uint32_t untold = counters_.hints.load(std::memory_order_relaxed) & ~told_hints_;
  for (uint32_t i = 0; i < 4; ++i) {
    if ((untold & (uint32_t{1} << i)) == 0) continue;
    told_hints_ |= uint32_t{1} << i;
    host_.log(FRAMEPUMP_LOG_INFO, kTexts[i]);
    return kTexts[i];
  }
  return nullptr;
}

}  // namespace framepump
