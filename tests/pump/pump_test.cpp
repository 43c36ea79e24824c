// SPDX-License-Identifier: MIT
//
// The pump on virtual time: every turn costs what its source says, and nothing else passes time.
#include "pump/pump.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/poller_null.h"
#include "support/virtual_time.h"

using namespace framepump;
using framepump::test::VirtualClock;

namespace {

constexpr uint64_t kQuantumBytes = 65536;

struct Bench;

// A source with a number of quanta to do, each of which costs some time.
class Worker final : public Source, public Pollable {
 public:
  Worker(Bench& bench, std::string name, uint32_t quanta, int64_t cost_us_of_quantum, uint32_t priority, Line line)
      : Source(line, priority, static_cast<framepump_handle>(name[0])),
        cost_us(cost_us_of_quantum),
        bench_(bench),
        name_(std::move(name)),
        quanta_(quanta) {}

  Turn take_turn(const TurnContext& context) override;
  void on_ready(uint32_t) override;

  uint32_t quanta_left() const { return quanta_; }
  void add_quanta(uint32_t quanta) { quanta_ += quanta; }
  int64_t cost_us;
  int64_t wake_at_us = kNever;
  bool closes = false;
  bool is_sized = false;  // a turn costs as much for each quantum that it may move
  uint64_t brings_bytes = 0;  // 0: as much as it may

 private:
  Bench& bench_;
  std::string name_;
  uint32_t quanta_;
};

struct Bench {
  VirtualClock clock;
  Host host{clock.services()};
  NullPoller poller;
  Pump pump{host, poller};
  std::deque<Worker> workers;
  std::string log;    // the first letter of each source, in the order of turns
  std::string sizes;  // how many quanta each turn might move
  std::function<void()> on_turn = [] {};
  RunReport report;

  Worker& add(std::string name, uint32_t quanta, int64_t cost_us = 100, uint32_t priority = FRAMEPUMP_PRIORITY_NORMAL, Line line = Line::receive) {
    Worker& worker = workers.emplace_back(*this, std::move(name), quanta, cost_us, priority, line);
    if (quanta > 0) pump.make_ready(worker);
    return worker;
  }
  // One tick; returns who had turns and leaves the rest for the next.
  std::string tick(int64_t slice_us, int64_t now_us = 0, uint32_t lines = kSocketLines | line_bit(Line::game)) {
    log.clear();
    sizes.clear();
    report = {};
    Slice slice(host, slice_us);
    pump.harvest(slice, report, now_us);
    RunRequest request;
    request.lines = lines;
    request.context.now_us = now_us;
    request.context.quantum_bytes = quantum_bytes;
    request.harvests = (lines & kSocketLines) != 0;
    pump.run(request, slice, report);
    elapsed_us = slice.elapsed_us();
    return log;
  }
  uint64_t quantum_bytes = kQuantumBytes;
  int64_t elapsed_us = 0;
};

Turn Worker::take_turn(const TurnContext& context) {
  bench_.log += name_[0];
  bench_.on_turn();
  bench_.sizes += static_cast<char>('0' + context.quantum_bytes / kQuantumBytes);
  const uint32_t quanta = is_sized ? static_cast<uint32_t>(context.quantum_bytes / kQuantumBytes) : 1;
  bench_.clock.pass(cost_us * quanta);
  Turn turn;
  turn.bytes = is_sized ? context.quantum_bytes : kQuantumBytes;
  if (brings_bytes > 0) turn.bytes = brings_bytes;
  turn.wake_at_us = wake_at_us;
  quanta_ -= std::min(quanta, quanta_);
  turn.outcome = quanta_ > 0 ? Outcome::more : Outcome::drained;
  if (closes && quanta_ == 0) turn.outcome = Outcome::closed;
  return turn;
}

void Worker::on_ready(uint32_t) { bench_.pump.make_ready(*this); }

}  // namespace

TEST_CASE("tick stops at the slice, and the first source that got no turn is first next frame") {
  Bench bench;
  for (const char* name : {"a", "b", "c", "d", "e"}) bench.add(name, 100);
  CHECK_EQ(bench.tick(300), "abc");
  CHECK_EQ(bench.elapsed_us, 300);
  CHECK_EQ(bench.report.left_over, 5);
  CHECK_EQ(bench.tick(300), "dea");
  CHECK_EQ(bench.tick(360), "bcde");  // one quantum may begin while the slice lasts
}

TEST_CASE("a turn whose greater half would lie behind the slice does not begin") {
  Bench bench;
  bench.add("a", 9, 100);
  CHECK_EQ(bench.tick(340), "aaa");
  CHECK_EQ(bench.tick(360), "aaaa");
}

TEST_CASE("a slice of 0 serves exactly one quantum for each priority that has work") {
  Bench bench;
  bench.add("r", 9, 100, FRAMEPUMP_PRIORITY_REALTIME);
  bench.add("n", 9);
  bench.add("b", 9, 100, FRAMEPUMP_PRIORITY_BULK);
  CHECK_EQ(bench.tick(0), "rnb");
  CHECK_EQ(bench.tick(0), "rnb");
}

TEST_CASE("a tick costs the slice and at most one quantum for each priority that has work") {
  Bench bench;
  bench.add("r", 1000, 70, FRAMEPUMP_PRIORITY_REALTIME);
  bench.add("n", 1000, 130, FRAMEPUMP_PRIORITY_NORMAL);
  bench.add("b", 1000, 190, FRAMEPUMP_PRIORITY_BULK);
  for (int64_t slice_us : {0, 1, 50, 333, 1000, 2000}) {
    CAPTURE(slice_us);
    bench.tick(slice_us);
    CHECK_LE(bench.elapsed_us, slice_us + 70 + 130 + 190);
    CHECK_GE(bench.elapsed_us, slice_us - 190 / 2);
  }
}

TEST_CASE("a source that receives alone has turns of up to four quanta, and the tick ends as close to its slice") {
  Bench bench;
  constexpr int64_t kCostUs = 30;
  bench.add("a", 100'000, kCostUs).is_sized = true;
  for (int64_t slice_us : {0, 1, 50, 333, 1000, 1999, 2000}) {
    CAPTURE(slice_us);
    bench.tick(slice_us);
    CHECK_LE(bench.elapsed_us, std::max(slice_us + kCostUs / 2, kCostUs));
    CHECK_GE(bench.elapsed_us, slice_us - kCostUs / 2);
  }
  CHECK_EQ(bench.report.culprit_bytes, 4 * kQuantumBytes);
  CHECK_LE(bench.report.turns, 2000 / kCostUs / 3);
}

TEST_CASE("what a quantum of a source takes is remembered from run to run, until another receives alone or it is forgotten") {
  Bench bench;
  constexpr int64_t kCostUs = 30;
  Worker& download = bench.add("a", 20, kCostUs);
  download.is_sized = true;
  bench.tick(300);
  CHECK_EQ(bench.sizes, "142111");
  bench.tick(300);
  CHECK_EQ(bench.sizes, "43111");
  CHECK_EQ(download.quanta_left(), 0);
  const auto go_on = [&] {
    download.add_quanta(1000);
    bench.pump.make_ready(download);
    bench.tick(300);
  };
  SUBCASE("it goes on") {
    go_on();
    CHECK_EQ(bench.sizes, "43111");
  }
  SUBCASE("it goes on much later") {
    bench.clock.pass(300'000);
    go_on();
    CHECK_EQ(bench.sizes, "142111");
  }
  SUBCASE("it is forgotten") {
    bench.pump.forget(download);
    go_on();
    CHECK_EQ(bench.sizes, "142111");
  }
  SUBCASE("another receives alone") {
    bench.add("b", 10, kCostUs).is_sized = true;
    bench.tick(300);
    CHECK_EQ(bench.sizes, "142111");
    go_on();
    CHECK_EQ(bench.sizes, "142111");
  }
  SUBCASE("a quantum is another") {
    bench.quantum_bytes = 2 * kQuantumBytes;
    go_on();
    CHECK_EQ(bench.sizes.front(), '2');
  }
  SUBCASE("a quantum takes longer while somebody waits") {
    download.cost_us = 150;
    Worker& other = bench.add("b", 1000);
    go_on();
    CHECK_EQ(bench.log, "ba");
    bench.pump.forget(other);
    go_on();
    CHECK_EQ(bench.sizes, "11");
  }
  SUBCASE("turns that bring less show nothing") {
    download.brings_bytes = 100;
    go_on();
    CHECK_EQ(bench.sizes, "43111");
  }
}

TEST_CASE("a turn is one quantum while somebody waits behind it, for a source that sends, and where a quantum takes long") {
  constexpr uint32_t kNormal = FRAMEPUMP_PRIORITY_NORMAL;
  SUBCASE("two") {
    Bench bench;
    bench.add("a", 1000, 30).is_sized = true;
    bench.add("b", 1000, 30, FRAMEPUMP_PRIORITY_BULK).is_sized = true;
    bench.tick(2000);
    CHECK_EQ(bench.report.culprit_bytes, kQuantumBytes);
  }
  SUBCASE("one of gameplay's own sources waits") {
    Bench bench;
    bench.add("a", 1000, 30).is_sized = true;
    bench.add("g", 1000, 30, kNormal, Line::game);
    bench.tick(2000);
    CHECK_EQ(bench.report.culprit_bytes, kQuantumBytes);
  }
  SUBCASE("it sends") {
    Bench bench;
    bench.add("a", 1000, 30, kNormal, Line::send).is_sized = true;
    bench.tick(2000);
    CHECK_EQ(bench.report.culprit_bytes, kQuantumBytes);
  }
  SUBCASE("a quantum takes long") {
    Bench bench;
    bench.add("a", 1000, 130).is_sized = true;
    bench.tick(2000);
    CHECK_EQ(bench.report.culprit_bytes, kQuantumBytes);
    Bench shorter;
    shorter.add("a", 1000, 120).is_sized = true;
    shorter.tick(2000);
    CHECK_EQ(shorter.report.culprit_bytes, 2 * kQuantumBytes);
  }
}

TEST_CASE("every priority that has work gets a turn in every tick, and the highest gets the rest") {
  Bench bench;
  bench.add("r", 1000, 100, FRAMEPUMP_PRIORITY_REALTIME);
  bench.add("n", 1000);
  bench.add("b", 1000, 100, FRAMEPUMP_PRIORITY_BULK);
  CHECK_EQ(bench.tick(800), "rnbrrrrr");
  CHECK_EQ(bench.tick(300), "rnb");
}

TEST_CASE("a source that used its quantum goes to the back, and newly ready ones queue behind") {
  Bench bench;
  bench.add("a", 3);
  Worker& late = bench.add("z", 0);
  bench.add("b", 1);
  bench.poller.report(static_cast<Pollable*>(&late), kReadable);
  CHECK_EQ(bench.tick(1000), "abzaa");
}

TEST_CASE("one firehose and 99 trickles: no trickle waits more than a frame when one round fits the slice") {
  Bench bench;
  Worker& firehose = bench.add("F", 1'000'000, 20);
  std::vector<Worker*> trickles;
  for (int i = 0; i < 99; ++i) trickles.push_back(&bench.add("t", 0, 10));
  for (int frame = 0; frame < 50; ++frame) {
    for (Worker* trickle : trickles) {
      trickle->add_quanta(1);
      bench.poller.report(static_cast<Pollable*>(trickle), kReadable);
    }
    const std::string turns = bench.tick(1500);
    CHECK_EQ(std::count(turns.begin(), turns.end(), 't'), 99);
    CHECK_GT(std::count(turns.begin(), turns.end(), 'F'), 10);
  }
  CHECK_GT(firehose.quanta_left(), 0);
}

TEST_CASE("one firehose and 99 trickles: at slice 0 none starves") {
  Bench bench;
  bench.add("F", 1'000'000, 20);
  for (int i = 0; i < 99; ++i) bench.add("t", 1, 10);
  uint32_t served = 0;
  for (int frame = 0; frame < 100; ++frame) {
    const std::string turns = bench.tick(0);
    CHECK_EQ(turns.size(), 1);
    served += turns == "t";
  }
  CHECK_EQ(served, 99);
}

TEST_CASE("lines of one priority take turns, so that sending does not wait for all receiving") {
  Bench bench;
  bench.add("a", 5);
  bench.add("b", 5);
  bench.add("S", 5, 100, FRAMEPUMP_PRIORITY_NORMAL, Line::send);
  bench.add("G", 5, 100, FRAMEPUMP_PRIORITY_NORMAL, Line::game);
  CHECK_EQ(bench.tick(600), "aSGbSG");
}

TEST_CASE("a run of one line leaves the others where they are") {
  Bench bench;
  bench.add("a", 2);
  bench.add("S", 2, 100, FRAMEPUMP_PRIORITY_NORMAL, Line::send);
  CHECK_EQ(bench.tick(1000, 0, line_bit(Line::send)), "SS");
  CHECK_EQ(bench.tick(1000), "aa");
}

TEST_CASE("timers wake their sources on time, in order, and only once") {
  Bench bench;
  Worker& b = bench.add("b", 0);
  Worker& a = bench.add("a", 0);
  Worker& c = bench.add("c", 0);
  bench.pump.set_timer(b, 2'000);
  bench.pump.set_timer(a, 1'000);
  bench.pump.set_timer(c, 3'000);
  CHECK_EQ(bench.pump.earliest_timer_us(), 1'000);
  CHECK_EQ(bench.tick(1000, 999), "");
  CHECK_EQ(bench.tick(1000, 1'000), "a");
  CHECK_EQ(bench.tick(1000, 1'999), "");
  CHECK_EQ(bench.tick(1000, 3'500), "bc");
  CHECK_EQ(bench.tick(1000, 9'999), "");
  CHECK_EQ(bench.pump.earliest_timer_us(), kNever);
}

TEST_CASE("a timer asked for in a turn replaces the one before") {
  Bench bench;
  Worker& a = bench.add("a", 1);
  a.wake_at_us = 5'000;
  CHECK_EQ(bench.tick(1000, 0), "a");
  bench.pump.set_timer(a, 7'000);
  CHECK_EQ(bench.tick(1000, 6'000), "");
  a.wake_at_us = kNever;
  CHECK_EQ(bench.tick(1000, 7'000), "a");
  CHECK_EQ(bench.tick(1000, 99'000), "");
}

TEST_CASE("the culprit is the source with the longest turn, also when it is in the middle") {
  Bench bench;
  bench.add("a", 2, 30);
  bench.add("s", 1, 900);
  bench.add("z", 2, 40);
  CHECK_EQ(bench.tick(2000), "aszaz");
  CHECK_EQ(bench.report.culprit, static_cast<framepump_handle>('s'));
  CHECK_EQ(bench.report.culprit_us, 900);
  CHECK_EQ(bench.report.culprit_bytes, 65536);
}

TEST_CASE("a source that closed is never touched again") {
  Bench bench;
  Worker& a = bench.add("a", 1);
  a.closes = true;
  a.wake_at_us = 10;
  CHECK_EQ(bench.tick(1000), "a");
  CHECK_EQ(bench.pump.earliest_timer_us(), kNever);
  CHECK_EQ(bench.tick(1000, 1'000), "");
}

TEST_CASE("forgotten sources have neither turns nor timers, and the others keep their order") {
  Bench bench;
  bench.add("a", 1);
  Worker& b = bench.add("b", 1);
  bench.add("c", 1);
  bench.pump.set_timer(b, 10);
  bench.pump.forget(b);
  CHECK_EQ(bench.tick(1000, 1'000), "ac");
}

TEST_CASE("a changed priority moves a waiting source to the end of its new line") {
  Bench bench;
  bench.add("r", 1, 100, FRAMEPUMP_PRIORITY_REALTIME);
  Worker& b = bench.add("b", 1, 100, FRAMEPUMP_PRIORITY_BULK);
  bench.add("n", 1);
  bench.pump.set_priority(b, FRAMEPUMP_PRIORITY_REALTIME);
  CHECK_EQ(bench.tick(1000), "rnb");
}

TEST_CASE("sockets without priorities are served in batches of 32, in the poller's order, and all in one tick") {
  Bench bench;
  for (int i = 0; i < 100; ++i) {
    Worker& worker = bench.add(std::string(1, static_cast<char>('a' + i % 26)), 0, 1);
    bench.poller.report(static_cast<Pollable*>(&worker), kReadable);
  }
  uint32_t most_waiting = 0;
  bench.on_turn = [&] { most_waiting = std::max(most_waiting, bench.pump.ready_count(kSocketLines)); };
  const std::string turns = bench.tick(1000);
  CHECK_LT(most_waiting, 32);
  REQUIRE_EQ(turns.size(), 100);
  for (int i = 0; i < 100; ++i) CHECK_EQ(turns[static_cast<size_t>(i)], static_cast<char>('a' + i % 26));
  // Cut off by the slice it goes on where it was.
  for (Worker& worker : bench.workers) bench.poller.report(static_cast<Pollable*>(&worker), kReadable);
  std::string later;
  for (int tick = 0; tick < 3; ++tick) {
    later += bench.tick(40);
    CHECK_EQ(bench.report.left_over == 0, tick == 2);  // what the poller still has counts
  }
  CHECK_EQ(later, turns);
}

TEST_CASE("whoever is not drained by a turn goes behind all that were ready before, also behind those that the poller still has") {
  for (const bool was_waiting : {true, false}) {
    CAPTURE(was_waiting);
    Bench bench;
    Worker& firehose = bench.add("F", was_waiting ? 1000 : 0, 1);
    if (!was_waiting) {
      firehose.add_quanta(1000);
      bench.poller.report(static_cast<Pollable*>(&firehose), kReadable);
    }
    for (int i = 0; i < 100; ++i) bench.poller.report(static_cast<Pollable*>(&bench.add("t", 0, 1)), kReadable);
    const std::string turns = bench.tick(200);
    CHECK_EQ(turns.substr(0, 102), "F" + std::string(100, 't') + "F");
    CHECK_EQ(turns.find('t', 102), std::string::npos);
    CHECK_EQ(bench.report.culprit_us, 1);
    CHECK_EQ(bench.report.phase(Phase::receive), static_cast<int64_t>(turns.size()));
  }
}

TEST_CASE("however many are ready, one with a priority of its own is found, until it has gone or lost it") {
  for (const bool goes : {true, false}) {
    CAPTURE(goes);
    Bench bench;
    Worker& r = bench.add("r", 0, 1);
    bench.pump.set_priority(r, FRAMEPUMP_PRIORITY_REALTIME);
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 100; ++i) bench.poller.report(static_cast<Pollable*>(&bench.add("n", 0, 1)), kReadable);
      bench.poller.report(static_cast<Pollable*>(&r), kReadable);
      const std::string turns = bench.tick(1000);
      CHECK_EQ(turns.find('r'), round == 0 ? 0 : 100);
      goes ? bench.pump.forget(r) : bench.pump.set_priority(r, FRAMEPUMP_PRIORITY_NORMAL);
    }
  }
}

TEST_CASE("a harvest looks at the clock every 256 events and leaves the rest for the next tick") {
  Bench bench;
  bench.pump.set_priority(bench.add("r", 0), FRAMEPUMP_PRIORITY_REALTIME);
  for (int i = 0; i < 600; ++i) bench.poller.report(static_cast<Pollable*>(&bench.add("t", 0, 0)), kReadable);
  bench.tick(0);
  const uint32_t ready_after_one = bench.pump.ready_count(kSocketLines) + bench.report.turns;
  CHECK_EQ(ready_after_one, 256);
  bench.tick(1'000'000);
  CHECK_EQ(bench.report.turns, 599);
}

TEST_CASE("somebody who wants the token gets it after the current turn") {
  Bench bench;
  bench.add("a", 100);
  std::atomic<bool> wanted{true};
  Slice slice(bench.host, Slice::kEndless);
  RunRequest request;
  request.yield = &wanted;
  bench.pump.run(request, slice, bench.report);
  CHECK_EQ(bench.log, "a");
}

TEST_CASE("a clock that steps back stands still instead of making the slice longer") {
  Bench bench;
  Slice slice(bench.host, 100);
  bench.clock.pass(60);
  slice.lap();
  bench.clock.pass(-1'000'000);
  CHECK_EQ(slice.lap(), 0);
  CHECK_FALSE(slice.is_over(0));
  bench.clock.pass(1'000'040);
  slice.lap();
  CHECK(slice.is_over(0));
}
