// SPDX-License-Identifier: MIT
//
// What no task may do ends the program with a message, and not in some other way later. In processes of their own.
#include <doctest/doctest.h>
#include <framepump/coroutines.hpp>
#include <signal.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>

#include "support/child_process.h"

using namespace framepump::test;

namespace {

namespace fp = framepump;

// A network, its tasks and three ticks between which something is done. It is no doctest's, since it lives in the child.
struct Play {
  fp::Network net;
  std::optional<fp::Tasks> tasks;
  std::optional<fp::Task<>> kept;
  uint64_t frame = 0;

  Play() : net(*fp::Network::create(fp::Api::linked())), tasks(std::in_place, net) {}
  void tick() { net.tick({.frame = ++frame, .now_us = static_cast<int64_t>(frame) * 10'000}); }
};

fp::Task<> sleep_long(fp::Tasks&) { co_await fp::sleep(1'000'000); }

struct Ending {
  int status = 0;
  std::string text;  // what it said on its way
};

Ending ending_of(const std::function<void(Play&)>& body) {
  int ends[2] = {-1, -1};
  REQUIRE_EQ(pipe(ends), 0);
  ChildProcess child([&] {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    Play play;
    body(play);
    return 0;
  });
  close(ends[1]);
  Ending ending;
  char buffer[1024];
  for (ssize_t taken = 0; (taken = read(ends[0], buffer, sizeof(buffer))) > 0;) ending.text.append(buffer, static_cast<size_t>(taken));
  close(ends[0]);
  ending.status = child.exit_status();
  return ending;
}

void check_refused(const char* what, const std::function<void(Play&)>& body) {
  const Ending ending = ending_of(body);
  CAPTURE(ending.text);
  CHECK_EQ(ending.status, -SIGABRT);
  CHECK_NE(ending.text.find(what), std::string::npos);
}

}  // namespace

TEST_CASE("a task that goes while another awaits it ends the program, whoever drops it") {
  constexpr char kText[] = "framepump: a Task was destroyed while another task awaited it";
  const auto await_kept = [](Play& play) {
    play.tasks->start([&play]() -> fp::Task<> { co_await *play.kept; });
    play.tick();
  };
  SUBCASE("dropped from outside") {
    check_refused(kText, [&](Play& play) {
      play.kept = sleep_long(*play.tasks);
      await_kept(play);
      play.kept.reset();
      play.tick();
    });
  }
  SUBCASE("replaced by another") {
    check_refused(kText, [&](Play& play) {
      play.kept = sleep_long(*play.tasks);
      await_kept(play);
      *play.kept = sleep_long(*play.tasks);
      play.tick();
    });
  }
  SUBCASE("dropped from within") {
    check_refused(kText, [&](Play& play) {
      play.kept = [](fp::Tasks&, Play& own) -> fp::Task<> {
        own.kept.reset();
        co_await fp::next_frame();
      }(*play.tasks, play);
      await_kept(play);
      play.tick();
    });
  }
  SUBCASE("dropped from within one that it awaits") {
    check_refused(kText, [&](Play& play) {
      play.kept = [](fp::Tasks&, Play& own) -> fp::Task<> {
        auto drop = [](Play& whose) -> fp::Task<> {
          whose.kept.reset();
          co_await fp::next_frame();
        };
        (void)co_await fp::when_all(drop(own), drop(own));
      }(*play.tasks, play);
      await_kept(play);
      play.tick();
    });
  }
}

TEST_CASE("a task that nobody awaits, or that is done, may go at any time, and one that is awaited with its started task") {
  const Ending ending = ending_of([](Play& play) {
    play.kept = sleep_long(*play.tasks);
    play.kept = [](fp::Tasks&) -> fp::Task<> { co_return; }(*play.tasks);
    play.tasks->start([&play]() -> fp::Task<> {
      co_await *play.kept;
      co_await fp::next_frame();
      play.kept.reset();
    });
    for (int i = 0; i < 4; ++i) play.tick();
    play.kept = sleep_long(*play.tasks);
    const fp::TaskId id = play.tasks->start([&play]() -> fp::Task<> { co_await *play.kept; });
    play.tick();
    play.tasks->cancel(id);
    if (play.kept && *play.kept) _exit(3);
    play.kept.reset();
    play.kept = sleep_long(*play.tasks);
    play.tasks->start([&play]() -> fp::Task<> { co_await *play.kept; });
    play.tick();
    play.tasks.reset();
  });
  CHECK_EQ(ending.status, 0);
  CHECK_EQ(ending.text, "");
}

TEST_CASE("Tasks that one of their own tasks destroys end the program") {
  check_refused("framepump: Tasks were destroyed by one of their own tasks", [](Play& play) {
    play.tasks->start([&play]() -> fp::Task<> {
      play.tasks.reset();
      co_return;
    });
    play.tick();
  });
}
