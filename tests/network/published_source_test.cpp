// SPDX-License-Identifier: MIT
//
// User sources that have their turns after publication, and may call their network: what they see, what they may do, and how they end.
#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/counting_services.h"
#include "support/plain_pair.h"
#include "support/virtual_time.h"

using namespace framepump::test;

namespace {

// A source whose turn is a function of the test.
struct Guest {
  std::function<uint32_t(framepump_turn&)> turn = [](framepump_turn&) { return FRAMEPUMP_OUTCOME_DRAINED; };
  std::function<void()> on_closed = [] {};
  int closed = 0;
  framepump_handle handle = 0;

  Guest() = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() {
    on_closed = [] {};
    (void)api().close(handle);  // its network may be destroyed after it
  }

  uint32_t add_to(TestNetwork& net, uint32_t priority = FRAMEPUMP_PRIORITY_NORMAL, uint32_t flags = FRAMEPUMP_SOURCE_AFTER_PUBLISH) {
    framepump_source source = {};
    source.struct_size = sizeof(source);
    source.priority = priority;
    source.flags = flags;
    source.user = this;
    source.take_turn = [](void* self, framepump_turn* asked) { return static_cast<Guest*>(self)->turn(*asked); };
    source.closed = [](void* self) {
      ++static_cast<Guest*>(self)->closed;
      static_cast<Guest*>(self)->on_closed();
    };
    return api().add_source(net.handle(), &source, &handle);
  }
  // In each tick from now on.
  void do_each_tick(std::function<void()> work) {
    turn = [work = std::move(work)](framepump_turn& t) {
      work();
      t.wake_at_us = t.now_us;
      return FRAMEPUMP_OUTCOME_DRAINED;
    };
  }
};

// Counts what is told to the assert handler.
struct AssertCount : CountingServices {
  AssertCount() {
    services_.assert_failed = [](void* self, const char*, const char*, int32_t) {
      ++static_cast<AssertCount*>(static_cast<CountingServices*>(self))->asserts;
    };
  }
  std::atomic<int> asserts{0};
};

template <typename Body>
void in_modes(Body body) {
  for (uint32_t threaded : {0u, 1u}) {
    for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
      CAPTURE(threaded);
      CAPTURE(backend);
      framepump_config config = default_config();
      config.threaded = threaded;
      config.backend = backend;
      config.slice_us = 1'000'000;  // a busy machine changes nothing
      body(config);
    }
  }
}

}  // namespace

TEST_CASE("a source after publication sees the events and the bytes of the same tick, in both modes") {
  in_modes([](const framepump_config& config) {
    TestNetwork net(config);
    TestNetwork far;
    const Pair pair = connect_pair(far, net);
    uint64_t ticks = 0;
    uint64_t seen_in_tick = 0;
    uint64_t closed_in_tick = 0;
    Guest guest;
    guest.do_each_tick([&] {
      const framepump_handle* streams = nullptr;
      uint32_t count = 0;
      REQUIRE_EQ(api().readable(net.handle(), &streams, &count), FRAMEPUMP_OK);
      if (count > 0 && seen_in_tick == 0) seen_in_tick = ticks;
      const framepump_event* events = nullptr;
      REQUIRE_EQ(api().events(net.handle(), &events, &count), FRAMEPUMP_OK);
      for (uint32_t i = 0; i < count; ++i) {
        if (events[i].kind == FRAMEPUMP_EVENT_CLOSED) closed_in_tick = ticks;
      }
    });
    REQUIRE_EQ(guest.add_to(net), FRAMEPUMP_OK);
    far.write(pair.client, "hello");
    far.flush();
    const auto tick_until = [&](const std::function<bool()>& is_there) {
      return run_until({&far, &net}, [&] {
        ++ticks;
        return is_there();
      });
    };
    // run_until asks before each pair of frames, so `ticks` counts the one that is coming.
    REQUIRE(tick_until([&] { return net.available(pair.server) == 5; }));
    CHECK_EQ(seen_in_tick, ticks - 1);
    REQUIRE_EQ(api().abort(pair.client), FRAMEPUMP_OK);
    REQUIRE(tick_until([&] { return net.find(FRAMEPUMP_EVENT_CLOSED, pair.server) != nullptr; }));
    CHECK_EQ(closed_in_tick, ticks - 1);
  });
}

TEST_CASE("a source after publication may read, write, connect, listen and close streams whose events it looks at") {
  in_modes([](const framepump_config& config) {
    AssertCount services;
    TestNetwork net(config, services.services());
    Guest guest;
    uint32_t port = 0;
    framepump_handle listener = 0;
    framepump_handle client = 0;
    std::string echoed;
    uint32_t closed = 0;
    guest.do_each_tick([&] {
      if (listener == 0) {
        listener = net.listen();
        port = net.port_of(listener);
        client = net.connect(port);
        REQUIRE_EQ(net.write(client, "echo me"), 7);
      }
      const framepump_event* events = nullptr;
      uint32_t count = 0;
      REQUIRE_EQ(api().events(net.handle(), &events, &count), FRAMEPUMP_OK);
      for (uint32_t i = 0; i < count; ++i) {
        closed += events[i].kind == FRAMEPUMP_EVENT_CLOSED;
        if (events[i].kind == FRAMEPUMP_EVENT_CLOSED) CHECK_NE(api().close(events[i].handle), FRAMEPUMP_ERROR_OVERLAPPING_CALL);
      }
      for (framepump_handle stream : net.readable()) {
        const std::string bytes = net.read_all(stream);
        if (stream == client) {
          echoed += bytes;
          if (echoed.size() == 7) REQUIRE_EQ(api().close(client), FRAMEPUMP_OK);
        } else {
          net.write(stream, bytes);
        }
      }
    });
    REQUIRE_EQ(guest.add_to(net), FRAMEPUMP_OK);
    REQUIRE(run_until({&net}, [&] { return closed == 2; }));
    CHECK_EQ(echoed, "echo me");
    CHECK_EQ(services.asserts, 0);
  });
}

TEST_CASE("tick, flush, wait_until and network_destroy inside a source's turn are refused and told to the assert handler") {
  in_modes([](const framepump_config& config) {
    AssertCount services;
    TestNetwork net(config, services.services());
    Guest guest;
    std::vector<uint32_t> errors;
    std::string text;
    guest.turn = [&](framepump_turn&) {
      const framepump_frame frame = {sizeof(frame), 0, 1, 1};
      errors = {api().tick(net.handle(), &frame, nullptr), api().flush(net.handle()),
                api().wait_until(net.handle(), 0, FRAMEPUMP_WAIT_DEADLINE), api().network_destroy(net.handle())};
      text = net.last_error();
      return FRAMEPUMP_OUTCOME_DRAINED;
    };
    REQUIRE_EQ(guest.add_to(net), FRAMEPUMP_OK);
    net.tick();
    CHECK_EQ(errors, std::vector<uint32_t>(4, FRAMEPUMP_ERROR_OVERLAPPING_CALL));
    CHECK_NE(text.find("not for a source's turn"), std::string::npos);
    CHECK_EQ(services.asserts, 4);
    net.frame();  // and outside of it all is well
  });
}

TEST_CASE("while a source after publication has its turn, calls of other threads are refused, and afterwards its own are outer ones again") {
  AssertCount services;
  TestNetwork net(default_config(), services.services());
  Guest guest;
  uint32_t other = FRAMEPUMP_OK;
  guest.turn = [&](framepump_turn&) {
    std::thread thread([&] { other = api().set_mode(net.handle(), FRAMEPUMP_MODE_THREADED); });
    thread.join();
    CHECK_EQ(api().set_mode(net.handle(), FRAMEPUMP_MODE_FRAME_LOCKED), FRAMEPUMP_OK);
    return FRAMEPUMP_OUTCOME_DRAINED;
  };
  REQUIRE_EQ(guest.add_to(net), FRAMEPUMP_OK);
  net.tick();
  CHECK_EQ(other, FRAMEPUMP_ERROR_OVERLAPPING_CALL);
  CHECK_EQ(services.asserts, 1);
  std::thread thread([&] { other = api().set_mode(net.handle(), FRAMEPUMP_MODE_FRAME_LOCKED); });
  thread.join();
  CHECK_EQ(other, FRAMEPUMP_OK);
}

TEST_CASE("a source may close itself in its turn: stale at once, told once that it is gone, no turn any more") {
  in_modes([](const framepump_config& config) {
    TestNetwork net(config);
    Guest guest;
    int turns = 0;
    bool was_told_inside = true;
    guest.turn = [&](framepump_turn& turn) {
      ++turns;
      CHECK_EQ(api().wake_source(guest.handle), FRAMEPUMP_OK);  // it would have another turn in this tick
      CHECK_EQ(api().close(guest.handle), FRAMEPUMP_OK);
      CHECK_EQ(api().close(guest.handle), FRAMEPUMP_ERROR_STALE_HANDLE);
      was_told_inside = guest.closed > 0;
      turn.wake_at_us = turn.now_us;
      return FRAMEPUMP_OUTCOME_MORE;
    };
    REQUIRE_EQ(guest.add_to(net), FRAMEPUMP_OK);
    net.tick();
    CHECK_FALSE(was_told_inside);
    CHECK_EQ(guest.closed, 1);
    for (int i = 0; i < 3; ++i) net.tick();
    CHECK_EQ(turns, 1);
    CHECK_EQ(guest.closed, 1);
  });
}

TEST_CASE("a source that wakes itself and then says closed has no turn any more") {
  for (uint32_t flags : {0u, FRAMEPUMP_SOURCE_AFTER_PUBLISH}) {
    CAPTURE(flags);
    TestNetwork net;
    Guest guest;
    int turns = 0;
    guest.turn = [&](framepump_turn&) {
      ++turns;
      if (flags != 0) CHECK_EQ(api().wake_source(guest.handle), FRAMEPUMP_OK);
      return FRAMEPUMP_OUTCOME_CLOSED;
    };
    REQUIRE_EQ(guest.add_to(net, FRAMEPUMP_PRIORITY_NORMAL, flags), FRAMEPUMP_OK);
    for (int i = 0; i < 3; ++i) net.tick();
    CHECK_EQ(turns, 1);
    CHECK_EQ(guest.closed, 1);
  }
}

TEST_CASE("a source may close other sources in its turn, ready or not, before or after publication, and add some") {
  in_modes([](const framepump_config& config) {
    TestNetwork net(config);
    Guest victims[6];
    Guest killer;
    Guest added;
    int victim_turns = 0;
    int added_turns = 0;
    for (Guest& victim : victims) {
      victim.turn = [&](framepump_turn& turn) {
        ++victim_turns;
        turn.wake_at_us = turn.now_us;
        return FRAMEPUMP_OUTCOME_DRAINED;
      };
    }
    added.turn = [&](framepump_turn&) {
      ++added_turns;
      return FRAMEPUMP_OUTCOME_DRAINED;
    };
    killer.turn = [&](framepump_turn&) {
      for (Guest& victim : victims) CHECK_EQ(api().close(victim.handle), FRAMEPUMP_OK);
      CHECK_EQ(added.add_to(net), FRAMEPUMP_OK);
      return FRAMEPUMP_OUTCOME_DRAINED;
    };
    REQUIRE_EQ(killer.add_to(net, FRAMEPUMP_PRIORITY_REALTIME), FRAMEPUMP_OK);
    for (uint32_t i = 0; i < std::size(victims); ++i) {
      REQUIRE_EQ(victims[i].add_to(net, i % 3, i < 3 ? 0 : FRAMEPUMP_SOURCE_AFTER_PUBLISH), FRAMEPUMP_OK);
    }
    net.tick();
    const int turns = victim_turns;
    CHECK_EQ(turns, 3);        // of those before publication
    CHECK_EQ(added_turns, 1);  // in the same tick
    for (int i = 0; i < 3; ++i) net.tick();
    CHECK_EQ(victim_turns, turns);
    for (const Guest& victim : victims) CHECK_EQ(victim.closed, 1);
  });
}

TEST_CASE("a source is told once that it is gone: in close, after it said closed, and when its network is destroyed") {
  Guest closed;
  Guest finished;
  Guest destroyed;
  {
    TestNetwork net;
    for (Guest* guest : {&closed, &finished, &destroyed}) REQUIRE_EQ(guest->add_to(net), FRAMEPUMP_OK);
    finished.turn = [](framepump_turn&) { return FRAMEPUMP_OUTCOME_CLOSED; };
    REQUIRE_EQ(api().close(closed.handle), FRAMEPUMP_OK);
    CHECK_EQ(closed.closed, 1);
    net.tick();
    net.tick();
    CHECK_EQ(finished.closed, 1);
    CHECK_EQ(destroyed.closed, 0);
  }
  for (const Guest* guest : {&closed, &finished, &destroyed}) CHECK_EQ(guest->closed, 1);
}

TEST_CASE("when its network is destroyed a source can still give memory back and close streams, but add no source") {
  AssertCount services;
  Guest guest;
  Guest late;
  {
    TestNetwork net(default_config(), services.services());
    const framepump_handle listener = net.listen();
    const framepump_handle stream = net.connect(net.port_of(listener));
    void* memory = nullptr;
    REQUIRE_EQ(api().allocate(net.handle(), 4096, 64, &memory), FRAMEPUMP_OK);
    CHECK_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0);
    guest.on_closed = [&] {
      CHECK_EQ(api().release(net.handle(), memory, 4096, 64), FRAMEPUMP_OK);
      CHECK_EQ(api().close(stream), FRAMEPUMP_OK);
      CHECK_EQ(api().close(listener), FRAMEPUMP_OK);
      CHECK_EQ(late.add_to(net), FRAMEPUMP_ERROR_STALE_HANDLE);
    };
    REQUIRE_EQ(guest.add_to(net), FRAMEPUMP_OK);
    net.frame();
  }
  CHECK_EQ(guest.closed, 1);
  CHECK_EQ(services.live_bytes(), 0);
  CHECK_EQ(services.asserts, 0);
}

TEST_CASE("sources after publication share the slice: one turn for each priority, then the highest while it lasts") {
  for (uint32_t threaded : {0u, 1u}) {
    for (uint32_t slice_us : {0u, 2000u}) {
      CAPTURE(threaded);
      CAPTURE(slice_us);
      VirtualClock clock;
      framepump_config config = default_config();
      config.threaded = threaded;
      config.slice_us = slice_us;
      config.overrun_margin_us = 5000;
      TestNetwork net(config, clock.services());
      int64_t frame_us = 0;
      net.use_clock([&] { return frame_us += 16'000; });
      std::string log;
      uint64_t tick = 0;
      Guest guests[4];
      for (uint32_t i = 0; i < 4; ++i) {
        guests[i].turn = [&, i](framepump_turn& turn) {
          log += "rnbB"[i];
          CHECK_EQ(turn.now_us, frame_us);
          if (tick == 0) tick = turn.tick;
          CHECK_EQ(turn.tick, tick);
          clock.pass(300);
          return FRAMEPUMP_OUTCOME_MORE;
        };
        REQUIRE_EQ(guests[i].add_to(net, i < 3 ? i : FRAMEPUMP_PRIORITY_BULK, i < 3 ? FRAMEPUMP_SOURCE_AFTER_PUBLISH : 0), FRAMEPUMP_OK);
      }
      net.tick();
      CHECK_EQ(log, slice_us == 0 ? "Brnb" : "BBBBBBBrnb");  // the one before publication takes what it can get
      CHECK_EQ(net.report().phase_source_us, net.report().tick_us);
      CHECK_EQ(net.report().left_over, 4);
      REQUIRE_EQ(api().close(guests[3].handle), FRAMEPUMP_OK);
      log.clear();
      tick = 0;
      net.tick();
      CHECK_EQ(log, slice_us == 0 ? "rnb" : "rnbrrrr");
    }
  }
}

TEST_CASE("each source after publication that is ready has a turn in each tick, however late it is, and the rest of the slice goes by priority") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    VirtualClock clock;
    framepump_config config = default_config();
    config.threaded = threaded;
    config.slice_us = 0;
    config.overrun_margin_us = 5000;
    TestNetwork net(config, clock.services());
    std::string log;
    Guest guests[6];
    for (uint32_t i = 0; i < 6; ++i) {
      guests[i].turn = [&, i](framepump_turn&) {
        log += static_cast<char>('a' + i);
        clock.pass(300);
        return FRAMEPUMP_OUTCOME_MORE;
      };
      REQUIRE_EQ(guests[i].add_to(net, i < 4 ? FRAMEPUMP_PRIORITY_NORMAL : FRAMEPUMP_PRIORITY_BULK), FRAMEPUMP_OK);
    }
    for (int i = 0; i < 3; ++i) {
      log.clear();
      net.tick();
      CHECK_EQ(log, "abcdef");
      CHECK_EQ(net.report().left_over, 6);
    }
    config.slice_us = 2500;
    REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK);
    net.tick();
    log.clear();
    net.tick();
    CHECK_EQ(log.substr(0, 6).find_first_not_of("abcd"), 4);
    CHECK_EQ(log.substr(4, 2), "ef");
    CHECK_EQ(log.size(), 8);
    CHECK_EQ(log.find_first_not_of("abcd", 6), std::string::npos);
  }
}

TEST_CASE("a source that loses, gains or changes its place while others have their turns is not left out and has none too many") {
  VirtualClock clock;
  framepump_config config = default_config();
  config.slice_us = 0;
  config.overrun_margin_us = 5000;
  TestNetwork net(config, clock.services());
  std::string log;
  Guest guests[4];
  Guest added;
  const auto logs = [&](Guest& guest, char name) {
    guest.turn = [&log, &clock, name](framepump_turn&) {
      log += name;
      clock.pass(300);
      return FRAMEPUMP_OUTCOME_MORE;
    };
  };
  for (uint32_t i = 0; i < 4; ++i) logs(guests[i], static_cast<char>('a' + i));
  logs(added, 'z');
  guests[1].turn = [&](framepump_turn&) {
    log += 'b';
    clock.pass(300);
    if (added.handle != 0) return FRAMEPUMP_OUTCOME_MORE;
    REQUIRE_EQ(added.add_to(net), FRAMEPUMP_OK);  // was not ready when the turns began
    REQUIRE_EQ(api().set_priority(guests[2].handle, FRAMEPUMP_PRIORITY_NORMAL), FRAMEPUMP_OK);  // where a waits, which had its turn
    REQUIRE_EQ(api().close(guests[3].handle), FRAMEPUMP_OK);
    return FRAMEPUMP_OUTCOME_MORE;
  };
  for (uint32_t i = 0; i < 4; ++i) REQUIRE_EQ(guests[i].add_to(net, i == 0 ? FRAMEPUMP_PRIORITY_NORMAL : FRAMEPUMP_PRIORITY_BULK), FRAMEPUMP_OK);
  net.tick();
  CHECK_EQ(log, "abc");
  log.clear();
  net.tick();
  CHECK_EQ(log, "azcb");
}

TEST_CASE("wait_until with first data does not wait while a source after publication is ready, but for one that waits for a time") {
  in_modes([](framepump_config config) {
    config.slice_us = 1000;  // each tick is filled by one that always has more
    TestNetwork net(config);
    Guest guest;
    REQUIRE_EQ(guest.add_to(net), FRAMEPUMP_OK);
    const auto wait_us = [&](int64_t longest_us) {
      const int64_t begin_us = now_us();
      REQUIRE_EQ(api().wait_until(net.handle(), begin_us + longest_us, FRAMEPUMP_WAIT_FIRST_DATA), FRAMEPUMP_OK);
      return now_us() - begin_us;
    };
    net.tick();
    CHECK_GE(wait_us(20'000), 20'000);  // it said drained
    REQUIRE_EQ(api().wake_source(guest.handle), FRAMEPUMP_OK);
    CHECK_LT(wait_us(10'000'000), 5'000'000);
    guest.turn = [](framepump_turn&) { return FRAMEPUMP_OUTCOME_MORE; };
    net.tick();
    CHECK_LT(wait_us(10'000'000), 5'000'000);
    guest.do_each_tick([] {});  // with wake_at_us
    net.tick();
    CHECK_GE(wait_us(20'000), 20'000);
  });
}

TEST_CASE("an unknown flag of a source is refused by its name and value") {
  TestNetwork net;
  Guest guest;
  CHECK_EQ(guest.add_to(net, FRAMEPUMP_PRIORITY_NORMAL, 6), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_NE(net.last_error().find("flags is 6"), std::string::npos);
}

TEST_CASE("memory of the network's allocator is what the services give, and its absence is an error") {
  AssertCount services;
  TestNetwork net(default_config(), services.services());
  void* memory = &net;
  const uint64_t before = services.live_bytes();
  REQUIRE_EQ(api().allocate(net.handle(), 1000, 16, &memory), FRAMEPUMP_OK);
  CHECK_EQ(services.live_bytes(), before + 1000);
  REQUIRE_EQ(api().release(net.handle(), memory, 1000, 16), FRAMEPUMP_OK);
  CHECK_EQ(services.live_bytes(), before);
  CHECK_EQ(api().allocate(net.handle(), 0, 16, &memory), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(api().allocate(net.handle(), 8, 24, &memory), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(memory, nullptr);
}
