// SPDX-License-Identifier: MIT
//
// The race of a name's addresses (RFC 8305). Sockets are real, time is the frame's. The kernel drops what comes for a socket that vanished, so its
// address answers nothing, as if no machine were there.
#if !defined(_WIN32)
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <string>
#include <vector>

#include "support/name_server.h"
#include "support/named_network.h"
#include "support/plain_socket.h"
#include "support/test_network.h"

using namespace framepump::test;
using Manner = NameServer::Manner;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Listens on [::1] at this port, or any; not open: somebody has it, or there is no IPv6.
PlainSocket listen_ipv6(uint32_t port) {
  const int made = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return PlainSocket();
  const int on = 1;
  setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  PlainSocket socket(made);
  if (bind(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(made, 16) != 0) socket.close();
  return socket;
}

// Not open: somebody has the port, be it only a connection that has ended.
PlainSocket try_to_listen_ipv4(const char* host, uint32_t port) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, host, &address.sin_addr);
  address.sin_port = htons(static_cast<uint16_t>(port));
  PlainSocket socket(made);
  if (bind(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(made, 16) != 0) socket.close();
  return socket;
}

PlainSocket listen_ipv4(const char* host, uint32_t port) {
  PlainSocket socket = try_to_listen_ipv4(host, port);
  REQUIRE(socket.is_open());
  return socket;
}

// On [::1] and on 127.0.0.1 at one port; not open: there is no IPv6.
struct BothFamilies {
  PlainSocket six;
  PlainSocket four;
};
BothFamilies listen_both() {
  BothFamilies both;
  for (int tries = 0; tries < 100 && !both.four.is_open(); ++tries) {
    both.six = listen_ipv6(0);
    if (!both.six.is_open()) return both;
    both.four = try_to_listen_ipv4("127.0.0.1", both.six.port());
  }
  REQUIRE(both.four.is_open());
  return both;
}

// A network on virtual time, its name server, and the name race.example with addresses of the loopback net at one port.
struct Race {
  explicit Race(const framepump_config& config) : files(server.resolv_conf()), net(patient(config), files.services()) {
    net.use_clock([this] { return clock_us; });
    net.frame();
  }
  // On a busy machine no question is asked twice.
  static framepump_config patient(framepump_config config) {
    config.names_timeout_ms = 20'000;
    return config;
  }
  void address(const char* host) { server.add("race.example", std::string(host).find(':') == std::string::npos ? "A" : "AAAA", host); }
  framepump_handle connect() { return net.connect(port, "race.example"); }
  void pass_ms(int64_t ms) { clock_us += ms * 1000; }
  bool run(const std::function<bool()>& condition, int limit_ms = 10'000) {
    return run_until({&net}, [&] {
      server.serve();
      return condition();
    }, limit_ms);
  }
  // Frames in which nothing is expected to happen.
  void settle() {
    int frames = 0;
    run([&] { return ++frames > 30; });
  }
  bool is_connected(framepump_handle stream) const { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }
  bool is_closed(framepump_handle stream) const { return net.find(FRAMEPUMP_EVENT_CLOSED, stream) != nullptr; }
  std::string peer(framepump_handle stream) const { return net.info(stream).peer_address; }

  int64_t clock_us = 1'000'000;
  NameServer server;
  NameFiles files;
  TestNetwork net;
  uint32_t port = 0;
};

}  // namespace

TEST_CASE("an address that does not answer has 250 ms to itself, then the next one is tried and wins") {
  in_all_ways([](const framepump_config& config) {
    Race race(config);
    PlainSocket silent = listen_ipv4("127.0.0.2", 0);
    race.port = silent.port();
    silent.vanish();
    PlainSocket good = listen_ipv4("127.0.0.3", race.port);
    race.address("127.0.0.2");
    race.address("127.0.0.3");
    const framepump_handle stream = race.connect();
    REQUIRE(race.run([&] { return race.server.asked("race.example") == 2; }));
    race.pass_ms(60);  // as long as IPv4 may have to wait for IPv6
    race.settle();
    race.pass_ms(249);
    race.settle();
    if (config.threaded == 0) CHECK_FALSE(race.is_connected(stream));  // threaded, time goes on between the frames
    race.pass_ms(2);
    REQUIRE(race.run([&] { return race.is_connected(stream); }));
    CHECK_EQ(race.peer(stream), "127.0.0.3:" + std::to_string(race.port));
  });
}

TEST_CASE("an address that refuses is followed by the next one at once") {
  in_all_ways([](const framepump_config& config) {
    Race race(config);
    PlainSocket good = listen_ipv4("127.0.0.3", 0);
    race.port = good.port();
    race.address("127.0.0.2");
    race.address("127.0.0.3");
    const framepump_handle stream = race.connect();
    REQUIRE(race.run([&] { return race.is_connected(stream); }));  // the clock stands still
    CHECK_EQ(race.peer(stream), "127.0.0.3:" + std::to_string(race.port));
  });
}

TEST_CASE("IPv6 is tried first, and IPv4 wins when it does not answer") {
  in_all_ways([](const framepump_config& config) {
    Race race(config);
    auto [six, four] = listen_both();
    if (!six.is_open()) {
      std::puts("SKIP: needs ::1");
      return;
    }
    race.port = six.port();
    race.address("::1");
    race.address("127.0.0.1");
    const framepump_handle first = race.connect();
    REQUIRE(race.run([&] { return race.is_connected(first); }));
    CHECK_EQ(race.peer(first), "[::1]:" + std::to_string(race.port));
    six.vanish();
    const framepump_handle second = race.connect();
    race.settle();
    if (config.threaded == 0) CHECK_FALSE(race.is_connected(second));
    race.pass_ms(251);
    REQUIRE(race.run([&] { return race.is_connected(second); }));
    CHECK_EQ(race.peer(second), "127.0.0.1:" + std::to_string(race.port));
  });
}

TEST_CASE("IPv4's answer waits 50 ms for that of IPv6, and IPv6's for nobody") {
  in_all_ways([](const framepump_config& config) {
    const BothFamilies both = listen_both();
    if (!both.six.is_open()) {
      std::puts("SKIP: needs ::1");
      return;
    }
    const auto prepare = [&](Race& race) {
      race.port = both.six.port();
      race.address("::1");
      race.address("127.0.0.1");
    };
    {
      Race race(config);
      prepare(race);
      race.server.behave("race.example", Manner::late, "AAAA");
      const framepump_handle late = race.connect();
      REQUIRE(race.run([&] { return race.server.asked("race.example") == 2; }));
      race.settle();
      if (config.threaded == 0) CHECK_FALSE(race.is_connected(late));
      race.pass_ms(51);
      REQUIRE(race.run([&] { return race.is_connected(late); }));
      if (config.threaded == 0) CHECK_EQ(race.peer(late), "127.0.0.1:" + std::to_string(race.port));
    }
    {
      // The wait begins with the answer, however long that took.
      Race race(config);
      prepare(race);
      race.server.behave("race.example", Manner::late, "AAAA");
      race.server.behave("race.example", Manner::late, "A");
      const framepump_handle slow = race.connect();
      REQUIRE(race.run([&] { return race.server.asked("race.example") == 2; }));
      race.pass_ms(60);
      race.server.release_late("A");
      race.settle();
      if (config.threaded == 0) CHECK_FALSE(race.is_connected(slow));
      race.pass_ms(51);
      REQUIRE(race.run([&] { return race.is_connected(slow); }));
    }
    {
      Race race(config);
      prepare(race);
      race.server.behave("race.example", Manner::never, "A");
      const framepump_handle early = race.connect();
      REQUIRE(race.run([&] { return race.is_connected(early); }));
      CHECK_EQ(race.peer(early), "[::1]:" + std::to_string(race.port));
    }
  });
}

TEST_CASE("when all addresses fail the text names each and says how, and the reason is the one to act on") {
  in_all_ways([](const framepump_config& config) {
    Race race(config);
    {
      PlainSocket free = listen_ipv4("127.0.0.2", 0);
      race.port = free.port();
    }
    race.address("127.0.0.2");
    race.address("127.0.0.3");
    race.address("255.255.255.255");
    const framepump_handle stream = race.connect();
    REQUIRE(race.run([&] { return race.is_closed(stream); }));
    const SeenEvent& closed = *race.net.find(FRAMEPUMP_EVENT_CLOSED, stream);
    CHECK_EQ(closed.reason, FRAMEPUMP_REASON_REFUSED);
    CAPTURE(closed.text);
    const std::string port = std::to_string(race.port);
    CHECK(contains(closed.text, "race.example: "));
    CHECK(contains(closed.text, "127.0.0.2:" + port + ": Connection refused"));
    CHECK(contains(closed.text, "127.0.0.3:" + port + ": Connection refused"));
    CHECK(contains(closed.text, "255.255.255.255:" + port + ": "));
  });
}

TEST_CASE("stream.connect_timeout_ms ends the race, and the text says what was tried for how long and what was not") {
  in_all_ways([](framepump_config config) {
    config.connect_timeout_ms = 1000;
    config.names_attempt_delay_ms = 600;
    Race race(config);
    PlainSocket silent = listen_ipv4("127.0.0.2", 0);
    race.port = silent.port();
    silent.vanish();
    PlainSocket silent_too = listen_ipv4("127.0.0.3", race.port);
    silent_too.vanish();
    race.address("127.0.0.2");
    race.address("127.0.0.3");
    race.address("127.0.0.4");
    const framepump_handle stream = race.connect();
    REQUIRE(race.run([&] { return race.server.asked("race.example") == 2; }));
    race.pass_ms(60);
    race.settle();
    race.pass_ms(601);
    race.settle();
    race.pass_ms(400);
    REQUIRE(race.run([&] { return race.is_closed(stream); }));
    const SeenEvent& closed = *race.net.find(FRAMEPUMP_EVENT_CLOSED, stream);
    CHECK_EQ(closed.reason, FRAMEPUMP_REASON_CONNECT_TIMED_OUT);
    CAPTURE(closed.text);
    const std::string port = std::to_string(race.port);
    CHECK(contains(closed.text, "race.example: 127.0.0.2:" + port + ": no answer within "));
    if (config.threaded != 0) return;  // the thread sleeps in real time, so what it tried until then is not certain
    CHECK(contains(closed.text, "; 127.0.0.3:" + port + ": no answer within "));
    CHECK(contains(closed.text, "; 1 more addresses were not tried"));
  });
}

TEST_CASE("who loses the race is closed") {
  Race race(default_config());
  PlainSocket silent = listen_ipv4("127.0.0.2", 0);
  race.port = silent.port();
  silent.vanish();
  PlainSocket good = listen_ipv4("127.0.0.3", race.port);
  race.address("127.0.0.2");
  race.address("127.0.0.3");
  const PlainSocket before = PlainSocket::unconnected();
  const framepump_handle stream = race.connect();
  REQUIRE(race.run([&] { return race.server.asked("race.example") == 2; }));
  race.pass_ms(60);
  race.settle();
  race.pass_ms(251);
  REQUIRE(race.run([&] { return race.is_connected(stream); }));
  // Descriptors are given out from the lowest: with the loser's free again the next one is at most c-ares' and the winner's beyond.
  const PlainSocket after = PlainSocket::unconnected();
  CHECK(after.descriptor() <= before.descriptor() + 3);
  api().close(stream);
}

#endif
