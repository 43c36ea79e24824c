// SPDX-License-Identifier: MIT
#include "gate/arrival_log.h"

#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "framepump/framepump_types.h"

using framepump::ArrivalLog;

namespace {

constexpr int64_t kEpochNs = 1'700'000'000'000'000'000;
constexpr uint32_t kBoth = FRAMEPUMP_ARRIVAL_STAMPED | FRAMEPUMP_ARRIVAL_EXACT;

// Frame time `ms` after the start, on both clocks; a tick has 10 ms.
ArrivalLog::FrameTime at_ms(int64_t ms) {
  return {.frame_us = 5'000'000 + ms * 1000, .realtime_ns = kEpochNs + ms * 1'000'000, .tick = static_cast<uint32_t>(100 + ms / 10)};
}
int64_t stamp(int64_t ms) { return kEpochNs + ms * 1'000'000; }

void publish(ArrivalLog& log, uint64_t published, int64_t ms) {
  log.publish(published, at_ms(ms), [ms](int64_t ns) { return static_cast<uint32_t>((ms - (ns - kEpochNs) / 1'000'000) / 10); });
}

}  // namespace

TEST_CASE("a byte's arrival is that of its read, in frame time, and only the last byte of one is exact") {
  const auto log = std::make_unique<ArrivalLog>();
  log->turn_on(at_ms(0));
  log->note(0, 10, stamp(3), kBoth);
  log->note(10, 30, stamp(7), FRAMEPUMP_ARRIVAL_STAMPED);
  log->note(30, 31, stamp(8), kBoth);
  publish(*log, 31, 10);
  CHECK_EQ(log->find(0, 0).arrived_us, 5'003'000);
  CHECK_EQ(log->find(9, 0).arrived_us, 5'003'000);
  CHECK_EQ(log->find(10, 0).arrived_us, 5'007'000);
  CHECK_EQ(log->find(29, 0).arrived_us, 5'007'000);
  CHECK_EQ(log->find(30, 0).arrived_us, 5'008'000);
  CHECK_EQ(log->find(8, 0).flags, FRAMEPUMP_ARRIVAL_STAMPED);
  CHECK_EQ(log->find(9, 0).flags, kBoth);
  CHECK_EQ(log->find(29, 0).flags, FRAMEPUMP_ARRIVAL_STAMPED);
  CHECK_EQ(log->find(30, 0).flags, kBoth);
  CHECK_EQ(log->find(30, 0).tick, 101);
  // What was published keeps its time, whatever clocks do later.
  publish(*log, 31, 500);
  CHECK_EQ(log->find(30, 20).arrived_us, 5'008'000);
}

TEST_CASE("what came before the log was on has the time at which it was turned on, and no flags") {
  const auto log = std::make_unique<ArrivalLog>();
  log->turn_on(at_ms(40));
  CHECK_EQ(log->find(5, 0).arrived_us, 5'040'000);
  CHECK_EQ(log->find(5, 0).flags, 0);
  log->note(20, 25, stamp(52), kBoth);
  publish(*log, 25, 60);
  CHECK_EQ(log->find(19, 0).arrived_us, 5'040'000);
  CHECK_EQ(log->find(19, 0).flags, 0);
  CHECK_EQ(log->find(20, 0).arrived_us, 5'052'000);
  CHECK_EQ(log->find(24, 0).flags, kBoth);
  // Turned off and on again: what came in between is as unknown.
  log->is_on = false;
  log->turn_on(at_ms(90));
  log->note(100, 101, stamp(95), kBoth);
  publish(*log, 101, 100);
  CHECK_EQ(log->find(24, 0).arrived_us, 5'052'000);
  CHECK_EQ(log->find(60, 0).arrived_us, 5'090'000);
  CHECK_EQ(log->find(60, 0).flags, 0);
  CHECK_EQ(log->find(100, 0).arrived_us, 5'095'000);
}

TEST_CASE("more reads than the log holds: the rest has an earlier time and no flags, and room brings right times again") {
  const auto log = std::make_unique<ArrivalLog>();
  log->turn_on(at_ms(0));
  uint64_t end = 0;
  for (uint32_t i = 0; i < ArrivalLog::kEntries + 50; ++i, ++end) log->note(end, end + 1, stamp(i), kBoth);
  publish(*log, end, 400);
  const uint64_t last_kept = ArrivalLog::kEntries - 1;
  CHECK_EQ(log->find(last_kept, 0).arrived_us, 5'000'000 + int64_t{last_kept} * 1000);
  CHECK_EQ(log->find(last_kept, 0).flags, kBoth);
  CHECK_EQ(log->find(end - 1, 0).arrived_us, 5'000'000 + int64_t{last_kept} * 1000);
  CHECK_EQ(log->find(end - 1, 0).flags, 0);
  log->forget(100);
  log->note(end, end + 1, stamp(390), kBoth);
  publish(*log, end + 1, 400);
  CHECK_EQ(log->find(end, 100).arrived_us, 5'390'000);
  CHECK_EQ(log->find(end, 100).flags, kBoth);
  CHECK_EQ(log->find(end - 1, 100).arrived_us, 5'000'000 + int64_t{ArrivalLog::kEntries} * 1000);  // of the first that found no room
  CHECK_EQ(log->find(end - 1, 100).flags, 0);
  CHECK_EQ(log->find(last_kept, 100).flags, kBoth);
}

TEST_CASE("a clock that jumps puts no arrival far into the future") {
  const auto log = std::make_unique<ArrivalLog>();
  log->turn_on(at_ms(0));
  log->note(0, 1, stamp(3'600'000), kBoth);  // it was set back by an hour since
  log->publish(1, at_ms(10), [](int64_t) { return 0u; });
  CHECK_EQ(log->find(0, 0).arrived_us, 5'010'000 + 1'000'000);
}

TEST_CASE("arrival jitter is the mean deviation of the intervals") {
  const auto steady = std::make_unique<ArrivalLog>();
  const auto uneven = std::make_unique<ArrivalLog>();
  for (uint32_t i = 0; i < 2000; ++i) {
    steady->note(i, i + 1, stamp(i * 20), kBoth);
    uneven->note(i, i + 1, stamp(i * 20 + (i % 2 == 0 ? 0 : 4)), kBoth);  // 24, 16, 24, 16 ms
    publish(*steady, i + 1, i * 20 + 10);
    publish(*uneven, i + 1, i * 20 + 10);
    steady->forget(i + 1);
    uneven->forget(i + 1);
  }
  CHECK_EQ(steady->jitter_us(), 0);
  CHECK_GE(uneven->jitter_us(), 3'800);
  CHECK_LE(uneven->jitter_us(), 4'200);
}

TEST_CASE("the pump notes and gameplay looks, each on its thread, and every byte has the time of its read") {
  const auto log = std::make_unique<ArrivalLog>();
  log->turn_on(at_ms(0));
  constexpr uint64_t kReads = 30'000;
  std::atomic<uint64_t> produced{0};
  std::thread pump([&] {
    for (uint64_t i = 0; i < kReads; ++i) {
      log->note(i * 3, i * 3 + 3, kEpochNs + static_cast<int64_t>(i) * 1000, kBoth);
      produced.store(i * 3 + 3, std::memory_order_release);
    }
  });
  uint64_t consumed = 0;
  uint64_t exact = 0;
  bool is_right = true;
  while (consumed < kReads * 3) {
    const uint64_t published = produced.load(std::memory_order_acquire);
    log->publish(published, at_ms(0), [](int64_t) { return 0u; });
    while (consumed + 3 <= published) {
      const ArrivalLog::Arrival arrival = log->find(consumed + 2, consumed);
      const int64_t true_us = 5'000'000 + static_cast<int64_t>(consumed / 3);
      // At most a second ahead of the frame; without flags the log had no room for it, and the time is an earlier one.
      if (arrival.flags == kBoth) is_right = is_right && arrival.arrived_us == true_us;
      if (arrival.flags != kBoth) is_right = is_right && arrival.flags == 0 && arrival.arrived_us <= true_us;
      exact += arrival.flags == kBoth;
      consumed += 3;
    }
    log->forget(consumed);
  }
  pump.join();
  CHECK(is_right);
  CHECK_GT(exact, 0);
}
