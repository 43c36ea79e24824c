// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "framepump/framepump_types.h"

namespace framepump {

constexpr int64_t kNever = INT64_MAX;
constexpr int kPriorities = 3;

enum class Outcome : uint8_t {
  drained,  // nothing more now: forget it until the poller, a command or its timer reports it
  more,     // cut off by the quantum: back to the end of its priority's line
  blocked,  // no room above it: forget it until there is room
  closed,   // finished: the pump must not touch it again, it may be gone
};

// What a turn's time counts as in reports.
enum class Phase : uint8_t { command, poll, receive, accept, source, send, publish };
constexpr int kPhases = 7;

// Sources wait in one of four lines: flush serves sends alone, helper threads never run gameplay's own sources, and of those some have
// their turns only when a tick has published.
enum class Line : uint8_t { receive, send, game, published };
constexpr int kLines = 4;

struct TurnContext {
  int64_t now_us = 0;           // the frame's time, as it went on if somebody pumped since; time-outs are counted in it
  int64_t frame_now_us = 0;     // as gameplay told it; for gameplay's own sources only, like tick_count
  int64_t remaining_us = 0;     // of the slice
  uint64_t quantum_bytes = 0;
  uint32_t tick_serial = 0;     // counts frame-locked ticks; 0 outside of one
  uint64_t tick_count = 0;      // counts all ticks
};

struct Turn {
  Outcome outcome = Outcome::drained;
  Phase phase = Phase::receive;
  bool is_enet = false;         // reports tell these turns from those of streams
  uint32_t accepts = 0;
  uint64_t bytes = 0;
  int64_t wake_at_us = kNever;  // also give it a turn when the frame's time gets there
};

// Anything that can be pumped. It does one thing: drain one quantum and say how it went.
// Whoever holds the pump token owns it; gameplay's own sources belong to the game thread.
class Source {
 public:
  Source(Line line, uint32_t priority, framepump_handle handle)
      : handle_(handle), line_(line), priority_(static_cast<uint8_t>(priority)) {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  virtual Turn take_turn(const TurnContext& context) = 0;

  Line line() const { return line_; }
  uint32_t priority() const { return priority_; }
  framepump_handle handle() const { return handle_; }
  void set_handle(framepump_handle handle) { handle_ = handle; }

 protected:
  ~Source() = default;

 private:
  friend class ReadyQueue;
  friend class TimerQueue;
  friend class Pump;
  static constexpr uint32_t kNoTimer = UINT32_MAX;

  Source* ready_previous_ = nullptr;
  Source* ready_next_ = nullptr;
  int64_t wake_at_us_ = kNever;
  framepump_handle handle_;       // what reports call it
  uint32_t timer_index_ = kNoTimer;
  Line line_;
  uint8_t priority_;
  bool is_ready_ = false;
  bool is_owed_turn_ = false;     // in this run, whatever the clock says
};

}  // namespace framepump
