// SPDX-License-Identifier: MIT
#include "pump/timer_queue.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>

using namespace framepump;

namespace {

class Sleeper final : public Source {
 public:
  Sleeper() : Source(Line::receive, 0, 0) {}
  Turn take_turn(const TurnContext&) override { return {}; }
};

}  // namespace

TEST_CASE("timers come due in order of time, whatever was set, moved and removed before") {
  const uint32_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Host host;
  TimerQueue timers(host);
  std::deque<Sleeper> sleepers(300);
  std::map<Sleeper*, int64_t> expected;
  for (int step = 0; step < 20'000; ++step) {
    Sleeper& sleeper = sleepers[random() % sleepers.size()];
    const auto dice = random() % 10;
    if (dice < 6) {
      const auto at_us = static_cast<int64_t>(random() % 1000);
      timers.set(sleeper, at_us);
      expected[&sleeper] = at_us;
    } else if (dice < 8) {
      timers.remove(sleeper);
      expected.erase(&sleeper);
    } else {
      int64_t earliest = kNever;
      for (const auto& [who, at_us] : expected) earliest = std::min(earliest, at_us);
      REQUIRE_EQ(timers.earliest_us(), earliest);
      if (earliest == kNever) continue;
      CHECK(timers.take_due(earliest - 1) == nullptr);
      auto* due = static_cast<Sleeper*>(timers.take_due(earliest));
      REQUIRE(due != nullptr);
      CHECK_EQ(expected.at(due), earliest);
      expected.erase(due);
    }
  }
}
