// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "platform/poller.h"
#include "pump/ready_queue.h"
#include "pump/slice.h"
#include "pump/source.h"
#include "pump/timer_queue.h"
#include "pump/turn_size.h"

namespace framepump {

// What the poller's key points to.
class Pollable {
 public:
  virtual void on_ready(uint32_t readiness) = 0;  // Readiness bits; marks sources ready, does no work

 protected:
  ~Pollable() = default;
};

// What a run did, summed up into a tick's or flush's report.
struct RunReport {
  uint32_t turns = 0;
  uint32_t left_over = 0;        // sources still waiting for a turn when the run ended; 1 for all that the poller may have kept
  uint32_t accepts = 0;
  uint32_t to_publish = 0;       // at most: what the turns brought
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  int64_t phase_us[kPhases] = {};
  int64_t enet_us[kPhases] = {};  // of these: turns of ENet hosts
  framepump_handle culprit = 0;  // the source with the longest turn
  int64_t culprit_us = 0;
  uint64_t culprit_bytes = 0;

  int64_t& phase(Phase p) { return phase_us[static_cast<int>(p)]; }
  int64_t& enet(Phase p) { return enet_us[static_cast<int>(p)]; }
};

constexpr uint32_t line_bit(Line line) { return uint32_t{1} << static_cast<uint32_t>(line); }
constexpr uint32_t kSocketLines = line_bit(Line::receive) | line_bit(Line::send);

// Who has a turn in a run whatever the clock says.
enum class Owed : uint8_t {
  priorities,  // one source of each priority that has work
  sources,     // that, and each source that is ready when the run begins: the next run would be too late
};

struct RunRequest {
  uint32_t lines = kSocketLines;
  Owed owed = Owed::priorities;
  TurnContext context;
  // Stop after the current turn when it becomes true: somebody waits for the token. Null: nobody can.
  const std::atomic<bool>* yield = nullptr;
  bool harvests = false;  // it asks the poller for more when a batch of events had its turns: only with the token
};

// One loop over ready sources and a slice. It does not know what a source is, and it does not know who called it.
//
// One run, as a numbered list:
//   1. harvest the poller and mark what is ready: all there is, at most 256 events between looks at the clock; but while nothing else waits
//      and no socket has another priority than normal, a batch of 32 events, and the next one when these had their turns. What the kernel
//      touched to find a socket ready is then still in the cache when it is read. The order within a line is the same: before the first
//      source that is not drained goes to the end of its line, the rest of the events is taken;
//   2. mark the sources whose timer is due;
//   3. each priority that has work gets one turn, the highest first (Owed::sources: each source that is ready);
//   4. while the slice has room for half of a turn, the highest priority that has work gets the next one. A turn moves a quantum, and more
//      where a source that receives is the only one that is ready (TurnSize);
//   5. after each turn: look at the clock, put the source where its outcome says, and stop if somebody waits for the token;
//   6. with nothing left to do and slice left over, back to 1, until that brings nothing.
// Within a priority the lines (receive, send, game) take turns, and within a line sources do.
//
// The receive and send lines and their timers belong to whoever holds the pump token, gameplay's own lines to the game thread.
class Pump {
 public:
  static constexpr uint32_t kHarvest = 256;
  static constexpr uint32_t kBatch = 32;

  Pump(const Host& host, Poller& poller) : host_(host), poller_(poller), socket_timers_(host), game_timers_(host) {}
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // Steps 1 and 2, for the socket lines. Stops at the end of the slice or of a batch; what is left is harvested next time.
  // Returns how many events there were.
  uint32_t harvest(Slice& slice, RunReport& report, int64_t now_us);
  // Step 2 for gameplay's own lines.
  void wake_game_sources(int64_t now_us);
  // Steps 3 to 5, and between batches 1 and 2.
  void run(const RunRequest& request, Slice& slice, RunReport& report);
  // Looks at the clock: the time since the look before belongs to this phase.
  void charge(Phase phase, Slice& slice, RunReport& report) const;

  void make_ready(Source& source) { line(source).push_back(source); }
  // No turn and no timer any more; the source may then be destroyed.
  void forget(Source& source);
  // Without memory for a timer the source has turn after turn instead, so that no time-out is forgotten.
  void set_timer(Source& source, int64_t wake_at_us) {
    if (!timers(source).set(source, wake_at_us)) make_ready(source);
  }
  void set_priority(Source& source, uint32_t priority);
  // So many of gameplay's own sources will always have memory for their timers. False: there is none.
  bool reserve_game_timers(uint32_t sources) { return game_timers_.reserve(sources); }

  bool has_ready(uint32_t lines) const;
  uint32_t ready_count(uint32_t lines) const;
  int64_t earliest_timer_us() const { return socket_timers_.earliest_us(); }
  Poller& poller() { return poller_; }

 private:
  struct Rotation {
    uint8_t next_line[kPriorities] = {};
  };
  struct Choice {
    uint32_t priority = 0;
    uint32_t lines = 0;  // in which a source of it waits; 0: nobody is to have a turn
  };

  ReadyQueue& line(const Source& source) { return lines_[static_cast<int>(source.line_)]; }
  static bool is_socket(const Source& source) { return (line_bit(source.line_) & kSocketLines) != 0; }
  TimerQueue& timers(const Source& source) { return is_socket(source) ? socket_timers_ : game_timers_; }
  Source& take_next(uint32_t lines, Choice choice);
  enum class Amount : uint8_t { batch, all };
  uint32_t harvest(Amount amount, Slice& slice, RunReport& report, int64_t now_us);
  // After a batch: its sources had their turns, or one of another priority may be among the rest.
  bool may_take_more_events() const {
    return may_have_more_events_ && (sources_of_other_priority_ > 0 || !has_ready(kSocketLines));
  }
  Choice choose(const RunRequest& request, uint32_t served, bool slice_is_over) const;
  bool receives_alone(const Source& source, uint32_t lines) const;
  void settle(Source& source, const Turn& turn);

  const Host& host_;
  Poller& poller_;
  ReadyQueue lines_[kLines];
  TimerQueue socket_timers_;
  TimerQueue game_timers_;
  Rotation socket_rotation_;  // two, since a threaded tick runs gameplay's own lines while the IO thread runs the others
  Rotation game_rotation_;
  TurnSize turn_size_;        // of the receive line
  uint32_t sources_of_other_priority_ = 0;  // than normal, in the socket lines
  bool may_have_more_events_ = false;       // the newest harvest was a full batch
};

}  // namespace framepump
