// SPDX-License-Identifier: MIT
//
// TCP streams over loopback: bytes, events and closes, in frame-locked and threaded mode and with both poller backends.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "support/test_network.h"

using namespace framepump::test;

namespace {

// Runs a body for each combination of mode and backend.
template <typename Body>
void for_each_setup(Body body) {
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    for (uint32_t threaded : {0u, 1u}) {
      CAPTURE(backend);
      CAPTURE(threaded);
      framepump_config config = default_config();
      config.backend = backend;
      config.threaded = threaded;
      body(config);
      std::printf("COUNT: poller %s 1\n", backend == FRAMEPUMP_BACKEND_EPOLL ? "epoll" : "poll");
    }
  }
}

}  // namespace

TEST_CASE("what one side writes the other side reads, both ways") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_pair(net, net);
    CHECK_EQ(net.write(pair.client, "hello"), 5);
    std::string got;
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.server)).size() == 5; }));
    CHECK_EQ(got, "hello");
    CHECK_EQ(net.write(pair.server, "world!"), 6);
    got.clear();
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.client)).size() == 6; }));
    CHECK_EQ(got, "world!");
  });
}

TEST_CASE("a large transfer arrives whole and in order") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_pair(net, net);
    const std::string sent = pattern(7, 0, 20'000'000);
    uint64_t written = 0;
    std::string got;
    CHECK(run_until({&net}, [&] {
      if (written < sent.size()) written += net.write(pair.client, std::string_view(sent).substr(written));
      got += net.read_all(pair.server);
      return got.size() == sent.size();
    }));
    CHECK(got == sent);
  });
}

TEST_CASE("close delivers what was written before, and both sides hear of it once") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_pair(net, net);
    const std::string sent = pattern(8, 0, 3'000'000);
    CHECK_EQ(net.write(pair.server, "never read by the closing side"), 30);
    net.frame();
    REQUIRE_EQ(net.write(pair.client, sent), sent.size());
    REQUIRE_EQ(api().close(pair.client), FRAMEPUMP_OK);
    std::string got;
    CHECK(run_until({&net}, [&] {
      got += net.read_all(pair.server);
      return net.find(FRAMEPUMP_EVENT_CLOSED, pair.server) && net.find(FRAMEPUMP_EVENT_CLOSED, pair.client);
    }));
    got += net.read_all(pair.server);
    CHECK(got == sent);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, pair.server)->reason, FRAMEPUMP_REASON_CLOSED_BY_PEER);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, pair.client)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
    for (int i = 0; i < 5; ++i) net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 2);
    uint64_t bytes = 0;
    CHECK_EQ(api().available(pair.server, &bytes), FRAMEPUMP_ERROR_STALE_HANDLE);
    CHECK(run_until({&net}, [&] { return net.totals().streams == 0; }));
  });
}

TEST_CASE("room that was reserved stays this stream's over ticks, until it is committed") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair first = connect_pair(net, net);
    const Pair second = connect_pair(net, net);
    REQUIRE_EQ(net.write(first.client, "before "), 7);
    void* room = nullptr;
    REQUIRE_EQ(api().reserve(first.client, 6, &room), FRAMEPUMP_OK);
    std::string got;
    CHECK(run_until({&net}, [&] { return (got += net.read_all(first.server)).size() == 7; }));
    for (int i = 0; i < 3; ++i) net.frame();
    const std::string others(100, 'z');
    REQUIRE_EQ(net.write(second.client, others), others.size());
    std::memcpy(room, "after!", 6);
    REQUIRE_EQ(api().commit(first.client, 6), FRAMEPUMP_OK);
    std::string got_others;
    CHECK(run_until({&net}, [&] {
      got += net.read_all(first.server);
      got_others += net.read_all(second.server);
      return got.size() == 13 && got_others.size() == others.size();
    }));
    CHECK_EQ(got, "before after!");
    CHECK_EQ(got_others, others);
  });
}

TEST_CASE("how long bytes waited is measured for whoever looks at it, from the kernel's time of arrival to the tick") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_pair(net, net);
    constexpr auto kPause = std::chrono::milliseconds(20);
    const auto receive_late = [&] {
      net.write(pair.client, "x");
      net.flush();
      std::this_thread::sleep_for(kPause);
      return run_until({&net}, [&] { return net.read_all(pair.server).size() == 1; });
    };
    REQUIRE(receive_late());
    CHECK_EQ(net.info(pair.server).dwell_us, 0);  // nobody had looked yet
    // The kernel begins to stamp a little after the first socket of the whole machine asked for it.
    CHECK(run_until({&net}, [&] { return receive_late() && net.info(pair.server).dwell_us >= 20'000; }));
    CHECK_GE(net.info(pair.server).dwell_max_us, 20'000);
  });
}

TEST_CASE("the round trip is sampled for whoever looks at it, and costs nobody else a system call") {
  for_each_setup([](const framepump_config& config) {
    TestNetwork net(config);
    const Pair pair = connect_pair(net, net);
    const auto rtt_us = [&](framepump_handle stream) { return net.info(stream).rtt_us; };
    CHECK_GT(rtt_us(pair.client), 0);  // the handshake gave one
    std::string got;
    const auto talk = [&] {
      net.write(pair.client, "x");
      net.write(pair.server, "y");
      got += net.read_all(pair.server);
      net.read_all(pair.client);
    };
    CHECK(run_until({&net}, [&] {
      talk();
      return got.size() >= 3;
    }));
    CHECK_EQ(rtt_us(pair.server), 0);  // nobody looked yet; now the next bytes bring one
    CHECK(run_until({&net}, [&] {
      talk();
      return rtt_us(pair.server) > 0;
    }));
  });
}
