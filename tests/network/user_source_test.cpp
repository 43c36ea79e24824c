// SPDX-License-Identifier: MIT
//
// User sources: gameplay's own work, inside tick and charged to the slice. Their work costs virtual time.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/plain_pair.h"
#include "support/virtual_time.h"

using namespace framepump::test;

namespace {

// A source that notes its turns in a log shared with others, and costs time on the clock.
struct Worker {
  VirtualClock& clock;
  std::string& log;
  char letter;
  int64_t cost_us = 0;
  uint32_t outcome = FRAMEPUMP_OUTCOME_DRAINED;
  int64_t wake_at_us = INT64_MAX;
  framepump_turn last_turn = {};
  int64_t preset_wake_at_us = 0;
  std::thread::id thread = {};
  framepump_handle handle = 0;

  static uint32_t take_turn(void* self, framepump_turn* turn) {
    Worker& worker = *static_cast<Worker*>(self);
    worker.log += worker.letter;
    worker.last_turn = *turn;
    worker.preset_wake_at_us = turn->wake_at_us;
    worker.thread = std::this_thread::get_id();
    worker.clock.pass(worker.cost_us);
    turn->wake_at_us = worker.wake_at_us;
    return worker.outcome;
  }
  uint32_t add_to(TestNetwork& net, uint32_t priority = FRAMEPUMP_PRIORITY_NORMAL, uint64_t user_data = 0) {
    const framepump_source source = {sizeof(source), priority, take_turn, this, user_data, 0, 0, nullptr};
    return api().add_source(net.handle(), &source, &handle);
  }
};

// A network on virtual time in which a frame is 16 ms long, in either mode.
struct Stage {
  explicit Stage(uint32_t threaded = 0, uint32_t slice_us = 2000) : net(make_config(threaded, slice_us), clock.services()) {
    net.use_clock([this] { return frame_us += 16'000; });
  }
  static framepump_config make_config(uint32_t threaded, uint32_t slice_us) {
    framepump_config config = default_config();
    config.threaded = threaded;
    config.slice_us = slice_us;
    config.overrun_margin_us = 500;
    return config;
  }
  Worker worker(char letter, int64_t cost_us, uint32_t outcome) { return {clock, log, letter, cost_us, outcome}; }
  std::string log_of_tick() {
    log.clear();
    net.tick();
    return log;
  }

  int64_t frame_us = 0;
  VirtualClock clock;
  std::string log;
  TestNetwork net;
};

template <typename Body>
void staged_in_both_modes(Body body, uint32_t slice_us = 2000) {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    Stage stage(threaded, slice_us);
    body(stage);
  }
}

}  // namespace

TEST_CASE("a user source has its turns inside tick only, on the thread that ticks") {
  staged_in_both_modes([](Stage& stage) {
    Worker worker = stage.worker('a', 0, FRAMEPUMP_OUTCOME_DRAINED);
    REQUIRE_EQ(worker.add_to(stage.net), FRAMEPUMP_OK);
    stage.net.flush();
    api().wait_until(stage.net.handle(), stage.clock.now_us(), FRAMEPUMP_WAIT_DEADLINE);
    CHECK_EQ(stage.log, "");
    CHECK_EQ(stage.log_of_tick(), "a");
    CHECK_EQ(worker.thread, std::this_thread::get_id());
    std::thread other([&] {
      REQUIRE_EQ(api().wake_source(worker.handle), FRAMEPUMP_OK);
      stage.net.tick();
    });
    const std::thread::id other_id = other.get_id();
    other.join();
    CHECK_EQ(worker.thread, other_id);
  });
}

TEST_CASE("a drained source has no more turns until it is woken, and then one") {
  staged_in_both_modes([](Stage& stage) {
    Worker worker = stage.worker('a', 0, FRAMEPUMP_OUTCOME_DRAINED);
    REQUIRE_EQ(worker.add_to(stage.net), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "a");
    for (int i = 0; i < 3; ++i) CHECK_EQ(stage.log_of_tick(), "");
    REQUIRE_EQ(api().wake_source(worker.handle), FRAMEPUMP_OK);
    REQUIRE_EQ(api().wake_source(worker.handle), FRAMEPUMP_OK);  // twice is once
    stage.net.flush();
    CHECK_EQ(stage.log_of_tick(), "a");
    CHECK_EQ(stage.log_of_tick(), "");
  });
}

TEST_CASE("a source with more to do goes on until the slice is used up, and is told what is left of it") {
  staged_in_both_modes([](Stage& stage) {
    Worker worker = stage.worker('a', 700, FRAMEPUMP_OUTCOME_MORE);
    REQUIRE_EQ(worker.add_to(stage.net, FRAMEPUMP_PRIORITY_NORMAL), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "aaa");  // at 0, 700 and 1400 us of 2000
    CHECK_EQ(worker.last_turn.struct_size, sizeof(framepump_turn));
    CHECK_EQ(worker.last_turn.remaining_us, 600);
    CHECK_EQ(worker.last_turn.now_us, stage.frame_us);
    CHECK_EQ(worker.preset_wake_at_us, INT64_MAX);
    CHECK_EQ(stage.net.report().phase_source_us, 2100);
    CHECK_EQ(stage.net.report().tick_us, 2100);
    CHECK_EQ(stage.net.report().turns, 3);
    CHECK_EQ(stage.net.report().left_over, 1);
    CHECK_EQ(stage.net.report().overrun, 0);
  });
}

TEST_CASE("a slice of 0 gives one turn to each priority that has work") {
  staged_in_both_modes([](Stage& stage) {
    std::vector<Worker> workers;
    for (char letter : {'r', 's', 'n', 'o', 'b', 'c'}) workers.push_back(stage.worker(letter, 10, FRAMEPUMP_OUTCOME_MORE));
    for (uint32_t i = 0; i < workers.size(); ++i) REQUIRE_EQ(workers[i].add_to(stage.net, i / 2), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "rnb");
    CHECK_EQ(stage.log_of_tick(), "soc");  // who had no turn is first
    CHECK_EQ(stage.log_of_tick(), "rnb");
  }, 0);
}

TEST_CASE("the highest priority gets what is left after each had a turn, and a changed priority counts at once") {
  staged_in_both_modes([](Stage& stage) {
    Worker realtime = stage.worker('r', 500, FRAMEPUMP_OUTCOME_MORE);
    Worker normal = stage.worker('n', 500, FRAMEPUMP_OUTCOME_MORE);
    Worker bulk = stage.worker('b', 100, FRAMEPUMP_OUTCOME_MORE);
    REQUIRE_EQ(bulk.add_to(stage.net, FRAMEPUMP_PRIORITY_BULK), FRAMEPUMP_OK);
    REQUIRE_EQ(normal.add_to(stage.net, FRAMEPUMP_PRIORITY_NORMAL), FRAMEPUMP_OK);
    REQUIRE_EQ(realtime.add_to(stage.net, FRAMEPUMP_PRIORITY_REALTIME), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "rnbrr");
    REQUIRE_EQ(api().set_priority(realtime.handle, FRAMEPUMP_PRIORITY_BULK), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "nbnnn");
  });
}

TEST_CASE("sources of one priority take turns, and who is next goes first in the next frame") {
  staged_in_both_modes([](Stage& stage) {
    std::vector<Worker> workers;
    for (char letter : {'a', 'b', 'c'}) workers.push_back(stage.worker(letter, 500, FRAMEPUMP_OUTCOME_MORE));
    for (Worker& worker : workers) REQUIRE_EQ(worker.add_to(stage.net), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "abca");
    CHECK_EQ(stage.log_of_tick(), "bcab");
    CHECK_EQ(stage.log_of_tick(), "cabc");
  });
}

TEST_CASE("wake_at_us gives a turn in the first frame at or after that time, and INT64_MAX in none") {
  staged_in_both_modes([](Stage& stage) {
    Worker worker = stage.worker('a', 0, FRAMEPUMP_OUTCOME_DRAINED);
    worker.wake_at_us = 4 * 16'000;
    REQUIRE_EQ(worker.add_to(stage.net), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "a");
    CHECK_EQ(stage.log_of_tick(), "");
    CHECK_EQ(stage.log_of_tick(), "");
    worker.wake_at_us = INT64_MAX;
    CHECK_EQ(stage.log_of_tick(), "a");
    CHECK_EQ(worker.last_turn.now_us, 4 * 16'000);
    for (int i = 0; i < 10; ++i) CHECK_EQ(stage.log_of_tick(), "");
  });
}

TEST_CASE("a turn before wake_at_us replaces it") {
  staged_in_both_modes([](Stage& stage) {
    Worker worker = stage.worker('a', 0, FRAMEPUMP_OUTCOME_DRAINED);
    worker.wake_at_us = 3 * 16'000;
    REQUIRE_EQ(worker.add_to(stage.net), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "a");
    worker.wake_at_us = 5 * 16'000;
    REQUIRE_EQ(api().wake_source(worker.handle), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "a");
    CHECK_EQ(stage.log_of_tick(), "");
    CHECK_EQ(stage.log_of_tick(), "");
    CHECK_EQ(stage.log_of_tick(), "a");
  });
}

TEST_CASE("a source sees the frame's time, also when somebody pumped on since the frame before") {
  in_both_modes([](const framepump_config& config) {
    VirtualClock clock;
    std::string log;
    TestNetwork net(config);  // on the real clock, since wait_until waits on it
    net.use_clock([] { return 5'000'000; });
    Worker worker = {clock, log, 'a'};
    REQUIRE_EQ(worker.add_to(net), FRAMEPUMP_OK);
    net.tick();
    CHECK_EQ(worker.last_turn.now_us, 5'000'000);
    REQUIRE_EQ(api().wait_until(net.handle(), now_us() + 20'000, FRAMEPUMP_WAIT_DEADLINE), FRAMEPUMP_OK);
    REQUIRE_EQ(api().wake_source(worker.handle), FRAMEPUMP_OK);
    net.tick();
    CHECK_EQ(worker.last_turn.now_us, 5'000'000);
  });
}

TEST_CASE("a source that says closed is gone: no turn, and its handle is stale") {
  staged_in_both_modes([](Stage& stage) {
    Worker leaves = stage.worker('a', 0, FRAMEPUMP_OUTCOME_CLOSED);
    Worker stays = stage.worker('b', 0, FRAMEPUMP_OUTCOME_DRAINED);
    leaves.wake_at_us = 1;  // means nothing any more
    REQUIRE_EQ(leaves.add_to(stage.net), FRAMEPUMP_OK);
    REQUIRE_EQ(stays.add_to(stage.net), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "ab");
    CHECK_EQ(api().wake_source(leaves.handle), FRAMEPUMP_ERROR_STALE_HANDLE);
    CHECK_EQ(api().close(leaves.handle), FRAMEPUMP_ERROR_STALE_HANDLE);
    CHECK_EQ(api().set_priority(leaves.handle, 1), FRAMEPUMP_ERROR_STALE_HANDLE);
    CHECK_EQ(stage.log_of_tick(), "");
    CHECK_EQ(api().wake_source(stays.handle), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "b");
    CHECK_EQ(stage.net.seen().size(), 0);
  });
}

TEST_CASE("close ends a source between ticks, whether it waits for a turn, for its time or for nothing") {
  staged_in_both_modes([](Stage& stage) {
    Worker ready = stage.worker('a', 3000, FRAMEPUMP_OUTCOME_MORE);
    Worker timed = stage.worker('b', 0, FRAMEPUMP_OUTCOME_DRAINED);
    Worker idle = stage.worker('c', 0, FRAMEPUMP_OUTCOME_DRAINED);
    Worker fresh = stage.worker('d', 0, FRAMEPUMP_OUTCOME_DRAINED);
    timed.wake_at_us = 3 * 16'000;
    for (Worker* worker : {&timed, &idle, &ready}) REQUIRE_EQ(worker->add_to(stage.net), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "bca");
    REQUIRE_EQ(fresh.add_to(stage.net), FRAMEPUMP_OK);
    for (Worker* worker : {&ready, &timed, &idle, &fresh}) {
      CHECK_EQ(api().close(worker->handle), FRAMEPUMP_OK);
      CHECK_EQ(api().close(worker->handle), FRAMEPUMP_ERROR_STALE_HANDLE);
      CHECK_EQ(api().wake_source(worker->handle), FRAMEPUMP_ERROR_STALE_HANDLE);
    }
    for (int i = 0; i < 5; ++i) CHECK_EQ(stage.log_of_tick(), "");
    CHECK_EQ(stage.net.report().left_over, 0);
  });
}

TEST_CASE("a source keeps its turns and its time across mode switches") {
  Stage stage;
  Worker worker = stage.worker('a', 700, FRAMEPUMP_OUTCOME_MORE);
  Worker timed = stage.worker('t', 0, FRAMEPUMP_OUTCOME_DRAINED);
  timed.wake_at_us = 3 * 16'000;
  REQUIRE_EQ(worker.add_to(stage.net), FRAMEPUMP_OK);
  REQUIRE_EQ(timed.add_to(stage.net), FRAMEPUMP_OK);
  CHECK_EQ(stage.log_of_tick(), "ataa");
  REQUIRE_EQ(api().set_mode(stage.net.handle(), FRAMEPUMP_MODE_THREADED), FRAMEPUMP_OK);
  CHECK_EQ(stage.log_of_tick(), "aaa");
  timed.wake_at_us = INT64_MAX;
  CHECK_EQ(stage.log_of_tick(), "ataa");
  REQUIRE_EQ(api().set_mode(stage.net.handle(), FRAMEPUMP_MODE_FRAME_LOCKED), FRAMEPUMP_OK);
  CHECK_EQ(stage.log_of_tick(), "aaa");
}

TEST_CASE("an overrun names the user source that caused it, with its user data and its time") {
  staged_in_both_modes([](Stage& stage) {
    Worker quick = stage.worker('q', 10, FRAMEPUMP_OUTCOME_DRAINED);
    Worker slow = stage.worker('s', 9000, FRAMEPUMP_OUTCOME_DRAINED);
    REQUIRE_EQ(quick.add_to(stage.net), FRAMEPUMP_OK);
    REQUIRE_EQ(slow.add_to(stage.net, FRAMEPUMP_PRIORITY_NORMAL, 7), FRAMEPUMP_OK);
    REQUIRE_EQ(api().set_user_data(slow.handle, 4711), FRAMEPUMP_OK);
    CHECK_EQ(stage.log_of_tick(), "qs");
    CHECK_EQ(stage.net.report().overrun, 1);
    CHECK_EQ(stage.net.report().culprit, slow.handle);
    CHECK_EQ(stage.net.report().culprit_us, 9000);
    const SeenEvent* overrun = stage.net.find(FRAMEPUMP_EVENT_OVERRUN);
    REQUIRE(overrun != nullptr);
    CHECK_EQ(overrun->handle, slow.handle);
    CHECK_EQ(overrun->user_data, 4711);
    CHECK_EQ(overrun->value, 9010);
    CHECK_EQ(overrun->value2, 9000);
  });
}

TEST_CASE("1024 sources are the most there can be, and one that closes makes room") {
  Stage stage(0, 1'000'000);
  std::vector<Worker> workers(1025, stage.worker('a', 0, FRAMEPUMP_OUTCOME_DRAINED));
  for (uint32_t i = 0; i < 1024; ++i) REQUIRE_EQ(workers[i].add_to(stage.net), FRAMEPUMP_OK);
  CHECK_EQ(workers[1024].add_to(stage.net), FRAMEPUMP_ERROR_LIMIT_REACHED);
  CHECK_EQ(workers[1024].handle, 0);
  CHECK_EQ(stage.log_of_tick(), std::string(1024, 'a'));
  REQUIRE_EQ(api().close(workers[500].handle), FRAMEPUMP_OK);
  CHECK_EQ(workers[1024].add_to(stage.net), FRAMEPUMP_OK);
  CHECK_EQ(stage.log_of_tick(), "a");
}

TEST_CASE("a source of unknown priority is refused, and an unknown outcome is told to the assert handler and means drained") {
  static int asserts = 0;
  asserts = 0;
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.assert_failed = [](void*, const char*, const char*, int32_t) { ++asserts; };
  TestNetwork net(default_config(), &services);
  VirtualClock clock;
  std::string log;
  Worker worker = {clock, log, 'a'};
  CHECK_EQ(worker.add_to(net, 3), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(net.last_error().find("priority is 3") != std::string::npos);
  worker.outcome = 99;
  REQUIRE_EQ(worker.add_to(net), FRAMEPUMP_OK);
  net.tick();
  net.tick();
  CHECK_EQ(log, "a");
  CHECK_EQ(asserts, 1);
  CHECK_EQ(api().wake_source(worker.handle), FRAMEPUMP_OK);
}
