// SPDX-License-Identifier: MIT
//
// Listeners that tasks wait on: what becomes of the streams that nobody has taken, and who closes what.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/plain_socket.h"
#include "support/task_stage.h"

using namespace framepump::test;

TEST_CASE("a listener that outlives its Tasks closes with them, and so do the streams that nobody has taken") {
  for (bool is_dropped_at_once : {false, true}) {
    CAPTURE(is_dropped_at_once);
    fp::Network net = make_network({});
    uint64_t frame = 0;
    const auto tick = [&] {
      net.tick({.frame = ++frame, .now_us = static_cast<int64_t>(frame) * 10'000});
      net.flush();
    };
    const auto run_until = [&](const auto& condition) {
      const int64_t end_us = now_us() + 10'000'000;
      while (!condition() && now_us() < end_us) {
        tick();
        net.wait_until(now_us() + 300, fp::Until::first_data);
      }
      return condition();
    };
    std::optional<fp::Tasks> tasks(std::in_place, net);
    std::optional<fp::TaskListener> listener(std::in_place);
    fp::Result<fp::TaskListener> made = tasks->listen("127.0.0.1", 0);
    REQUIRE(bool(made));
    *listener = std::move(*made);
    const uint16_t port = listener->port();
    std::vector<PlainSocket> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(PlainSocket::connect(port));
    REQUIRE(run_until([&] { return net.totals().accepts == 3; }));
    tick();
    CHECK_EQ(net.totals().streams, 3);
    tasks.reset();
    CHECK_FALSE(bool(*listener));
    if (is_dropped_at_once) listener.reset();
    tick();
    CHECK_FALSE(PlainSocket::unconnected().try_connect_to(port));
    CHECK(run_until([&] { return net.totals().streams == 0; }));  // though the clients stay
  }
}

TEST_CASE("a stream that ends before a task takes it says why, and what it had sent can be read first") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    fp::Result<fp::TaskListener> listener = stage.tasks.listen("127.0.0.1", 0);
    REQUIRE(bool(listener));
    PlainSocket orderly = PlainSocket::connect(listener->port());
    orderly.send("last words");
    orderly.close();
    REQUIRE(stage.run_until([&] { return stage.net.totals().accepts == 1; }));
    PlainSocket cut = PlainSocket::connect(listener->port());
    REQUIRE(stage.run_until([&] { return stage.net.totals().accepts == 2; }));
    stage.tick(2);
    cut.reset();
    const auto has_closed = [&] { return stage.net.totals().closes == 2; };
    REQUIRE(stage.run_until(has_closed));
    stage.tick(3);
    std::string log;
    stage.tasks.start([&]() -> fp::Task<> {
      for (int i = 0; i < 2; ++i) {
        fp::Result<fp::TaskStream> stream = co_await listener->accept();
        if (!stream) co_return;
        const auto bytes = co_await stream->read_some();
        if (bytes) log.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
        const auto end = co_await stream->read_exactly(1);
        if (!end) log += " " + std::to_string(static_cast<uint32_t>(end.error().reason())) + ";";
      }
    });
    REQUIRE(stage.run_to_end());
    CHECK_EQ(log, "last words 2; 4;");  // closed by the peer, reset
  });
}

TEST_CASE("who waits for the same event each hears of it once, also when the table of those who wait must grow just then") {
  TaskStage stage;
  fp::Result<fp::TaskListener> made = stage.tasks.listen("127.0.0.1", 0);
  REQUIRE(bool(made));
  int told = 0;
  for (int i = 0; i < 2; ++i) {
    stage.tasks.start([&]() -> fp::Task<> {
      (void)co_await stage.tasks.event(fp::EventKind::accepted, made->get().value());
      ++told;
    });
  }
  for (uint64_t i = 1; i <= 13; ++i) {  // with these and the listener there are 16: one more makes it grow
    stage.tasks.start([&](uint64_t handle) -> fp::Task<> { (void)co_await stage.tasks.event(fp::EventKind::closed, handle); }, i);
  }
  stage.tick();
  fp::TaskListener listener = std::move(*made);  // and is now the first of its list
  const PlainSocket client = PlainSocket::connect(listener.port());
  REQUIRE(stage.run_until([&] { return told > 0; }));
  stage.tick();
  CHECK_EQ(told, 2);
  int taken = 0;
  stage.tasks.start([&]() -> fp::Task<> {
    while (co_await listener.accept()) ++taken;
  });
  stage.tick(3);
  CHECK_EQ(taken, 1);
}

TEST_CASE("streams that were accepted while their listener closed are closed too, whatever the number of listeners") {
  TaskStage stage;
  std::vector<fp::TaskListener> listeners;
  std::vector<PlainSocket> clients;
  for (int i = 0; i < 20; ++i) {
    fp::Result<fp::TaskListener> made = stage.tasks.listen("127.0.0.1", 0);
    REQUIRE(bool(made));
    listeners.push_back(std::move(*made));
  }
  stage.tick(2);
  for (const fp::TaskListener& listener : listeners) clients.push_back(PlainSocket::connect(listener.port()));
  const int64_t end_us = now_us() + 10'000'000;
  while (stage.net.totals().accepts < 20 && now_us() < end_us) stage.net.wait_until(now_us() + 1'000);  // accepted, not published
  REQUIRE_EQ(stage.net.totals().accepts, 20);
  listeners.clear();
  stage.tick();
  CHECK_EQ(stage.net.totals().streams, 20);
  CHECK(stage.run_until([&] { return stage.net.totals().streams == 0; }, 5'000));  // though the clients stay
}
