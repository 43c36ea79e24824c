// SPDX-License-Identifier: MIT
//
// Coroutines without sockets, on virtual time: when tasks run, what they cost, how they end.
#include <doctest/doctest.h>

#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "support/allocation_count.h"
#include "support/counting_services.h"
#include "support/task_stage.h"
#include "support/virtual_time.h"

using namespace framepump::test;

namespace {

fp::Task<int> add(int a, int b) { co_return a + b; }
fp::Task<int> add_later(int a, int b) {
  co_await fp::next_frame();
  co_return a + b;
}
fp::Task<> wait_for_ever(int& live) {
  Guard guard(live);
  while (true) co_await fp::sleep(1'000'000);
}

// Waits so long for first data, on a network whose tasks may be able to go on.
int64_t waited_us(TaskStage& stage, int64_t longest_us) {
  const int64_t begin_us = now_us();
  stage.net.wait_until(begin_us + longest_us, fp::Until::first_data);
  return now_us() - begin_us;
}

}  // namespace

TEST_CASE("a task begins in the tick after start, inside tick, and goes on once in each frame that it waits for") {
  for (fp::Mode mode : {fp::Mode::frame_locked, fp::Mode::threaded}) {
    fp::Config config;
    config.threaded = mode == fp::Mode::threaded;
    config.slice_us = 1'000'000;
    TaskStage stage(config);
    std::string log;
    const fp::TaskId id = stage.tasks.start([&log]() -> fp::Task<> {
      for (char letter : {'a', 'b', 'c'}) {
        log += letter;
        co_await fp::next_frame();
      }
      log += '.';
    });
    REQUIRE(bool(id));
    CHECK_EQ(log, "");
    stage.net.flush();
    stage.net.wait_until(0);
    CHECK_EQ(log, "");
    for (const char* expected : {"a", "ab", "abc", "abc.", "abc."}) {
      CHECK_EQ(stage.tasks.is_running(id), log != "abc.");
      stage.tick();
      CHECK_EQ(log, expected);
    }
    CHECK_EQ(stage.tasks.count(), 0);
  }
}

TEST_CASE("sleep ends in the first frame that is so much later on the frame's clock, whatever the order") {
  TaskStage stage;
  std::vector<std::pair<int64_t, int64_t>> woken;  // asked, waited
  for (int64_t ms : {35, 20, 1000, 5, 20, 0, 500, 30}) {
    stage.tasks.start([&stage, &woken](int64_t asked) -> fp::Task<> {
      const int64_t began_us = stage.tasks.now_us();
      co_await stage.tasks.sleep(asked);
      woken.push_back({asked, (stage.tasks.now_us() - began_us) / 1000});
    }, ms);
  }
  stage.tick(120);
  const std::vector<std::pair<int64_t, int64_t>> expected = {{0, 0}, {5, 10}, {20, 20}, {20, 20}, {30, 30}, {35, 40}, {500, 500}, {1000, 1000}};
  CHECK_EQ(woken, expected);
}

TEST_CASE("ten thousand sleepers of random times wake in order, also when some are cancelled") {
  fp::Config config;
  config.slice_us = 1'000'000;
  TaskStage stage(config);
  uint64_t seed = 42;
  const auto random = [&seed](uint64_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
  };
  std::vector<int64_t> woken;
  std::vector<fp::TaskId> ids;
  for (int i = 0; i < 10'000; ++i) {
    ids.push_back(stage.tasks.start([&woken](int64_t ms) -> fp::Task<> {
      co_await fp::sleep(ms);
      woken.push_back(ms);
    }, static_cast<int64_t>(random(1000))));
  }
  stage.tick();
  uint32_t cancelled = 0;
  for (int i = 0; i < 3000; ++i) cancelled += stage.tasks.cancel(ids[random(ids.size())]);
  stage.tick(110);
  CHECK_EQ(woken.size(), 10'000 - cancelled);
  CHECK_GT(cancelled, 2000);
  int64_t frame_of_last = 0;
  for (int64_t ms : woken) {
    CHECK_GE((ms + 9) / 10, frame_of_last);
    frame_of_last = (ms + 9) / 10;
  }
  CHECK_EQ(stage.tasks.count(), 0);
}

TEST_CASE("tasks return values to those that await them, and run as methods, functions and lambdas") {
  struct Game {
    fp::Tasks& tasks_;
    std::unique_ptr<int> got;
    fp::Tasks& tasks() { return tasks_; }
    fp::Task<std::unique_ptr<int>> make(int value) {
      co_await fp::next_frame();
      co_return std::make_unique<int>(value);
    }
    fp::Task<> run() { got = co_await make(5); }
  };
  TaskStage stage;
  Game game = {stage.tasks, nullptr};
  REQUIRE(bool(stage.tasks.start(game.run())));
  int sum = 0;
  fp::Result<int> refused = 0;
  stage.tasks.start([](int& out, fp::Result<int>& error) -> fp::Task<> {
    fp::Task<int> kept = add_later(10, 20);
    out = co_await add(1, 2) + co_await kept;
    auto fail = []() -> fp::Task<fp::Result<int>> { co_return fp::Error(fp::ErrorCode::config, "no"); };
    error = co_await fail();
  }, std::ref(sum), std::ref(refused));
  stage.tick(3);
  REQUIRE(game.got != nullptr);
  CHECK_EQ(*game.got, 5);
  CHECK_EQ(sum, 33);
  REQUIRE_FALSE(bool(refused));
  CHECK_EQ(refused.error().code(), fp::ErrorCode::config);
}

TEST_CASE("wait_until with first data does not wait while a task can go on, also one that was started since the tick") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    fp::Config config = unhurried();  // both tasks get their turn in a tick
    config.threaded = threaded;
    TaskStage stage(config);
    stage.tasks.start([]() -> fp::Task<> {
      while (true) co_await fp::next_frame();
    });
    stage.tick();
    CHECK_GE(waited_us(stage, 20'000), 20'000);
    stage.tasks.start([]() -> fp::Task<> { co_await fp::sleep(100'000); });
    CHECK_LT(waited_us(stage, 10'000'000), 5'000'000);
    stage.tick();
    CHECK_GE(waited_us(stage, 20'000), 20'000);
  }
}

TEST_CASE("wait_until with first data does not wait while the slice left a task that can go on") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    fp::Config config;
    config.threaded = threaded;
    config.slice_us = 0;
    TaskStage stage(config);
    const fp::TaskId busy = stage.tasks.start([]() -> fp::Task<> {
      while (true) co_await fp::yield();
    });
    stage.tick();
    CHECK_LT(waited_us(stage, 10'000'000), 5'000'000);
    stage.tasks.cancel(busy);
    stage.tick();
    CHECK_GE(waited_us(stage, 20'000), 20'000);
  }
}

TEST_CASE("a task that is started where no call is allowed begins when Tasks are next asked for something") {
  framepump_services quiet = {};
  quiet.struct_size = sizeof(quiet);
  quiet.log = [](void*, uint32_t, const char*) {};
  quiet.assert_failed = [](void*, const char*, const char*, int32_t) {};  // which the call is told to
  TaskStage stage(unhurried(), &quiet);
  int runs = 0;
  struct Plain {
    std::function<void()> work;
  } plain;
  framepump_source source = {};
  source.struct_size = sizeof(source);
  source.user = &plain;
  source.take_turn = [](void* self, framepump_turn*) {
    static_cast<Plain*>(self)->work();
    return FRAMEPUMP_OUTCOME_DRAINED;
  };
  const auto start = [&] {
    return bool(stage.tasks.start([&]() -> fp::Task<> {
      ++runs;
      co_return;
    }));
  };
  CHECK(start());
  stage.tick(2);
  CHECK_EQ(runs, 1);  // and its frame is there for the next one
  plain.work = [&] { CHECK(start()); };
  REQUIRE(bool(stage.net.add_source(source)));
  stage.tick(2);
  CHECK(start());
  stage.tick();
  CHECK_EQ(runs, 3);
}

TEST_CASE("a task may have twelve arguments, the last of which says whose it is, and start takes ten for a function") {
  TaskStage stage;
  auto twelve = [](int a, int b, int c, int d, int e, int f, int g, int h, int i, int& sum, fp::Tasks&) -> fp::Task<> {
    co_await fp::next_frame();
    sum = a + b + c + d + e + f + g + h + i;
  };
  int first = 0;
  int second = 0;
  CHECK(bool(stage.tasks.start(twelve(1, 2, 3, 4, 5, 6, 7, 8, 9, first, stage.tasks))));
  auto ten = [](int a, int b, int c, int d, int e, int f, int g, int h, int i, int& sum) -> fp::Task<> {
    co_await fp::next_frame();
    sum = a + b + c + d + e + f + g + h + i;
  };
  CHECK(bool(stage.tasks.start(ten, 1, 2, 3, 4, 5, 6, 7, 8, 10, std::ref(second))));
  stage.tick(2);
  CHECK_EQ(first, 45);
  CHECK_EQ(second, 46);
}

TEST_CASE("a thousand ready tasks keep the slice, and take turns so that none is forgotten") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    VirtualClock clock;
    fp::Config config;
    config.threaded = threaded;
    config.slice_us = 1000;
    TaskStage stage(config, clock.services());
    std::vector<int> turns(1000);
    for (int& count : turns) {
      stage.tasks.start([&clock](int& mine) -> fp::Task<> {
        while (true) {
          clock.pass(7);
          ++mine;
          co_await fp::yield();
        }
      }, std::ref(count));
    }
    for (int i = 0; i < 100; ++i) {
      stage.tick();
      CHECK_LE(stage.report.tick_us, 1000 + 50 + 7);  // the slice and one quantum, of which the last resumption may stick out
      CHECK_GE(stage.report.tick_us, 950);
      CHECK_EQ(stage.report.overrun, 0);
      CHECK_EQ(stage.report.phase_source_us, stage.report.tick_us);
    }
    const auto [least, most] = std::minmax_element(turns.begin(), turns.end());
    CHECK_GE(*least, 13);  // 100 ms of 7 us each among 1000
    CHECK_LE(*most - *least, 1);
  }
}

TEST_CASE("with a slice of 0 tasks still get a quantum in each tick") {
  VirtualClock clock;
  fp::Config config;
  config.slice_us = 0;
  TaskStage stage(config, clock.services());
  int turns = 0;
  stage.tasks.start([&]() -> fp::Task<> {
    while (true) {
      ++turns;
      clock.pass(10);
      co_await fp::yield();
    }
  });
  stage.tick();
  CHECK_EQ(turns, 5);
  CHECK_EQ(stage.report.tick_us, 50);
  CHECK_EQ(stage.report.left_over, 1);
}

TEST_CASE("tasks that never have to wait give way when the quantum is used up") {
  VirtualClock clock;
  fp::Config config;
  config.slice_us = 500;
  TaskStage stage(config, clock.services());
  int done = 0;
  bool other_ran = false;
  stage.tasks.start([&]() -> fp::Task<> {
    while (true) {
      clock.pass(1);
      done = co_await add(done, 1);
    }
  });
  stage.tasks.start([&]() -> fp::Task<> {
    other_ran = true;
    co_return;
  });
  stage.tick();
  CHECK(other_ran);
  CHECK_LE(stage.report.tick_us, 500 + 50 + 16);
  CHECK_GT(done, 300);
}

TEST_CASE("a hundred thousand calls that end at once, and as many that call each other, take no more stack") {
  fp::Config config;
  config.slice_us = 1'000'000;
  TaskStage stage(config);
  uintptr_t lowest = UINTPTR_MAX;
  uintptr_t highest = 0;
  const auto note_stack = [&] {
    const auto at = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));  // AddressSanitizer keeps variables elsewhere
    lowest = std::min(lowest, at);
    highest = std::max(highest, at);
  };
  int total = 0;
  int deepest = 0;
  struct Recursion {
    static fp::Task<int> descend(int depth, const std::function<void()>& note) {
      if (depth % 1000 == 0) note();
      if (depth == 0) co_return 0;
      co_return 1 + co_await descend(depth - 1, note);
    }
  };
  const std::function<void()> note = note_stack;
  stage.tasks.start([&]() -> fp::Task<> {
    note_stack();
    for (int i = 0; i < 100'000; ++i) total = co_await add(total, 1);
    note_stack();
    deepest = co_await Recursion::descend(100'000, note);
  });
  for (int i = 0; i < 1000 && stage.tasks.count() > 0; ++i) stage.tick();
  CHECK_EQ(total, 100'000);
  CHECK_EQ(deepest, 100'000);
  CHECK_LT(highest - lowest, is_sanitized() ? 16'384 : 4'096);
}

TEST_CASE("a chain of a hundred thousand tasks is cancelled without a call for each, the innermost first") {
  fp::Config config;
  config.slice_us = 1'000'000;
  TaskStage stage(config);
  int live = 0;
  int order_faults = 0;
  struct Level {
    int depth;
    int& live;
    int& order_faults;
    Level(int at, int& live_levels, int& faults) : depth(at), live(live_levels), order_faults(faults) { ++live; }
    ~Level() { order_faults += --live != depth; }
  };
  struct Recursion {
    static fp::Task<> descend(int depth, int& live_levels, int& faults) {
      Level level(depth, live_levels, faults);
      if (depth < 99'999) {
        co_await descend(depth + 1, live_levels, faults);
      } else {
        co_await fp::sleep(1'000'000'000);
      }
    }
  };
  const fp::TaskId id = stage.tasks.start(Recursion::descend, 0, std::ref(live), std::ref(order_faults));
  for (int i = 0; i < 1000 && live < 100'000; ++i) stage.tick();
  REQUIRE_EQ(live, 100'000);
  CHECK(stage.tasks.cancel(id));
  CHECK_EQ(live, 0);
  CHECK_EQ(order_faults, 0);
  CHECK_FALSE(stage.tasks.cancel(id));
}

TEST_CASE("when_all returns what each returns once the last is done") {
  TaskStage stage;
  std::string text;
  stage.tasks.start([&]() -> fp::Task<> {
    auto slow = [](int frames) -> fp::Task<std::string> {
      for (int i = 0; i < frames; ++i) co_await fp::next_frame();
      co_return std::to_string(frames);
    };
    auto nothing = []() -> fp::Task<> { co_return; };
    const std::tuple<std::string, int, std::monostate, std::string> all =
        co_await fp::when_all(slow(3), add(1, 1), nothing(), slow(1));
    text = std::get<0>(all) + "," + std::to_string(std::get<1>(all)) + "," + std::get<3>(all);
  });
  stage.tick(3);
  CHECK_EQ(text, "");
  stage.tick();
  CHECK_EQ(text, "3,2,1");
}

TEST_CASE("when_any returns the first and has destroyed the others before, at whatever they waited for") {
  fp::Config config;
  config.slice_us = 50'000;  // ends a task that yields on and on, after all have had their turn
  TaskStage stage(config);
  int live = 0;
  int live_after = -1;
  size_t first = 99;
  int value = 0;
  stage.tasks.start([&]() -> fp::Task<> {
    auto framed = [](int& count) -> fp::Task<> {
      Guard guard(count);
      while (true) co_await fp::next_frame();
    };
    auto yielding = [](int& count) -> fp::Task<> {
      Guard guard(count);
      while (true) co_await fp::yield();
    };
    auto nested = [](int& count) -> fp::Task<int> {
      Guard guard(count);
      const auto any = co_await fp::when_any(wait_for_ever(count), wait_for_ever(count));
      co_return static_cast<int>(any.index());
    };
    auto winner = []() -> fp::Task<int> {
      co_await fp::sleep(25);
      co_return 7;
    };
    const auto any = co_await fp::when_any(wait_for_ever(live), framed(live), winner(), nested(live), yielding(live));
    live_after = live;
    first = any.index();
    value = std::get<2>(any);
  });
  stage.tick(2);
  CHECK_EQ(live, 6);
  stage.tick(3);
  CHECK_EQ(first, 2);
  CHECK_EQ(value, 7);
  CHECK_EQ(live_after, 0);
  CHECK_EQ(stage.tasks.count(), 0);
}

TEST_CASE("when two branches are done in one frame the first of them wins and the other has not happened") {
  TaskStage stage;
  std::vector<size_t> winners;
  int finished = 0;
  auto one = [&]() -> fp::Task<int> {
    co_await fp::next_frame();
    co_return ++finished;
  };
  stage.tasks.start([&]() -> fp::Task<> {
    for (int i = 0; i < 3; ++i) {
      auto any = co_await fp::when_any(one(), one());
      winners.push_back(any.index());
    }
  });
  stage.tick(8);
  CHECK_EQ(winners, std::vector<size_t>{0, 0, 0});
  CHECK_EQ(finished, 3);
}

TEST_CASE("with_timeout gives the value, or timed_out in the first frame after the limit, and then the task is destroyed") {
  TaskStage stage;
  int live = 0;
  std::vector<std::string> log;
  const auto note = [&](const char* what) { log.push_back(what + std::to_string(stage.tasks.now_us() / 1000) + " live " + std::to_string(live)); };
  stage.tasks.start([&]() -> fp::Task<> {
    auto forever = [&]() -> fp::Task<int> {
      Guard guard(live);
      co_await wait_for_ever(live);
      co_return 1;
    };
    auto late = []() -> fp::Task<fp::Status> {
      co_await fp::sleep(30);
      co_return fp::Error(fp::ErrorCode::no_room, "late");
    };
    const fp::Result<int> in_time = co_await fp::with_timeout(add_later(4, 5), 100);
    note(in_time && *in_time == 9 ? "nine at " : "wrong ");
    const fp::Result<int> never = co_await fp::with_timeout(forever(), 35);
    note(!never && never.error().code() == fp::ErrorCode::timed_out ? "timed out at " : "wrong ");
    const fp::Status flat = co_await fp::with_timeout(late(), 1000);
    note(flat.error().code() == fp::ErrorCode::no_room ? "its own error at " : "wrong ");
    const fp::Status nothing = co_await fp::with_timeout(wait_for_ever(live), 0);
    note(nothing.error().code() == fp::ErrorCode::timed_out ? "zero at " : "wrong ");
  });
  stage.tick(20);
  CHECK_EQ(log, std::vector<std::string>{"nine at 20 live 0", "timed out at 60 live 0", "its own error at 90 live 0", "zero at 90 live 0"});
  CHECK_EQ(stage.tasks.count(), 0);
}

TEST_CASE("a task cancelled at any point of suspension runs the destructors of all that it held") {
  using Maker = std::function<fp::Task<>(int&)>;
  const std::vector<Maker> makers = {
      [](int& live) -> fp::Task<> { Guard guard(live); co_await fp::next_frame(); co_await fp::next_frame(); co_await fp::next_frame(); },
      [](int& live) -> fp::Task<> { Guard guard(live); for (int i = 0; i < 10; ++i) co_await fp::sleep(10); },
      [](int& live) -> fp::Task<> { Guard guard(live); while (true) { co_await fp::yield(); } },
      [](int& live) -> fp::Task<> { Guard guard(live); co_await wait_for_ever(live); },
      [](int& live) -> fp::Task<> { Guard guard(live); (void)co_await fp::when_all(wait_for_ever(live), wait_for_ever(live)); },
      [](int& live) -> fp::Task<> { Guard guard(live); (void)co_await fp::when_any(wait_for_ever(live), wait_for_ever(live)); },
      [](int& live) -> fp::Task<> { Guard guard(live); (void)co_await fp::with_timeout(wait_for_ever(live), 1000); },
      [](int& live) -> fp::Task<> { Guard guard(live); (void)co_await fp::with_timeout(fp::when_any(wait_for_ever(live), add_later(1, 2)), 5000); },
  };
  for (size_t i = 0; i < makers.size(); ++i) {
    CAPTURE(i);
    for (int ticks = 0; ticks < 4; ++ticks) {
      CAPTURE(ticks);
      CountingServices services;
      {
        fp::Config config;
        config.slice_us = 300;
        TaskStage stage(config, services.services());
        int live = 0;
        const fp::TaskId id = stage.tasks.start([&]() -> fp::Task<> { co_await makers[i](live); });
        stage.tick(ticks);
        stage.tasks.cancel(id);
        CHECK_EQ(live, 0);
        CHECK_EQ(stage.tasks.count(), 0);
        stage.tick(3);
      }
      CHECK_EQ(services.live_bytes(), 0);
    }
  }
}

TEST_CASE("a task may cancel itself, also from a task that it awaits: it is destroyed where it next waits") {
  TaskStage stage;
  int live = 0;
  std::string log;
  fp::TaskId own;
  auto inner = [&](int& count) -> fp::Task<> {
    Guard guard(count);
    CHECK(stage.tasks.cancel(own));
    log += "cancelled ";
    co_await fp::next_frame();
    log += "wrong ";
  };
  own = stage.tasks.start([&]() -> fp::Task<> {
    Guard guard(live);
    co_await inner(live);
    log += "wrong ";
  });
  stage.tick(3);
  CHECK_EQ(log, "cancelled ");
  CHECK_EQ(live, 0);
  CHECK_EQ(stage.tasks.count(), 0);

  own = stage.tasks.start([&]() -> fp::Task<> {
    Guard guard(live);
    CHECK(stage.tasks.cancel(own));
    co_return;  // it ends before it waits
  });
  stage.tick();
  CHECK_EQ(live, 0);
  CHECK_EQ(stage.tasks.count(), 0);
}

TEST_CASE("tasks may cancel each other while they run, and start others, also in destructors") {
  TaskStage stage;
  int live = 0;
  int started_late = 0;
  std::vector<fp::TaskId> ids;
  struct StartsAnother {
    fp::Tasks& tasks;
    int& count;
    ~StartsAnother() {
      tasks.start([](int& started) -> fp::Task<> {
        ++started;
        co_return;
      }, std::ref(count));
    }
  };
  for (int i = 0; i < 10; ++i) {
    ids.push_back(stage.tasks.start([&](int mine) -> fp::Task<> {
      Guard guard(live);
      StartsAnother last = {stage.tasks, started_late};
      co_await fp::next_frame();
      if (mine == 4) {
        for (fp::TaskId id : ids) stage.tasks.cancel(id);  // those before, itself, and those whose turn is still to come
      }
      co_await fp::next_frame();
    }, i));
  }
  stage.tick();
  CHECK_EQ(live, 10);
  stage.tick(2);
  CHECK_EQ(live, 0);
  CHECK_EQ(started_late, 10);
  CHECK_EQ(stage.tasks.count(), 0);
}

TEST_CASE("Tasks destroyed before their network destroy every frame, started or not, and give back what they took") {
  CountingServices services;
  int live = 0;
  {
    fp::Network net = make_network(unhurried(), services.services());
    const uint64_t before = services.live_bytes();
    std::optional<fp::Task<>> kept;
    {
      fp::Tasks tasks(net);
      REQUIRE(bool(tasks));
      for (int i = 0; i < 100; ++i) tasks.start(wait_for_ever, std::ref(live));
      kept = [](fp::Tasks&, Guard) -> fp::Task<> { co_return; }(tasks, Guard(live));  // never started
      net.tick({.frame = 1, .now_us = 1});
      CHECK_EQ(live, 101);
      CHECK(bool(*kept));
    }
    CHECK_EQ(live, 0);
    CHECK_FALSE(bool(*kept));
    net.tick({.frame = 2, .now_us = 2});
    kept.reset();
    CHECK_LE(services.live_bytes(), before + 64 * 1024);  // the network's own list of sources
  }
  CHECK_EQ(services.live_bytes(), 0);
}

TEST_CASE("a network destroyed before its Tasks takes their frames with it, and afterwards they refuse") {
  CountingServices services;
  int live = 0;
  std::optional<fp::Network> net = make_network({}, services.services());
  fp::Tasks tasks(*net);
  fp::Task<> kept = [](fp::Tasks&, Guard) -> fp::Task<> { co_return; }(tasks, Guard(live));
  const fp::TaskId id = tasks.start(wait_for_ever(live));
  CHECK_FALSE(bool(id));  // outside of a task nothing says whose it is
  CHECK_NE(std::string(tasks.error().text()).find("made without Tasks"), std::string::npos);
  const fp::TaskId running = tasks.start(wait_for_ever, std::ref(live));
  REQUIRE(bool(running));
  net->tick({.frame = 1, .now_us = 1});
  CHECK_EQ(live, 2);
  net.reset();
  CHECK_EQ(live, 0);
  CHECK_EQ(services.live_bytes(), 0);
  CHECK_FALSE(bool(tasks));
  CHECK_FALSE(bool(kept));
  CHECK_FALSE(tasks.is_running(running));
  CHECK_FALSE(tasks.cancel(running));
  CHECK_FALSE(bool(tasks.start(wait_for_ever, std::ref(live))));
  CHECK_EQ(tasks.error().code(), fp::ErrorCode::stale_handle);
  CHECK_FALSE(bool(tasks.listen("127.0.0.1", 0)));
  CHECK_FALSE(bool(tasks.adopt(fp::Stream())));
}

TEST_CASE("a steady state allocates nothing: frames that ended are reused, and waiting costs no memory") {
  CountingServices services;
  fp::Config config;
  config.slice_us = 1'000'000;
  TaskStage stage(config, services.services());
  int rounds = 0;
  const auto round = [&] {
    stage.tasks.start([](int& count) -> fp::Task<> {
      const auto all = co_await fp::when_all(add_later(1, 2), fp::with_timeout(add_later(3, 4), 50));
      co_await fp::sleep(20);
      count += std::get<0>(all) == 3;
    }, std::ref(rounds));
    stage.tick();
  };
  for (int i = 0; i < 20; ++i) round();
  const uint64_t before = services.allocations();
  const std::optional<uint64_t> mallocs_before = allocation_count();
  for (int i = 0; i < 500; ++i) round();
  CHECK_EQ(services.allocations(), before);
  if (mallocs_before) CHECK_EQ(*allocation_count(), *mallocs_before);
  CHECK_GT(rounds, 500);
}

TEST_CASE("tasks of two Tasks do not mix: start refuses a foreign one") {
  TaskStage a;
  TaskStage b;
  auto make = [](fp::Tasks&) -> fp::Task<> { co_return; };
  CHECK_FALSE(bool(a.tasks.start(make(b.tasks))));
  CHECK_EQ(a.tasks.error().code(), fp::ErrorCode::foreign_handle);
  CHECK(bool(b.tasks.start(make(b.tasks))));
  b.tick();
  CHECK_EQ(b.tasks.count(), 0);
}

TEST_CASE("a task that was given away is an error for who awaits or starts it, and so is one whose Tasks have gone") {
  TaskStage stage;
  std::optional<fp::Tasks> others(std::in_place, stage.net);
  auto make = [](fp::Tasks&) -> fp::Task<fp::Status> { co_return fp::Status(); };
  fp::Task<fp::Status> given = make(stage.tasks);
  fp::Task<fp::Status> orphan = make(*others);
  others.reset();
  const fp::Task<fp::Status> kept = std::move(given);
  CHECK(bool(kept));
  std::vector<fp::ErrorCode> codes;
  std::string text;
  stage.tasks.start([&]() -> fp::Task<> {
    for (fp::Task<fp::Status>* task : {&given, &orphan}) {
      const fp::Status status = co_await *task;
      codes.push_back(status.error().code());
      text = status.error().text();
    }
  });
  stage.tick();
  CHECK_EQ(codes, std::vector<fp::ErrorCode>(2, fp::ErrorCode::stale_handle));
  CHECK_NE(text.find("was given away"), std::string::npos);
  CHECK_FALSE(bool(stage.tasks.start(std::move(given))));
  CHECK_EQ(stage.tasks.error().code(), fp::ErrorCode::stale_handle);
}

TEST_CASE("a task that cannot have a frame is an error where its result can hold one, else it ends the task that awaits it") {
  // An allocator that refuses when it is told to.
  struct Refusing : CountingServices {
    Refusing() {
      static Refusing* self = nullptr;
      self = this;
      services_.allocate = [](void*, uint64_t size_bytes, uint64_t alignment) {
        return self->is_refusing ? nullptr : aligned_allocate(size_bytes, alignment);
      };
      services_.release = [](void*, void* memory, uint64_t, uint64_t) { aligned_release(memory); };
    }
    bool is_refusing = false;
  } services;
  TaskStage stage({}, services.services());
  struct Huge {
    char bytes[200'000];
  };
  // What is used after a suspension must be in the frame; clang leaves out the rest, byte by byte.
  const auto sum_of = [](const Huge& kept) { return std::accumulate(std::begin(kept.bytes), std::end(kept.bytes), 0); };
  int used = 0;
  auto huge = [&](Huge kept) -> fp::Task<> {
    co_await fp::next_frame();
    used += sum_of(kept);
  };
  auto huge_result = [&](Huge kept) -> fp::Task<fp::Result<int>> {
    co_await fp::next_frame();
    co_return sum_of(kept);
  };
  static const Huge value = {};
  std::string log;
  fp::Result<int> got = 0;
  fp::Result<int> timed = 0;
  stage.tasks.start([&]() -> fp::Task<> {
    services.is_refusing = true;
    got = co_await huge_result(value);
    timed = co_await fp::with_timeout(huge_result(value), 10);
    log += "goes on ";
    co_await huge(value);
    log += "wrong ";
  });
  stage.tick(2);
  REQUIRE_FALSE(bool(got));
  CHECK_EQ(got.error().code(), fp::ErrorCode::out_of_memory);
  REQUIRE_FALSE(bool(timed));
  CHECK_EQ(timed.error().code(), fp::ErrorCode::out_of_memory);
  CHECK_EQ(log, "goes on ");
  CHECK_EQ(stage.tasks.count(), 0);
  CHECK_FALSE(bool(stage.tasks.start(huge, value)));
  CHECK_EQ(stage.tasks.error().code(), fp::ErrorCode::out_of_memory);
  services.is_refusing = false;
}
