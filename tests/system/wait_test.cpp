// SPDX-License-Identifier: MIT
//
// wait_until instead of sleep, and flush: bytes move between ticks too, and gameplay sees them in the tick.
#include <doctest/doctest.h>

#include <cstdio>
#include <functional>
#include <string>
#include <thread>

#include "support/frames.h"
#include "support/plain_pair.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

void wait(TestNetwork& net, int64_t us, uint32_t until = FRAMEPUMP_WAIT_DEADLINE) {
  REQUIRE_EQ(api().wait_until(net.handle(), now_us() + us, until), FRAMEPUMP_OK);
}

// Runs something beside the game thread after a while.
class Later {
 public:
  Later(int64_t us, std::function<void()> action)
      : thread_([us, action = std::move(action)] {
          std::this_thread::sleep_for(std::chrono::microseconds(us));
          action();
        }) {}
  ~Later() { thread_.join(); }

 private:
  std::thread thread_;
};

// Frames with as much in each as makes a stream hot, where the system can do that.
void warm_up(TestNetwork& net, PlainPair& pair) {
  for (int i = 0; i < 10; ++i) {
    pair.peer.send(pattern(1, 0, 60'000));
    uint64_t got = 0;  // a loaded machine brings it in parts
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.stream).size()) > 40'000; }));
  }
  CHECK(run_until({&net}, [&] {
    net.read_all(pair.stream);
    return net.info(pair.stream).received_bytes == 600'000;
  }));
  net.read_all(pair.stream);
}

// One tick publishes what the totals count; threaded, a moment later, so there may be more.
void tick_for(TestNetwork& net, framepump_handle stream, uint64_t bytes) {
  net.tick();
  if (net.report().mode == FRAMEPUMP_MODE_FRAME_LOCKED) return;
  CHECK(run_until({}, [&] {
    if (net.available(stream) >= bytes) return true;
    net.tick();
    return false;
  }));
}

}  // namespace

TEST_CASE("wait_until keeps its deadline, never early and not a millisecond late") {
  if (is_sanitized()) return;
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    int64_t best_lateness_us = INT64_MAX;
    for (int i = 0; i < 10; ++i) {
      const int64_t deadline_us = now_us() + 5'000;
      REQUIRE_EQ(api().wait_until(net.handle(), deadline_us, FRAMEPUMP_WAIT_DEADLINE), FRAMEPUMP_OK);
      const int64_t lateness_us = now_us() - deadline_us;
      CHECK_GE(lateness_us, 0);
      best_lateness_us = std::min(best_lateness_us, lateness_us);
      net.frame();
    }
    CHECK_LT(best_lateness_us, 1'000);  // the best of ten, for other programs can take the processor from us
  });
}

TEST_CASE("wait_until keeps its deadline while a sender never lets the socket run dry") {
  if (is_sanitized()) return;
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    const std::string piece = pattern(2, 0, 4'000'000);
    Later sender(0, [&] { pair.peer.send(piece); });
    const int64_t begin_us = now_us();
    uint64_t got = 0;
    int waits = 0;
    int late = 0;
    while (got < piece.size() && now_us() < begin_us + 10'000'000) {
      const int64_t before_us = thread_time_us();
      const int64_t deadline_us = now_us() + 3'000;
      REQUIRE_EQ(api().wait_until(net.handle(), deadline_us, FRAMEPUMP_WAIT_DEADLINE), FRAMEPUMP_OK);
      ++waits;
      late += now_us() - deadline_us >= 200'000;
      CHECK_LT(thread_time_us() - before_us, 50'000);  // of its own
      net.tick();
      got += net.read_all(pair.stream).size();
    }
    CHECK_EQ(got, piece.size());
    CHECK_LE(late * 10, waits);  // other programs can make one late
  });
}

TEST_CASE("bytes sent during wait_until are published by the next tick and not before, also when the stream is hot") {
  in_both_modes([](const framepump_config& config) {
    for (bool is_warm : {false, true}) {
      CAPTURE(is_warm);
      TestNetwork net(config);
      PlainPair pair(net);
      if (is_warm) warm_up(net, pair);
      const uint64_t received_before = net.totals().received_bytes;
      pair.peer.send("in the wait");
      for (int i = 0; i < 2'000 && net.totals().received_bytes == received_before; ++i) wait(net, 5'000);
      CHECK_EQ(net.totals().received_bytes - received_before, 11);
      CHECK_EQ(net.available(pair.stream), 0);
      CHECK_EQ(net.info(pair.stream).unpublished_bytes, 11);
      tick_for(net, pair.stream, 11);
      CHECK_EQ(net.read_all(pair.stream), "in the wait");
      CHECK_EQ(net.report().published_bytes, 11);
    }
  });
}

TEST_CASE("wait_until pumps all along: more than the kernel's buffers hold arrives during one wait") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    const std::string content = pattern(3, 0, 7'000'000);
    Later sender(5'000, [&] { pair.peer.send(content); });
    const uint64_t received_before = net.totals().received_bytes;
    for (int i = 0; i < 20 && net.totals().received_bytes - received_before < content.size(); ++i) wait(net, 500'000);
    CHECK_EQ(net.totals().received_bytes - received_before, content.size());
    tick_for(net, pair.stream, content.size());
    CHECK(net.read_all(pair.stream) == content);
  });
}

TEST_CASE("wait_until for first data returns with the first byte, a connection or an end, in both modes") {
  in_both_modes([](const framepump_config& config) {
    constexpr int64_t kLongUs = 10'000'000;
    TestNetwork net(config);
    const framepump_handle listener = net.listen();
    const uint32_t port = net.port_of(listener);
    net.frame();
    const int64_t begin_us = now_us();
    PlainSocket peer = PlainSocket::unconnected();
    {
      Later later(20'000, [&] { peer.connect_to(port); });
      wait(net, kLongUs, FRAMEPUMP_WAIT_FIRST_DATA);
    }
    net.frame();
    REQUIRE_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 1);
    const framepump_handle stream = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
    {
      Later later(20'000, [&] { peer.send("x"); });
      wait(net, kLongUs, FRAMEPUMP_WAIT_FIRST_DATA);
    }
    net.frame();
    CHECK_EQ(net.read_all(stream), "x");
    net.frame();
    {
      Later later(20'000, [&] { peer.close(); });
      wait(net, kLongUs, FRAMEPUMP_WAIT_FIRST_DATA);
    }
    net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
    CHECK_LT(now_us() - begin_us, kLongUs);  // three waits that together took less than one
  });
}

TEST_CASE("wait_until for first data returns at its deadline when nothing comes, and at once when something waits") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    net.frame();
    int64_t begin_us = now_us();
    wait(net, 30'000, FRAMEPUMP_WAIT_FIRST_DATA);
    CHECK_GE(now_us() - begin_us, 30'000);
    pair.peer.send("waits");
    const uint64_t received_before = net.totals().received_bytes;
    for (int i = 0; i < 200 && net.totals().received_bytes == received_before; ++i) wait(net, 5'000);
    begin_us = now_us();
    wait(net, 20'000'000, FRAMEPUMP_WAIT_FIRST_DATA);
    CHECK_LT(now_us() - begin_us, 20'000'000);
    net.tick();
    CHECK_EQ(net.read_all(pair.stream), "waits");
  });
}

TEST_CASE("a long wait_until counts as ticking: the guard does not take over") {
  framepump_config config = default_config();
  config.stall_takeover_ms = 300;
  TestNetwork net(config);
  PlainPair pair(net);
  net.frame();
  const uint64_t before = net.totals().guard_takeovers;
  wait(net, 900'000);
  CHECK_EQ(net.totals().guard_takeovers, before);
  // And it is awake: the same time without a wait is a stall.
  CHECK(run_until({}, [&] { return net.totals().guard_takeovers > before; }));
  CHECK_EQ(net.totals().guard_takeovers, before + 1);
}

TEST_CASE("time-outs pass during wait_until") {
  in_both_modes([](framepump_config config) {
    TestNetwork net(config);
    PlainPair pair(net);
    net.frame();
    config.idle_timeout_ms = 50;  // not before: only the tick after the wait may publish the end
    REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK);
    const int64_t begin_us = now_us();
    wait(net, 10'000'000, FRAMEPUMP_WAIT_FIRST_DATA);  // the end is something to publish
    CHECK_LT(now_us() - begin_us, 10'000'000);
    net.tick();
    REQUIRE_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->reason, FRAMEPUMP_REASON_IDLE_TIMED_OUT);
  });
}

TEST_CASE("what gameplay writes leaves with flush, in the same frame, and nothing is published by it") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    net.frame();
    net.tick();
    REQUIRE_EQ(net.write(pair.stream, "answer"), 6);
    net.flush();
    CHECK_EQ(pair.peer.receive(6), "answer");  // gives up after ten seconds
    pair.peer.send("not yet");
    net.flush();
    CHECK_EQ(net.available(pair.stream), 0);
    CHECK(run_until({&net}, [&] { return net.available(pair.stream) == 7; }));
  });
}

TEST_CASE("without flush what gameplay writes leaves with the next tick") {
  TestNetwork net;
  PlainPair pair(net);
  net.tick();
  REQUIRE_EQ(net.write(pair.stream, "late"), 4);
  const uint64_t sent_before = net.totals().sent_bytes;
  net.tick();
  CHECK_EQ(net.totals().sent_bytes - sent_before, 4);
  CHECK_EQ(pair.peer.receive(4), "late");
}
