// SPDX-License-Identifier: MIT
//
// Coroutines over real sockets: connecting, reading, writing, accepting, and how each of them ends when the stream does.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/aligned_memory.h"
#include "support/counting_services.h"
#include "support/plain_socket.h"
#include "support/task_stage.h"

using namespace framepump::test;

namespace {

std::string to_text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Both ends of a stream in one network, each a TaskStream.
struct Ends {
  fp::TaskListener listener;
  fp::TaskStream client;
  fp::TaskStream server;

  explicit Ends(TaskStage& stage, uint32_t flags = 0) {
    fp::Result<fp::TaskListener> made = stage.tasks.listen("127.0.0.1", 0, fp::Priority::normal, flags);
    REQUIRE(bool(made));
    listener = std::move(*made);
    stage.tasks.start([&]() -> fp::Task<> {
      fp::Result<fp::TaskStream> connected = co_await stage.tasks.connect("127.0.0.1", listener.port(), fp::Priority::normal, flags);
      if (connected) client = std::move(*connected);
      fp::Result<fp::TaskStream> accepted = co_await listener.accept();
      if (accepted) server = std::move(*accepted);
    });
    REQUIRE(stage.run_to_end());
    REQUIRE(bool(client));
    REQUIRE(bool(server));
  }
};

}  // namespace

TEST_CASE("what is there in a tick reaches its task in that tick") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    Ends ends(stage);
    std::string got;
    uint64_t got_in_frame = 0;
    stage.tasks.start([&]() -> fp::Task<> {
      const auto bytes = co_await ends.server.read_exactly(5);
      if (bytes) got = to_text(*bytes);
      got_in_frame = stage.frame;
    });
    stage.tick();
    ends.client.get().write("hello");
    stage.net.flush();
    uint64_t available_in_frame = 0;
    REQUIRE(stage.run_until([&] {
      if (available_in_frame == 0 && ends.server.get().available() == 5) available_in_frame = stage.frame;
      return stage.tasks.count() == 0;
    }));
    CHECK_EQ(got, "hello");
    CHECK_EQ(got_in_frame, available_in_frame);
  });
}

TEST_CASE("two Tasks of one network miss no event, however short the slice and however busy both are") {
  staged_in_all([](fp::Config config) {
    config.slice_us = 0;
    TaskStage stage(config);
    fp::Tasks more(stage.net);
    REQUIRE(bool(more));
    int echoed = 0;
    int running = 0;
    for (fp::Tasks* tasks : {&stage.tasks, &more}) {
      tasks->start([]() -> fp::Task<> {
        while (true) co_await fp::yield();  // there is always more to do
      });
      fp::Result<fp::TaskListener> listener = tasks->listen("127.0.0.1", 0);
      REQUIRE(bool(listener));
      const uint16_t port = listener->port();
      tasks->start([](fp::TaskListener& accepting) -> fp::Task<> {
        while (true) {
          const fp::Result<fp::TaskStream> stream = co_await accepting.accept();
          if (!stream) co_return;  // each is closed at once
        }
      }, std::move(*listener));
      for (int i = 0; i < 4; ++i, ++running) {
        tasks->start([&](fp::Tasks& own, uint16_t to) -> fp::Task<> {
          for (int n = 0; n < 3; ++n) {
            fp::Result<fp::TaskStream> stream = co_await own.connect("127.0.0.1", to);
            if (!stream) continue;
            const auto end = co_await stream->read_some();
            echoed += !end && end.error().reason() == fp::Reason::closed_by_peer;
          }
          --running;
        }, std::ref(*tasks), port);
      }
    }
    REQUIRE(stage.run_until([&] { return running == 0; }, 5'000));
    CHECK_EQ(echoed, 24);
  });
}

TEST_CASE("a stream that connects and ends in one tick is one that connected: what it brought is read, and why it ended is told") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    PlainSocket listener = PlainSocket::listen();
    std::string got;
    fp::Reason reason = fp::Reason::none;
    stage.tasks.start([&]() -> fp::Task<> {
      fp::Result<fp::TaskStream> stream = co_await stage.tasks.connect("127.0.0.1", static_cast<uint16_t>(listener.port()));
      if (!stream) co_return;
      const auto line = co_await stream->read_until('\n');
      if (line) got = *line;
      const auto end = co_await stream->read_some();
      if (!end) reason = end.error().reason();
    });
    stage.tick();
    if (config.threaded == 0) stage.net.flush();
    PlainSocket peer = listener.accept();
    peer.send("bye\n");
    peer.close();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // all of it is there, or published, in one tick
    REQUIRE(stage.run_until([&] { return stage.tasks.count() == 0; }));
    CHECK_EQ(got, "bye");
    CHECK_EQ(reason, fp::Reason::closed_by_peer);
  });
}

TEST_CASE("a connect that is refused says why, and one to no address says so") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    std::vector<fp::Error> errors;
    stage.tasks.start([&]() -> fp::Task<> {
      const auto refused = co_await stage.tasks.connect("127.0.0.1", 1);
      if (!refused) errors.push_back(refused.error());
      const auto nonsense = co_await stage.tasks.connect("127.0.0.1", 0);
      if (!nonsense) errors.push_back(nonsense.error());
      const auto given = co_await stage.tasks.opened(fp::Error(fp::ErrorCode::limit_reached, "given"));
      if (!given) errors.push_back(given.error());
    });
    REQUIRE(stage.run_to_end());
    REQUIRE_EQ(errors.size(), 3);
    CHECK_EQ(errors[0].code(), fp::ErrorCode::closed);
    CHECK_EQ(errors[0].reason(), fp::Reason::refused);
    CHECK_NE(std::string(errors[0].text()).find("refused (127.0.0.1:1"), std::string::npos);
    CHECK_EQ(errors[1].code(), fp::ErrorCode::invalid_argument);
    CHECK_NE(std::string(errors[1].text()).find("port is 0"), std::string::npos);
    CHECK_EQ(errors[2].code(), fp::ErrorCode::limit_reached);
  });
}

TEST_CASE("reads give exact sizes, lines and what is there, then the rest, and then the reason of the end") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    Ends ends(stage);
    std::vector<std::string> log;
    const auto note = [&log](const auto& result, const std::string& text) {
      log.push_back(result ? text : std::to_string(static_cast<uint32_t>(result.error().code())) + ":" +
                                        std::to_string(static_cast<uint32_t>(result.error().reason())));
    };
    stage.tasks.start([&]() -> fp::Task<> {
      for (int i = 0; i < 3; ++i) {
        const auto line = co_await ends.server.read_until('\n', 10);
        note(line, line ? std::string(*line) : "");
      }
      const auto too_long = co_await ends.server.read_until('\n', 10);
      note(too_long, "");
      const auto exact = co_await ends.server.read_exactly(12);
      note(exact, exact ? to_text(*exact) : "");
      const auto some = co_await ends.server.read_some();
      note(some, some ? to_text(*some) : "");
      const auto nothing = co_await ends.server.read_exactly(0);
      note(nothing, "");
      const auto huge = co_await ends.server.read_exactly(uint64_t{1} << 40);
      note(huge, "");
      const auto rest = co_await ends.server.read_exactly(6);
      note(rest, "");
      const auto line = co_await ends.server.read_until('\n');
      note(line, "");
      const auto four = co_await ends.server.read_exactly(4);
      note(four, four ? to_text(*four) : "");
      const auto end = co_await ends.server.read_some();
      note(end, "");
    });
    stage.tasks.start([&]() -> fp::Task<> {
      for (const char* piece : {"first\nse", "cond\n", "\nthis line is", " more\n"}) {
        (void)co_await ends.client.write_all(piece);
        co_await fp::sleep(30);
      }
      while (log.size() < 6) co_await fp::next_frame();  // " more\n" was read by itself
      (void)co_await ends.client.write_all("rest");
      ends.client.close();
    });
    REQUIRE(stage.run_to_end());
    const std::string closed_by_peer = "5:2";
    CHECK_EQ(log, std::vector<std::string>{"first", "second", "", "8:0", "this line is", " more\n", "1:0", "8:0", closed_by_peer,
                                           closed_by_peer, "rest", closed_by_peer});
  });
}

TEST_CASE("read_until leaves lines of a backlog where they are, and neither its limit nor the backlog makes them too large") {
  staged_in_all([](fp::Config config) {
    config.budget_kib = 1024;
    config.receive_limit_kib = 128;  // the largest peek is a sixteenth of the budget, 64 KiB
    TaskStage stage(config);
    Ends ends(stage);
    constexpr int kLines = 9'000;
    std::string sent;
    for (int i = 0; i < kLines; ++i) sent += std::to_string(10'000'000 + i) + '\n';
    stage.tasks.start([&]() -> fp::Task<> { (void)co_await ends.client.write_all(sent); });
    REQUIRE(stage.run_until([&] { return ends.server.get().available() > 70'000; }));
    int right = 0;
    int moved = 0;
    fp::Error error;
    stage.tasks.start([&]() -> fp::Task<> {
      const std::byte* next = ends.server.get().front().data();
      uint64_t left_in_run = ends.server.get().front().size();
      for (int i = 0; i < kLines; ++i) {
        const auto line = co_await ends.server.read_until('\n', 100'000);
        if (!line) {
          error = line.error();
          co_return;
        }
        right += *line == std::to_string(10'000'000 + i);
        moved += left_in_run > line->size() && reinterpret_cast<const std::byte*>(line->data()) != next;
        const std::span<const std::byte> run = ends.server.get().front();  // of which the line is still the first part
        next = run.data() + line->size() + 1;
        left_in_run = run.size() - std::min<uint64_t>(run.size(), line->size() + 1);
      }
    });
    REQUIRE(stage.run_to_end());
    CHECK_EQ(std::string(error.text()), "");
    CHECK_EQ(right, kLines);
    CHECK_EQ(moved, 0);
  });
}

TEST_CASE("a view stays where it is and unchanged until the next read, however much comes meanwhile, also across blocks") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    Ends ends(stage);
    bool is_same = false;
    constexpr uint64_t kBytes = 3'000;  // across a seam of small blocks
    stage.tasks.start([&]() -> fp::Task<> {
      (void)co_await ends.server.read_exactly(100);
      const auto view = co_await ends.server.read_exactly(kBytes);
      if (!view) co_return;
      const std::string before = to_text(*view);
      for (int i = 0; i < 30; ++i) co_await fp::next_frame();
      is_same = to_text(*view) == before && before == pattern(1, 100, kBytes);
      const auto next = co_await ends.server.read_exactly(kBytes);
      is_same = is_same && next && to_text(*next) == pattern(1, 100 + kBytes, kBytes);
    });
    stage.tasks.start([&]() -> fp::Task<> {
      const std::string all = pattern(1, 0, 200'000);
      for (uint64_t at = 0; at < all.size(); at += 1'700) {
        (void)co_await ends.client.write_all(std::string_view(all).substr(at, 1'700));
        if (at % 17'000 == 0) co_await fp::next_frame();
      }
    });
    REQUIRE(stage.run_to_end());
    CHECK(is_same);
  });
}

TEST_CASE("write_all waits for room and sends in pieces what never fits, and the messages of several tasks do not mix") {
  staged_in_all([](fp::Config config) {
    config.send_limit_kib = 64;
    config.receive_limit_kib = 256;
    TaskStage stage(config);
    Ends ends(stage);
    constexpr uint64_t kMessages = 40;
    constexpr uint64_t kLargeBytes = 700'000;  // ten times of what fits
    uint32_t sent = 0;
    const auto write = [&](char letter, uint64_t size_bytes) -> fp::Task<> {
      const std::string message = std::string(size_bytes - 1, letter) + '.';
      sent += bool(co_await ends.client.write_all(message));
    };
    for (uint64_t i = 0; i < kMessages; ++i) {
      stage.tasks.start([&](uint64_t at) -> fp::Task<> {
        co_await write(static_cast<char>('a' + at % 26), at % 10 == 3 ? kLargeBytes : 20'000);
      }, i);
    }
    uint64_t whole = 0;
    stage.tasks.start([&]() -> fp::Task<> {
      for (uint64_t i = 0; i < kMessages; ++i) {
        std::string message;
        while (message.empty() || message.back() != '.') {
          const auto bytes = co_await ends.server.read_exactly(message.size() % 4'000 == 0 ? 4'000 : 1);
          if (!bytes) co_return;
          message += to_text(*bytes);
        }
        whole += message.find_first_not_of(message[0]) == message.size() - 1;
      }
    });
    REQUIRE(stage.run_to_end());
    CHECK_EQ(sent, kMessages);
    CHECK_EQ(whole, kMessages);
  });
}

TEST_CASE("several readers of one stream get whole messages, in the order in which they asked") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    Ends ends(stage);
    std::string order;
    std::vector<fp::TaskId> ids;
    for (char name : {'a', 'b', 'c', 'd'}) {
      ids.push_back(stage.tasks.start([&](char mine) -> fp::Task<> {
        const auto line = co_await ends.server.read_until('\n');
        order += line ? std::string(1, mine) + std::string(*line) + " " : std::string("! ");
      }, name));
    }
    stage.tick();
    CHECK(stage.tasks.cancel(ids[1]));
    ends.client.get().write("1");
    stage.tick(3);
    ends.client.get().write("1\n22\n33\n");
    REQUIRE(stage.run_to_end());
    CHECK_EQ(order, "a11 c22 d33 ");
  });
}

TEST_CASE("a task that waits on a stream hears of its end with the reason, whatever it waits for") {
  staged_in_all([](fp::Config config) {
    config.send_limit_kib = 64;
    for (const char* how : {"reset by the peer", "aborted here", "closed here", "dropped here"}) {
      CAPTURE(std::string(how));
      TaskStage stage(config);
      Ends ends(stage);
      std::optional<fp::TaskStream> server = std::move(ends.server);
      std::vector<fp::Reason> reasons;
      for (int i = 0; i < 4; ++i) {
        stage.tasks.start([&](int wait) -> fp::Task<> {
          fp::Error error;
          const std::string much(4'000'000, 'x');
          if (wait == 0) error = (co_await server->read_exactly(10)).error();
          if (wait == 1) error = (co_await server->read_until('\n')).error();
          if (wait == 2) error = (co_await server->read_some()).error();
          if (wait == 3) {
            const fp::Status status = co_await server->write_all(much);
            error = status.error();
          }
          CHECK_EQ(error.code(), fp::ErrorCode::closed);
          reasons.push_back(error.reason());
        }, i);
      }
      stage.tick(3);
      CHECK_EQ(stage.tasks.count(), 4);
      fp::Reason expected = fp::Reason::closed_here;
      if (how[0] == 'r') {
        ends.client.abort();
        expected = fp::Reason::reset;
      } else if (how[0] == 'a') {
        server->abort();
        expected = fp::Reason::aborted_here;
      } else if (how[0] == 'c') {
        server->close();
      } else {
        server.reset();
      }
      REQUIRE(stage.run_to_end());
      for (fp::Reason reason : reasons) CHECK_EQ(static_cast<uint32_t>(reason), static_cast<uint32_t>(expected));
    }
  });
}

TEST_CASE("a stream may be moved while tasks wait on it, and they go on with it") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    Ends ends(stage);
    std::string got;
    for (int i = 0; i < 2; ++i) {
      stage.tasks.start([&]() -> fp::Task<> {
        const auto line = co_await ends.server.read_until('\n');
        got += line ? std::string(*line) + "," : std::string("!");
      });
    }
    stage.tick();
    fp::TaskStream moved = std::move(ends.server);
    ends.server = fp::TaskStream();
    ends.client.get().write("one\ntw");
    stage.tick(5);
    fp::TaskStream again;
    again = std::move(moved);
    ends.client.get().write("o\n");
    REQUIRE(stage.run_to_end());
    CHECK_EQ(got, "one,two,");
  });
}

TEST_CASE("accept gives streams in order, keeps those that nobody has taken yet, and ends with its listener") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    fp::Result<fp::TaskListener> made = stage.tasks.listen("127.0.0.1", 0);
    REQUIRE(bool(made));
    std::optional<fp::TaskListener> listener = std::move(*made);
    std::vector<PlainSocket> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(PlainSocket::connect(listener->port()));
    REQUIRE(stage.run_until([&] { return stage.net.totals().accepts == 40; }));
    stage.tick(2);
    int taken = 0;
    int ended = 0;
    for (int i = 0; i < 10; ++i) {
      stage.tasks.start([&]() -> fp::Task<> {
        while (true) {
          fp::Result<fp::TaskStream> stream = co_await listener->accept();
          if (!stream) {
            CHECK_EQ(stream.error().code(), fp::ErrorCode::closed);
            ++ended;
            co_return;
          }
          ++taken;
        }
      });
    }
    REQUIRE(stage.run_until([&] { return taken == 40; }));
    for (int i = 0; i < 5; ++i) clients.push_back(PlainSocket::connect(listener->port()));
    REQUIRE(stage.run_until([&] { return taken == 45; }));
    CHECK_EQ(ended, 0);
    for (int i = 0; i < 3; ++i) clients.push_back(PlainSocket::connect(listener->port()));
    listener.reset();
    stage.tick(2);
    CHECK_EQ(ended, 10);
    REQUIRE(stage.run_until([&] { return stage.net.totals().streams == 0; }));
  });
}

TEST_CASE("a task cancelled while it waits on a socket leaves no trace: the next one gets what it waited for") {
  staged_in_all([](fp::Config config) {
    config.send_limit_kib = 64;
    CountingServices services;
    {
      TaskStage stage(config, services.services());
      Ends ends(stage);
      int live = 0;
      const std::string much(3'000'000, 'x');
      using Maker = std::function<fp::Task<>(int&)>;
      const std::vector<Maker> makers = {
          [&](int& count) -> fp::Task<> { Guard guard(count); (void)co_await ends.server.read_exactly(10); },
          [&](int& count) -> fp::Task<> { Guard guard(count); (void)co_await ends.server.read_until('\n'); },
          [&](int& count) -> fp::Task<> { Guard guard(count); (void)co_await ends.server.read_some(); },
          [&](int& count) -> fp::Task<> { Guard guard(count); (void)co_await ends.server.write_all(much); },
          [&](int& count) -> fp::Task<> { Guard guard(count); (void)co_await ends.listener.accept(); },
          [&](int& count) -> fp::Task<> { Guard guard(count); (void)co_await stage.tasks.connect("127.0.0.1", ends.listener.port()); },
          [&](int& count) -> fp::Task<> { Guard guard(count); (void)co_await stage.tasks.event(fp::EventKind::closed, ends.server.get().value()); },
          [&](int& count) -> fp::Task<> {
            Guard guard(count);
            auto read = [&]() -> fp::Task<fp::Status> {
              const auto bytes = co_await ends.server.read_exactly(10);
              co_return bytes ? fp::Status() : fp::Status(bytes.error());
            };
            (void)co_await fp::with_timeout(read(), 100'000);
          },
      };
      for (size_t i = 0; i < makers.size(); ++i) {
        CAPTURE(i);
        for (int ticks = 0; ticks < 3; ++ticks) {
          std::vector<fp::TaskId> ids;
          for (int n = 0; n < 3; ++n) ids.push_back(stage.tasks.start([&]() -> fp::Task<> { co_await makers[i](live); }));
          stage.tick(ticks);
          for (size_t n : {1u, 0u, 2u}) stage.tasks.cancel(ids[n]);
          CHECK_EQ(live, 0);
          CHECK_EQ(stage.tasks.count(), 0);
        }
      }
      std::string got;
      stage.tasks.start([&]() -> fp::Task<> {
        while (true) {  // what the cancelled writer had sent
          const auto bytes = co_await ends.client.read_some();
          if (!bytes || to_text(*bytes).find('!') != std::string::npos) co_return;
        }
      });
      stage.tasks.start([&]() -> fp::Task<> {
        (void)co_await ends.server.write_all("!");
        const auto line = co_await ends.server.read_until('\n');
        if (line) got = *line;
      });
      ends.client.get().write("for the next\n");
      REQUIRE(stage.run_to_end());
      CHECK_EQ(got, "for the next");
    }
    CHECK_EQ(services.live_bytes(), 0);
  });
}

TEST_CASE("a task that cancels itself does not come past its next co_await, also when there is nothing to wait for") {
  TaskStage stage;
  Ends ends(stage);
  ends.client.get().write("some bytes");
  REQUIRE(stage.run_until([&] { return ends.server.get().available() == 10; }));
  int live = 0;
  int went_on = 0;
  fp::TaskId own;
  using Maker = std::function<fp::Task<>()>;
  fp::TaskStream none;
  const std::vector<Maker> makers = {
      [&]() -> fp::Task<> { Guard guard(live); stage.tasks.cancel(own); (void)co_await ends.server.read_some(); ++went_on; },
      [&]() -> fp::Task<> { Guard guard(live); stage.tasks.cancel(own); (void)co_await ends.server.read_exactly(3); ++went_on; },
      [&]() -> fp::Task<> { Guard guard(live); stage.tasks.cancel(own); (void)co_await ends.server.write_all("x"); ++went_on; },
      [&]() -> fp::Task<> { Guard guard(live); stage.tasks.cancel(own); (void)co_await ends.server.opened(); ++went_on; },
      [&]() -> fp::Task<> { Guard guard(live); stage.tasks.cancel(own); (void)co_await none.read_some(); ++went_on; },
      [&]() -> fp::Task<> {
        Guard guard(live);
        fp::Task<fp::Status> given = [](fp::Tasks&) -> fp::Task<fp::Status> { co_return fp::Status(); }(stage.tasks);
        const fp::Task<fp::Status> kept = std::move(given);
        stage.tasks.cancel(own);
        (void)co_await given;
        ++went_on;
      },
  };
  for (size_t i = 0; i < makers.size(); ++i) {
    CAPTURE(i);
    own = stage.tasks.start([&]() -> fp::Task<> { co_await makers[i](); });
    stage.tick(2);
    CHECK_EQ(went_on, 0);
    CHECK_EQ(live, 0);
    CHECK_EQ(stage.tasks.count(), 0);
  }
  // Nobody stands in the way of those that come after.
  std::string got;
  stage.tasks.start([&]() -> fp::Task<> {
    const auto bytes = co_await ends.server.read_exactly(10);
    if (bytes && co_await ends.server.write_all("x")) got = to_text(*bytes);
  });
  stage.tick(2);
  CHECK_EQ(got, "some bytes");
}

TEST_CASE("a stream and a listener may outlive their Tasks and their network") {
  for (bool network_first : {false, true}) {
    CAPTURE(network_first);
    std::optional<TaskStage> stage(std::in_place);
    std::optional<Ends> ends(std::in_place, *stage);
    int live = 0;
    stage->tasks.start([](int& count, fp::TaskStream& server) -> fp::Task<> {
      Guard guard(count);
      (void)co_await server.read_some();
    }, std::ref(live), std::ref(ends->server));
    stage->tick();
    CHECK_EQ(live, 1);
    if (network_first) stage->net = make_network({});  // the old one goes with the temporary
    stage.reset();
    CHECK_EQ(live, 0);
    CHECK_FALSE(bool(ends->server));
    CHECK_FALSE(bool(ends->listener));
    fp::TaskStream moved = std::move(ends->client);
    ends.reset();
    moved.close();
  }
}

TEST_CASE("event waits for one kind of event about one handle") {
  TaskStage stage;
  Ends ends(stage);
  std::string log;
  const framepump_handle handle = ends.client.get().value();
  (void)ends.client.get().set_user_data(77);
  stage.tasks.start([&]() -> fp::Task<> {
    const fp::Event event = co_await stage.tasks.event(fp::EventKind::closed, handle);
    log = std::to_string(event.user_data) + " " + std::to_string(event.reason) + " " + (event.text != nullptr ? "text" : "none");
  });
  stage.tick(2);
  CHECK_EQ(log, "");
  ends.server.abort();
  REQUIRE(stage.run_to_end());
  CHECK_EQ(log, "77 4 text");
}

TEST_CASE("a task may wait for an event of other Tasks, goes on among its own, and hears of their end") {
  TaskStage stage;
  Ends ends(stage);
  std::optional<fp::Tasks> others(std::in_place, stage.net);
  std::optional<fp::Network> gone = make_network({});
  fp::Tasks closed(*gone);
  gone.reset();
  std::vector<uint32_t> kinds;
  bool is_among_its_own = true;
  const auto note = [&](const fp::Event& event) {
    kinds.push_back(event.kind);
    is_among_its_own = is_among_its_own && fp::detail::task_context.core == stage.tasks.task_core();
  };
  stage.tasks.start([&]() -> fp::Task<> {
    note(co_await others->event(fp::EventKind::closed, ends.client.get().value()));
    note(co_await closed.event(fp::EventKind::closed, ends.client.get().value()));
    note(co_await others->event(fp::EventKind::closed, ends.listener.get().value()));
  });
  stage.tick(2);
  ends.server.abort();
  REQUIRE(stage.run_until([&] { return kinds.size() == 2; }, 5'000));
  stage.tick(2);
  others.reset();
  REQUIRE(stage.run_until([&] { return stage.tasks.count() == 0; }, 5'000));
  CHECK_EQ(kinds, std::vector<uint32_t>{FRAMEPUMP_EVENT_CLOSED, 0, 0});
  CHECK(is_among_its_own);
}

TEST_CASE("a stream that exists already may become the tasks' own") {
  TaskStage stage;
  Ends ends(stage);
  const fp::Result<fp::Stream> plain = stage.net.connect("127.0.0.1", ends.listener.port());
  REQUIRE(bool(plain));
  std::string got;
  stage.tasks.start([&]() -> fp::Task<> {
    fp::TaskStream stream = stage.tasks.adopt(*plain);
    if (!co_await stream.opened()) co_return;
    (void)co_await stream.write_all("adopted\n");
    fp::Result<fp::TaskStream> server = co_await ends.listener.accept();
    const auto line = co_await server->read_until('\n');
    if (line) got = *line;
  });
  REQUIRE(stage.run_to_end());
  CHECK_EQ(got, "adopted");
}

namespace {

// A reader as read_message wants it: messages of four bytes.
class FourByteReader {
 public:
  enum class State : uint8_t { not_yet, ended, gone };
  explicit FourByteReader(fp::Stream stream) : stream_(stream) {}

  std::optional<std::string_view> next() {
    if (taken_bytes_ > 0) (void)stream_.consume(std::exchange(taken_bytes_, 0));
    const fp::Result<std::span<const std::byte>> bytes = stream_.try_peek(4);
    if (!bytes) {
      state_ = bytes.error().code() == fp::ErrorCode::not_yet ? State::not_yet : State::ended;
      return std::nullopt;
    }
    taken_bytes_ = 4;
    return std::string_view(reinterpret_cast<const char*>(bytes->data()), 4);
  }
  State state() const { return state_; }
  fp::Error error() const { return fp::Error(fp::ErrorCode::closed, "the reader's own words"); }

 private:
  fp::Stream stream_;
  uint64_t taken_bytes_ = 0;
  State state_ = State::not_yet;
};

}  // namespace

TEST_CASE("read_message gives the messages of a reader, and at the end its words and the stream's reason") {
  staged_in_all([](const fp::Config& config) {
    TaskStage stage(config);
    Ends ends(stage);
    std::string got;
    fp::Error error;
    stage.tasks.start([&]() -> fp::Task<> {
      FourByteReader reader(ends.server.get());
      while (true) {
        const auto message = co_await ends.server.read_message(reader);
        if (!message) {
          error = message.error();
          co_return;
        }
        got += std::string(*message) + ",";
        co_await fp::next_frame();
      }
    });
    stage.tasks.start([&]() -> fp::Task<> {
      for (const char* piece : {"onetw", "o 3", "", "44", "44.55"}) {
        (void)co_await ends.client.write_all(piece);
        co_await fp::sleep(20);
      }
      ends.client.close();
    });
    REQUIRE(stage.run_to_end());
    CHECK_EQ(got, "onet,wo 3,4444,");
    CHECK_EQ(std::string(error.text()), "the reader's own words");
    CHECK_EQ(static_cast<uint32_t>(error.reason()), static_cast<uint32_t>(fp::Reason::closed_by_peer));
  });
}

TEST_CASE("every allocation that tasks ask for may fail: nothing crashes, nothing leaks, and what works goes on") {
  // Refuses the n-th allocation after begin(), or every one from there on.
  struct Refusing {
    framepump_services services = {};
    int64_t asked = -1;
    int64_t first = 0;
    int64_t last = 0;
    uint64_t live_bytes = 0;
    Refusing() {
      services.struct_size = sizeof(services);
      services.user = this;
      services.allocate = [](void* self, uint64_t size_bytes, uint64_t alignment) {
        Refusing& r = *static_cast<Refusing*>(self);
        if (r.asked >= 0 && r.asked++ >= r.first && r.asked <= r.last) return static_cast<void*>(nullptr);
        r.live_bytes += size_bytes;
        return aligned_allocate(size_bytes, alignment);
      };
      services.release = [](void* self, void* memory, uint64_t size_bytes, uint64_t) {
        if (memory != nullptr) static_cast<Refusing*>(self)->live_bytes -= size_bytes;
        aligned_release(memory);
      };
      services.log = [](void*, uint32_t, const char*) {};
    }
  };
  fp::Config config;
  config.stall_takeover_ms = 0;  // one thread: the counts are plain
  config.slice_us = 1'000'000;
  constexpr int kClients = 9;
  int64_t allocations = 1;
  int complete = 0;
  for (int64_t first = -1; first < allocations; ++first) {
    for (bool for_good : {false, true}) {
      CAPTURE(first);
      CAPTURE(for_good);
      Refusing refusing;
      refusing.first = first;
      refusing.last = first < 0 ? -1 : for_good ? INT64_MAX : first + 1;
      {
        fp::Network net = make_network(config, &refusing.services);
        refusing.asked = 0;
        fp::Tasks tasks(net);
        int echoed = 0;
        auto serve = [](fp::Tasks&, fp::TaskStream stream) -> fp::Task<> {
          while (true) {
            const auto line = co_await stream.read_until('\n');
            if (!line) co_return;
            const std::string answer = std::string(*line) + "\n";
            if (!co_await stream.write_all(answer)) co_return;
          }
        };
        fp::Result<fp::TaskListener> listener = tasks.listen("127.0.0.1", 0);
        if (listener) {
          tasks.start([&]() -> fp::Task<> {
            while (true) {
              fp::Result<fp::TaskStream> stream = co_await listener->accept();
              if (!stream) co_return;
              tasks.start(serve(tasks, std::move(*stream)));
            }
          });
          for (int i = 0; i < kClients; ++i) {  // enough for the lists to grow
            tasks.start([&]() -> fp::Task<> {
              fp::Result<fp::TaskStream> stream = co_await fp::with_timeout(tasks.connect("127.0.0.1", listener->port()), 500);
              if (!stream || !co_await stream->write_all("hello there\n")) co_return;
              const auto line = co_await stream->read_until('\n');
              echoed += line && *line == "hello there";
            });
          }
        }
        for (int i = 1; i <= (first < 0 ? 300 : 30) && echoed < kClients; ++i) {
          net.tick({.frame = static_cast<uint64_t>(i), .now_us = i * 10'000});
          net.flush();
          net.wait_until(now_us() + 100, fp::Until::first_data);
        }
        complete += echoed == kClients;
        if (first < 0) {
          CHECK_EQ(echoed, kClients);
          allocations = refusing.asked;
        }
        refusing.asked = -1;
      }
      if (first < 0 && for_good) MESSAGE("allocations: ", allocations);
      CHECK_EQ(refusing.live_bytes, 0);
    }
  }
  MESSAGE("allocations: ", allocations, ", complete runs: ", complete);
  CHECK_GT(allocations, 5);
}
