// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "framepump/framepump_types.h"
#include "platform/host.h"
#include "pump/source.h"

namespace framepump {

// Gameplay's own work in the game line: runs inside tick, on the thread that called it, and is charged to the slice.
class UserSource final : public Source {
 public:
  UserSource(const Host& host, const framepump_source& callbacks, framepump_handle handle)
      : Source(Line::game, callbacks.priority, handle), host_(host), callbacks_(callbacks) {}

  Turn take_turn(const TurnContext& context) override {
    framepump_turn asked = {sizeof(framepump_turn), 0, context.frame_now_us, context.remaining_us, kNever};
    const uint32_t outcome = callbacks_.take_turn(callbacks_.user, &asked);
    FRAMEPUMP_ASSERT(host_, outcome == FRAMEPUMP_OUTCOME_DRAINED || outcome == FRAMEPUMP_OUTCOME_MORE ||
                                outcome == FRAMEPUMP_OUTCOME_CLOSED);
    Turn turn = {.phase = Phase::source, .wake_at_us = asked.wake_at_us};
    if (outcome == FRAMEPUMP_OUTCOME_MORE) turn.outcome = Outcome::more;
    if (outcome == FRAMEPUMP_OUTCOME_CLOSED) turn.outcome = Outcome::closed;
    is_finished_ = outcome == FRAMEPUMP_OUTCOME_CLOSED;
    return turn;
  }
  // It said closed, and the pump knows it no more.
  bool is_finished() const { return is_finished_; }
  void set_user_data(uint64_t user_data) { callbacks_.user_data = user_data; }
  uint64_t user_data() const { return callbacks_.user_data; }

 private:
  const Host& host_;
  framepump_source callbacks_;
  bool is_finished_ = false;
};

}  // namespace framepump
