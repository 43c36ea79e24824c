// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "framepump/framepump_types.h"
#include "platform/host.h"
#include "pump/source.h"

namespace framepump {

// Gameplay's own work: runs inside tick, on the thread that called it, and is charged to the slice.
class UserSource final : public Source {
 public:
  UserSource(const Host& host, const framepump_source& callbacks, framepump_handle handle)
      : Source((callbacks.flags & FRAMEPUMP_SOURCE_AFTER_PUBLISH) != 0 ? Line::published : Line::game, callbacks.priority, handle),
        host_(host),
        callbacks_(callbacks) {}

  Turn take_turn(const TurnContext& context) override {
    if (is_finished_) return {.outcome = Outcome::closed, .phase = Phase::source};  // it woke itself, and then said closed
    framepump_turn asked = {sizeof(framepump_turn), 0, context.frame_now_us, context.remaining_us, kNever, context.tick_count};
    is_in_turn_ = true;
    const uint32_t outcome = callbacks_.take_turn(callbacks_.user, &asked);
    is_in_turn_ = false;
    FRAMEPUMP_ASSERT(host_, outcome == FRAMEPUMP_OUTCOME_DRAINED || outcome == FRAMEPUMP_OUTCOME_MORE ||
                                outcome == FRAMEPUMP_OUTCOME_CLOSED);
    Turn turn = {.phase = Phase::source, .wake_at_us = asked.wake_at_us};
    if (outcome == FRAMEPUMP_OUTCOME_MORE) turn.outcome = Outcome::more;
    is_finished_ = is_finished_ || outcome == FRAMEPUMP_OUTCOME_CLOSED;
    if (is_finished_) turn.outcome = Outcome::closed;
    return turn;
  }
  // It said closed or was closed: its handle is stale, and it has no more turns.
  bool is_finished() const { return is_finished_; }
  void finish() { is_finished_ = true; }
  bool is_in_turn() const { return is_in_turn_; }
  const framepump_source& callbacks() const { return callbacks_; }
  void set_user_data(uint64_t user_data) { callbacks_.user_data = user_data; }
  uint64_t user_data() const { return callbacks_.user_data; }

 private:
  const Host& host_;
  framepump_source callbacks_;
  bool is_finished_ = false;
  bool is_in_turn_ = false;
};

}  // namespace framepump
