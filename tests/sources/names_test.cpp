// SPDX-License-Identifier: MIT
//
// Names from connect to event, against a name server of our own. c-ares keeps a clock of its own; everything else runs on the frame's.
#if !defined(_WIN32)
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "sources/resolver.h"
#include "support/name_server.h"
#include "support/named_network.h"
#include "support/test_network.h"

using namespace framepump::test;
using Manner = NameServer::Manner;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A network that asks `server`, and a listener of its own to connect to.
struct Named {
  explicit Named(framepump_config config = default_config(), const std::string& more = "", const std::string& hosts = "")
      : files(server.resolv_conf(more), hosts), net(patient(config), files.services()) {
    listener = net.listen();
    port = net.port_of(listener);
  }
  // A busy machine must not have a question asked twice.
  static framepump_config patient(framepump_config config) {
    if (config.names_timeout_ms == default_config().names_timeout_ms) config.names_timeout_ms = 20'000;
    return config;
  }

  bool run(const std::function<bool()>& condition, int limit_ms = 10'000) {
    return run_until({&net}, [&] {
      server.serve();
      return condition();
    }, limit_ms);
  }
  bool is_connected(framepump_handle stream) const { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }
  bool is_closed(framepump_handle stream) const { return net.find(FRAMEPUMP_EVENT_CLOSED, stream) != nullptr; }
  bool connects(const char* name) {
    const framepump_handle stream = net.connect(port, name);
    REQUIRE(run([&] { return is_connected(stream) || is_closed(stream); }));
    return is_connected(stream);
  }
  SeenEvent failure(const char* name) {
    const framepump_handle stream = net.connect(port, name);
    REQUIRE(run([&] { return is_closed(stream); }));
    CHECK_FALSE(is_connected(stream));
    return *net.find(FRAMEPUMP_EVENT_CLOSED, stream);
  }

  NameServer server;
  NameFiles files;
  TestNetwork net;
  framepump_handle listener = 0;
  uint32_t port = 0;
};

std::string text_of(uint32_t port) { return std::to_string(port); }

}  // namespace

TEST_CASE("a stream to a name connects, and carries bytes like any other") {
  in_all_ways([](const framepump_config& config) {
    Named named(config);
    named.server.add("play.example", "A", "127.0.0.1");
    TestNetwork& net = named.net;
    const framepump_handle stream = net.connect(named.port, "Play.Example");
    CHECK_EQ(net.write(stream, "early"), 5);  // before anything is known
    CHECK_EQ(std::string(net.info(stream).peer_address), "");
    REQUIRE(named.run([&] { return named.is_connected(stream) && net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr; }));
    const framepump_handle accepted = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
    CHECK(named.run([&] { return net.available(accepted) == 5; }));
    CHECK_EQ(net.read_all(accepted), "early");
    CHECK_EQ(std::string(net.info(stream).peer_address), "127.0.0.1:" + text_of(named.port));
    net.write(accepted, "answer");
    CHECK(named.run([&] { return net.available(stream) == 6; }));
    api().close(stream);
    CHECK(named.run([&] { return named.is_closed(stream); }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, stream)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
    CHECK_EQ(named.server.asked("play.example", "A"), 1);
    CHECK_EQ(named.server.asked("play.example", "AAAA"), 1);
  });
}

TEST_CASE("numeric hosts ask nobody and start no thread for names") {
  Named named;
  CHECK(named.connects("127.0.0.1"));
  CHECK_EQ(named.server.total(), 0);
}

TEST_CASE("localhost is this machine, whatever files and servers say, and nobody is asked for it") {
  Named named(default_config(), "", "10.0.0.1 localhost\n");
  named.server.add("localhost", "A", "10.0.0.2");
  CHECK(named.connects("localhost"));
  CHECK(named.connects("a.LocalHost."));
  CHECK_EQ(named.server.total(), 0);
}

TEST_CASE("names of the hosts file ask no server, and an edit of the file is seen") {
  in_all_ways([](const framepump_config& config) {
    Named named(config, "", "127.0.0.1 game.example lan\n");
    int64_t clock_us = 1'000'000;
    named.net.use_clock([&] { return clock_us; });
    named.net.frame();
    CHECK(named.connects("game.example"));
    CHECK(named.connects("LAN"));
    CHECK_EQ(named.server.total(), 0);
    CHECK_EQ(named.failure("new.example").reason, FRAMEPUMP_REASON_NAME_NOT_FOUND);
    named.files.write_hosts("127.0.0.1 new.example\n");
    clock_us += 20'000'000;  // files are looked at again after 5 s, and "no such name" is kept for as long
    CHECK(named.connects("new.example"));
    CHECK_EQ(named.failure("game.example").reason, FRAMEPUMP_REASON_NAME_NOT_FOUND);
  });
}

TEST_CASE("another server in resolv.conf is asked after an edit, also for a name whose question is under way") {
  in_all_ways([](framepump_config config) {
    config.connect_timeout_ms = 60'000;
    Named named(config);
    NameServer other;
    other.add("play.example", "A", "127.0.0.1");
    other.add("more.example", "A", "127.0.0.1");
    named.server.behave("play.example", Manner::never);
    int64_t clock_us = 1'000'000;
    named.net.use_clock([&] { return clock_us; });
    const framepump_handle stream = named.net.connect(named.port, "play.example");
    REQUIRE(named.run([&] { return named.server.asked("play.example") >= 2; }));
    named.files.write_resolv_conf(other.resolv_conf());
    clock_us += 20'000'000;
    const framepump_handle second = named.net.connect(named.port, "more.example");
    CHECK(named.run([&] {
      other.serve();
      return named.is_connected(stream) && named.is_connected(second);
    }));
    CHECK_EQ(named.server.asked("more.example"), 0);
  });
}

TEST_CASE("search domains are tried in order, and a name with enough dots as it is first") {
  Named named(default_config(), "search one.example two.example\noptions ndots:2\n");
  named.server.add("game.two.example", "A", "127.0.0.1");
  CHECK(named.connects("game"));
  CHECK_EQ(named.server.asked("game.one.example"), 2);
  CHECK_EQ(named.server.asked("game.two.example"), 2);
  CHECK_EQ(named.server.asked("game"), 0);
  named.server.add("a.b.c", "A", "127.0.0.1");
  CHECK(named.connects("a.b.c"));
  CHECK_EQ(named.server.total(), 6);
  const SeenEvent failure = named.failure("nobody");
  CHECK_EQ(failure.reason, FRAMEPUMP_REASON_NAME_NOT_FOUND);
  CHECK(contains(failure.text, "name nobody: "));
  CHECK(contains(failure.text, "127.0.0.1:" + text_of(named.server.port())));
  CHECK(contains(failure.text, "nobody.one.example, nobody.two.example, nobody"));
  const uint32_t before = named.server.total();
  CHECK_EQ(named.failure("last.").reason, FRAMEPUMP_REASON_NAME_NOT_FOUND);  // complete: no search
  CHECK_EQ(named.server.total(), before + 2);
}

TEST_CASE("an answer is kept for its TTL on the frame's clock, and then asked for again") {
  in_all_ways([](const framepump_config& config) {
    Named named(config);
    int64_t clock_us = 1'000'000;
    named.net.use_clock([&] { return clock_us; });
    named.server.add("play.example", "A", "127.0.0.1", 30);
    CHECK(named.connects("play.example"));
    clock_us += config.threaded == 0 ? 29'000'000 : 25'000'000;  // threaded, time goes on between the frames
    CHECK(named.connects("PLAY.example"));
    CHECK_EQ(named.server.asked("play.example", "A"), 1);
    clock_us += config.threaded == 0 ? 2'000'000 : 10'000'000;
    CHECK(named.connects("play.example"));
    CHECK_EQ(named.server.asked("play.example", "A"), 2);
  });
}

TEST_CASE("names.ttl_max_s bounds the time, a TTL of 0 is not kept, and a change of the key counts at once") {
  framepump_config config = default_config();
  config.names_ttl_max_s = 10;
  Named named(config);
  int64_t clock_us = 1'000'000;
  named.net.use_clock([&] { return clock_us; });
  named.server.add("play.example", "A", "127.0.0.1", 1'000'000);
  named.server.add("zero.example", "A", "127.0.0.1", 0);
  CHECK(named.connects("play.example"));
  clock_us += 11'000'000;
  CHECK(named.connects("play.example"));
  CHECK_EQ(named.server.asked("play.example", "A"), 2);
  CHECK(named.connects("zero.example"));
  CHECK(named.connects("zero.example"));
  CHECK_EQ(named.server.asked("zero.example", "A"), 2);
}

TEST_CASE("that there is no such name is kept for five seconds") {
  Named named;
  int64_t clock_us = 1'000'000;
  named.net.use_clock([&] { return clock_us; });
  CHECK_EQ(named.failure("nobody.example").reason, FRAMEPUMP_REASON_NAME_NOT_FOUND);
  CHECK_EQ(named.failure("nobody.example").reason, FRAMEPUMP_REASON_NAME_NOT_FOUND);
  CHECK_EQ(named.server.asked("nobody.example", "A"), 1);
  named.server.add("nobody.example", "A", "127.0.0.1");
  clock_us += 5'100'000;
  CHECK(named.connects("nobody.example"));
}

TEST_CASE("no more answers are kept than names.cache_entries says, the oldest go first") {
  framepump_config config = default_config();
  config.names_cache_entries = 2;
  Named named(config);
  int64_t clock_us = 1'000'000;
  named.net.use_clock([&] { return clock_us; });
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    named.server.add(name, "A", "127.0.0.1");
    CHECK(named.connects(name));
  }
  CHECK(named.connects("c.example"));
  CHECK(named.connects("b.example"));
  CHECK_EQ(named.server.total(), 6);
  CHECK(named.connects("a.example"));
  CHECK_EQ(named.server.asked("a.example", "A"), 2);
}

TEST_CASE("a chain of CNAMEs is followed, and its shortest TTL counts") {
  Named named;
  int64_t clock_us = 1'000'000;
  named.net.use_clock([&] { return clock_us; });
  named.server.add("www.example", "CNAME", "edge.example", 5);
  named.server.add("edge.example", "CNAME", "host.example", 60);
  named.server.add("host.example", "A", "127.0.0.1", 60);
  CHECK(named.connects("www.example"));
  clock_us += 6'000'000;
  CHECK(named.connects("www.example"));
  CHECK_EQ(named.server.asked("www.example", "A"), 2);
}

TEST_CASE("answers with a wrong id and garbage are passed over, and the right answer behind them counts") {
  in_all_ways([](const framepump_config& config) {
    Named named(config);
    named.server.add("a.example", "A", "127.0.0.1");
    named.server.add("b.example", "A", "127.0.0.1");
    named.server.behave("a.example", Manner::wrong_id);
    named.server.behave("b.example", Manner::garbage);
    CHECK(named.connects("a.example"));
    CHECK(named.connects("b.example"));
  });
}

TEST_CASE("what does not fit a datagram is fetched over TCP, and the first addresses are used") {
  in_all_ways([](const framepump_config& config) {
    Named named(config);
    named.server.add("big.example", "A", "127.0.0.1");
    named.server.add_many("big.example", 200);  // 3 KB
    named.server.behave("big.example", Manner::truncated);
    CHECK(named.connects("big.example"));
    CHECK_EQ(named.server.asked_over_tcp(), 2);
  });
}

TEST_CASE("a server that never answers, or only garbage, ends in an error that names it, the name and the time") {
  in_all_ways([](framepump_config config) {
    config.names_timeout_ms = 50;
    config.names_tries = 2;
    Named named(config);
    named.server.add("play.example", "A", "127.0.0.1");
    for (const Manner manner : {Manner::never, Manner::only_garbage}) {
      named.server.behave("play.example", manner);
      const SeenEvent failure = named.failure("play.example");
      CHECK_EQ(failure.reason, FRAMEPUMP_REASON_NAME_TIMED_OUT);
      CAPTURE(failure.text);
      CHECK(contains(failure.text, "name play.example: no answer from 127.0.0.1:" + text_of(named.server.port()) + " for play.example within "));
      CHECK(contains(failure.text, "names.tries is 2, names.timeout_ms 50"));
    }
    CHECK_EQ(named.server.asked("play.example", "A"), 4);
    named.server.behave("play.example", Manner::answer);  // silence is not remembered
    bool is_connected = false;
    for (int tries = 0; tries < 20 && !is_connected; ++tries) is_connected = named.connects("play.example");  // the server may be away
    CHECK(is_connected);
  });
}

TEST_CASE("stream.connect_timeout_ms counts for the look-up too, and the text says what it waited for") {
  in_all_ways([](framepump_config config) {
    config.connect_timeout_ms = 400;
    Named named(config);
    int64_t clock_us = 1'000'000;
    named.net.use_clock([&] { return clock_us; });
    named.server.behave("play.example", Manner::never);
    const framepump_handle stream = named.net.connect(named.port, "play.example");
    REQUIRE(named.run([&] { return named.server.asked("play.example") == 2; }));
    clock_us += 399'000;
    named.net.frame();
    named.net.frame();
    if (config.threaded == 0) CHECK_FALSE(named.is_closed(stream));  // threaded, time goes on between the frames
    clock_us += 2'000;
    REQUIRE(named.run([&] { return named.is_closed(stream); }));
    const SeenEvent& failure = *named.net.find(FRAMEPUMP_EVENT_CLOSED, stream);
    CHECK_EQ(failure.reason, FRAMEPUMP_REASON_NAME_TIMED_OUT);
    CAPTURE(failure.text);
    CHECK(contains(failure.text, "name play.example: no answer from 127.0.0.1:" + text_of(named.server.port())));
    CHECK(contains(failure.text, "asked for play.example"));
  });
}

TEST_CASE("a server that fails is told from one that knows no such name, and is asked again next time") {
  Named named;
  named.server.add("play.example", "A", "127.0.0.1");
  named.server.behave("play.example", Manner::fail);
  const SeenEvent failure = named.failure("play.example");
  CHECK_EQ(failure.reason, FRAMEPUMP_REASON_NAME_FAILED);
  CAPTURE(failure.text);
  CHECK(contains(failure.text, "127.0.0.1:" + text_of(named.server.port()) + " for play.example: "));
  named.server.behave("play.example", Manner::answer);
  CHECK(named.connects("play.example"));
}

TEST_CASE("where nobody listens for names the error says so") {
  NameFiles files("nameserver 127.0.0.1:1\n");
  TestNetwork net(default_config(), files.services());
  const framepump_handle stream = net.connect(9, "play.example");
  REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CLOSED, stream) != nullptr; }));
  const SeenEvent& failure = *net.find(FRAMEPUMP_EVENT_CLOSED, stream);
  CHECK_EQ(failure.reason, FRAMEPUMP_REASON_NAME_FAILED);
  CAPTURE(failure.text);
  CHECK(contains(failure.text, "name play.example: 127.0.0.1:1 for play.example: "));
}

TEST_CASE("many streams to one name share its question") {
  in_all_ways([](const framepump_config& config) {
    Named named(config);
    named.server.add("play.example", "A", "127.0.0.1");
    named.server.behave("play.example", Manner::late);
    constexpr uint32_t kStreams = 300;  // more than are told in a turn
    for (uint32_t i = 0; i < kStreams; ++i) named.net.connect(named.port, "play.example");
    REQUIRE(named.run([&] { return named.server.asked("play.example") == 2; }));
    named.server.release_late();
    CHECK(named.run([&] { return named.net.count(FRAMEPUMP_EVENT_CONNECTED) == kStreams; }));
    CHECK_EQ(named.server.asked("play.example"), 2);
  });
}

TEST_CASE("no more names are asked for at a time than names.parallel says, and all have their turn") {
  in_all_ways([](framepump_config config) {
    config.names_parallel = 5;
    Named named(config);
    constexpr uint32_t kNames = 40;
    for (uint32_t i = 0; i < kNames; ++i) {
      const std::string name = "n" + std::to_string(i) + ".example";
      named.server.add(name, "A", "127.0.0.1");
      named.server.behave(name, Manner::late);
      named.net.connect(named.port, name.c_str());
    }
    REQUIRE(named.run([&] { return named.server.total() == 10; }));
    for (int i = 0; i < 20; ++i) {
      named.net.frame();
      named.server.serve();
    }
    CHECK_EQ(named.server.total(), 10);
    CHECK(named.run([&] {
      named.server.release_late();
      return named.net.count(FRAMEPUMP_EVENT_CONNECTED) == kNames;
    }));
    CHECK_EQ(named.server.total(), 2 * kNames);
  });
}

TEST_CASE("who gives up while his name waits in line leaves it, and is not asked for") {
  framepump_config config = default_config();
  config.names_parallel = 1;
  Named named(config);
  named.server.add("first.example", "A", "127.0.0.1");
  named.server.behave("first.example", Manner::late);
  const framepump_handle first = named.net.connect(named.port, "first.example");
  const framepump_handle second = named.net.connect(named.port, "second.example");
  REQUIRE(named.run([&] { return named.server.total() == 2; }));
  api().abort(second);
  REQUIRE(named.run([&] { return named.is_closed(second); }));
  CHECK_EQ(named.net.find(FRAMEPUMP_EVENT_CLOSED, second)->reason, FRAMEPUMP_REASON_ABORTED_HERE);
  named.server.release_late();
  CHECK(named.run([&] { return named.is_connected(first); }));
  CHECK_EQ(named.server.asked("second.example"), 0);
  named.server.add("second.example", "A", "127.0.0.1");
  CHECK(named.connects("second.example"));
}

TEST_CASE("a stream to a name is closed, aborted or shut down before its name is known") {
  in_all_ways([](framepump_config config) {
    Named named(config);
    named.server.add("play.example", "A", "127.0.0.1");
    named.server.behave("play.example", Manner::late);
    TestNetwork& net = named.net;
    const framepump_handle closed = net.connect(named.port, "play.example");
    const framepump_handle aborted = net.connect(named.port, "play.example");
    const framepump_handle delivered = net.connect(named.port, "play.example");
    const framepump_handle shut = net.connect(named.port, "play.example");
    net.write(delivered, "last words");
    net.write(shut, "half");
    REQUIRE(named.run([&] { return named.server.total() == 2; }));
    api().close(closed);
    api().abort(aborted);
    api().close(delivered);
    api().shutdown_write(shut);
    REQUIRE(named.run([&] { return named.is_closed(closed) && named.is_closed(aborted); }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, closed)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, aborted)->reason, FRAMEPUMP_REASON_ABORTED_HERE);
    named.server.release_late();
    REQUIRE(named.run([&] { return named.is_closed(delivered) && named.is_closed(shut); }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, delivered)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 2);
  });
}

TEST_CASE("a network is destroyed while names are looked up, cached and in line, and nothing is left behind") {
  in_all_ways([](framepump_config config) {
    config.names_parallel = 2;
    Named named(config);
    named.server.add("play.example", "A", "127.0.0.1");
    CHECK(named.connects("play.example"));
    for (int i = 0; i < 10; ++i) {
      const std::string name = "n" + std::to_string(i) + ".example";
      named.server.behave(name, Manner::never);
      named.net.connect(named.port, name.c_str());
    }
    REQUIRE(named.run([&] { return named.server.total() >= 6; }));
  });
  Named unticked;
  unticked.net.connect(unticked.port, "play.example");  // the file thread is at work
}

TEST_CASE("names that cannot be are refused with a text, and take no place") {
  TestNetwork net;
  framepump_handle stream = 0;
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "b\xc3\xbc" "cher.example", 80, FRAMEPUMP_PRIORITY_NORMAL, 0, nullptr};
  CHECK_EQ(api().connect(net.handle(), &endpoint, &stream), FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC);
  CHECK(contains(net.last_error(), "xn--"));
  CHECK(contains(net.last_error(), "cher.example"));
  CHECK_EQ(net.totals().streams, 0);
}

TEST_CASE("a flood of answers is read a few at a time: with a slice of 0 it takes many ticks") {
  framepump_config config = default_config();
  config.slice_us = 0;
  Named named(config);
  named.server.add("play.example", "A", "127.0.0.1");
  named.server.behave("silent.example", Manner::never);  // keeps the socket open, in which the flood waits
  named.net.connect(named.port, "silent.example");
  REQUIRE(named.run([&] { return named.server.asked("silent.example") == 2; }));
  named.server.behave("play.example", Manner::late);
  const framepump_handle stream = named.net.connect(named.port, "play.example");
  REQUIRE(named.run([&] { return named.server.asked("play.example") == 2; }));
  for (int i = 0; i < 100; ++i) named.server.repeat_late();  // 200 datagrams, which fit the kernel's buffer
  named.server.release_late();
  uint32_t busy_ticks = 0;
  for (int i = 0; i < 200; ++i) busy_ticks += named.net.tick().left_over > 0 ? 1 : 0;
  CHECK(busy_ticks >= 200 / 16 - 2);
  CHECK(named.run([&] { return named.is_connected(stream); }));
}

#endif
