// SPDX-License-Identifier: MIT
//
// Connections that fail, and peers that go away, politely or not.
#include <doctest/doctest.h>

#include <string>

#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

// A port where nobody listens: it was somebody's a moment ago.
uint32_t deserted_port() { return PlainSocket::listen().port(); }

}  // namespace

TEST_CASE("a connection that nobody takes closes as refused, says who refused, and was never connected") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    const uint32_t port = deserted_port();
    const framepump_handle stream = net.connect(port);
    CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_REFUSED);
    const std::string text = net.find(FRAMEPUMP_EVENT_CLOSED, stream)->text;
    CAPTURE(text);
    CHECK(text.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
    CHECK(text.find("refused") != std::string::npos);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CONNECTED), 0);
    CHECK(run_until({&net}, [&] { return net.totals().streams == 0; }));
  });
}

TEST_CASE("what was written before a connection was refused is dropped and given back") {
  TestNetwork net;
  const uint64_t used_before = net.totals().memory_used_bytes;
  const framepump_handle stream = net.connect(deserted_port());
  net.write(stream, std::string(500'000, 'x'));
  CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_REFUSED);
  CHECK(run_until({&net}, [&] { return net.totals().memory_used_bytes == used_before; }));
}

TEST_CASE("bytes that came before a reset stay readable, and the stream closes once, as reset") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    pair.peer.send("the last words");
    REQUIRE(run_until({&net}, [&] { return net.available(pair.stream) == 14; }));
    pair.peer.reset();
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_RESET);
    for (int i = 0; i < 5; ++i) net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
    CHECK_EQ(net.info(pair.stream).state, FRAMEPUMP_STATE_CLOSED);
    CHECK_EQ(net.read_all(pair.stream), "the last words");
    net.frame();
    uint64_t bytes = 0;
    CHECK_EQ(api().available(pair.stream, &bytes), FRAMEPUMP_ERROR_STALE_HANDLE);
  });
}

TEST_CASE("a reset in the middle of what we send closes the stream as reset, raises no SIGPIPE and gives all memory back") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    const uint64_t used_before = net.totals().memory_used_bytes;
    PlainPair pair(net);
    net.write(pair.stream, std::string(4'000'000, 'x'));
    REQUIRE(run_until({&net}, [&] { return net.info(pair.stream).sent_bytes > 0; }));
    pair.peer.reset();  // a SIGPIPE would end this program
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_RESET);
    uint64_t taken = 0;
    CHECK_EQ(api().write(pair.stream, "x", 1, &taken), FRAMEPUMP_ERROR_CLOSED);
    CHECK(run_until({&net}, [&] { return net.totals().memory_used_bytes == used_before; }));
  });
}

TEST_CASE("a peer that vanishes while bytes are under way is dead after stream.dead_after_s") {
  in_both_modes([](framepump_config config) {
    config.dead_after_s = 1;
    TestNetwork net(config);
    PlainPair pair(net);
    pair.peer.vanish();
    net.write(pair.stream, "is anybody there?");
    const int64_t begin_us = now_us();
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_PEER_DEAD);
    if (!is_sanitized()) CHECK_GE(now_us() - begin_us, 900'000);
  });
}

TEST_CASE("a peer that vanishes from an idle connection is dead after keepalive and stream.dead_after_s") {
  framepump_config config = default_config();
  config.keepalive_s = 1;
  config.dead_after_s = 2;
  TestNetwork net(config);
  PlainPair pair(net);
  pair.peer.vanish();
  CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_PEER_DEAD);
}

TEST_CASE("an accepted peer that vanishes is dead, too") {
  framepump_config config = default_config();
  config.keepalive_s = 1;
  config.dead_after_s = 1;
  TestNetwork net(config);
  const framepump_handle listener = net.listen();
  PlainSocket peer = PlainSocket::connect(net.port_of(listener));
  REQUIRE(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 1; }));
  peer.vanish();
  CHECK_EQ(reason_of_close(net, net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle), FRAMEPUMP_REASON_PEER_DEAD);
}

TEST_CASE("a peer that lives but does not read for longer than stream.dead_after_s is not kicked, and gets every byte") {
  framepump_config config = default_config();
  config.dead_after_s = 1;
  config.threaded = 0;
  TestNetwork net(config);
  framepump_config patient = default_config();
  patient.receive_limit_kib = 64;
  patient.budget_kib = 2048;
  TestNetwork lazy(patient);
  const Pair pair = connect_pair(net, lazy);
  const std::string sent = pattern(21, 0, 12'000'000);
  uint64_t written = 0;
  const auto write_more = [&] {
    if (written < sent.size()) written += net.write(pair.client, std::string_view(sent).substr(written));
  };
  const int64_t begin_us = now_us();
  CHECK(run_until({&net, &lazy}, [&] {
    write_more();
    return now_us() - begin_us > 3'500'000;
  }));
  CHECK(net.find(FRAMEPUMP_EVENT_CLOSED) == nullptr);
  CHECK_LT(written, sent.size());
  std::string got;
  CHECK(run_until({&net, &lazy}, [&] {
    write_more();
    got += lazy.read_all(pair.server);
    return got.size() == sent.size();
  }));
  CHECK(got == sent);
}

TEST_CASE("stream.dead_after_s changed while the network runs is for new streams: none is kicked for it, none has turns for nothing") {
  for (const bool is_accepted : {false, true}) {
    CAPTURE(is_accepted);
    framepump_config config = default_config();
    config.dead_after_s = 1;
    TestNetwork net(config);
    const framepump_handle listener = net.listen();
    PlainSocket plain_listener = PlainSocket::listen();
    PlainSocket peer;
    framepump_handle stream = 0;
    if (is_accepted) {
      config.dead_after_s = 3600;  // the listener hands on what it was opened with
      REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK);
      peer = PlainSocket::connect(net.port_of(listener));
      REQUIRE(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 1; }));
      stream = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
    } else {
      stream = net.connect(plain_listener.port());
      REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }));
      peer = plain_listener.accept();
    }
    const std::string sent(1'000'000, 'x');
    REQUIRE(run_until({&net}, [&] { return net.write(stream, sent) == 0 && net.info(stream).unsent_bytes > sent.size(); }));
    config.dead_after_s = is_accepted ? 3600 : 0;
    REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK);
    // The peer lives and takes nothing for three times as long as the stream's own time-out.
    uint32_t frames = 0;
    uint32_t turns = 0;
    const int64_t begin_us = now_us();
    run_until({&net}, [&] {
      ++frames;
      turns += net.report().turns;
      return now_us() - begin_us > 3'000'000;
    });
    CHECK(net.find(FRAMEPUMP_EVENT_CLOSED) == nullptr);
    CHECK_LT(turns, frames / 4);
  }
}

TEST_CASE("a connect that nobody answers closes as connect timed out, after stream.connect_timeout_ms") {
  in_both_modes([](framepump_config config) {
    config.connect_timeout_ms = 300;
    TestNetwork net(config);
    PlainSocket black_hole = PlainSocket::listen();
    black_hole.vanish();
    const framepump_handle stream = net.connect(black_hole.port());
    const int64_t begin_us = now_us();
    CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_CONNECT_TIMED_OUT);
    if (!is_sanitized()) CHECK_GE(now_us() - begin_us, 290'000);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CONNECTED), 0);
  });
}

TEST_CASE("close ends a connect that nobody answers at once, and the connect time-out does not tell it twice") {
  framepump_config config = default_config();
  config.connect_timeout_ms = 100;
  TestNetwork net(config);
  PlainSocket black_hole = PlainSocket::listen();
  black_hole.vanish();
  const framepump_handle stream = net.connect(black_hole.port());
  net.frame();
  CHECK_EQ(api().close(stream), FRAMEPUMP_OK);
  CHECK_EQ(reason_of_close(net, stream, 90), FRAMEPUMP_REASON_CLOSED_HERE);
  const int64_t end_us = now_us() + 200'000;
  CHECK(run_until({&net}, [&] { return now_us() > end_us; }));
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
}

TEST_CASE("a connection that flush and close saw before the first tick does not time out") {
  TestNetwork net;
  PlainSocket listener = PlainSocket::listen();
  const framepump_handle stream = net.connect(listener.port());
  net.flush();
  REQUIRE_EQ(api().close(net.listen()), FRAMEPUMP_OK);  // a listener closes at once, and nothing else may begin with that
  REQUIRE(run_until({&net}, [&] { return net.seen().size() > 0; }));
  CHECK_EQ(net.seen()[0].kind, FRAMEPUMP_EVENT_CONNECTED);
  CHECK_EQ(net.seen()[0].handle, stream);
}

// The game's clock starts at 0, while the system's has been running for long.
TEST_CASE("time-outs run on the game's clock, whatever it starts at and whoever pumped before the first tick") {
  in_both_modes([](framepump_config config) {
    config.connect_timeout_ms = 1000;
    TestNetwork net(config);
    PlainSocket black_hole = PlainSocket::listen();
    black_hole.vanish();
    const framepump_handle stream = net.connect(black_hole.port());
    REQUIRE_EQ(api().wait_until(net.handle(), now_us() + 5000, FRAMEPUMP_WAIT_DEADLINE), FRAMEPUMP_OK);
    const int64_t begin_us = now_us();
    net.use_clock([begin_us] { return now_us() - begin_us; });
    CHECK_EQ(reason_of_close(net, stream, 5000), FRAMEPUMP_REASON_CONNECT_TIMED_OUT);  // the kernel's own comes later
  });
}

TEST_CASE("a stream that moves nothing closes as idle timed out, and one that moves a byte now and then does not") {
  in_both_modes([](framepump_config config) {
    config.idle_timeout_ms = 2'000;
    TestNetwork net(config);
    PlainPair quiet(net);
    PlainPair busy(net);
    int64_t next_us = 0;
    CHECK(run_until({&net}, [&] {
      if (now_us() > next_us) {
        busy.peer.send(".");
        next_us = now_us() + 100'000;
      }
      return net.find(FRAMEPUMP_EVENT_CLOSED) != nullptr;
    }));
    CHECK_EQ(reason_of_close(net, quiet.stream, 0), FRAMEPUMP_REASON_IDLE_TIMED_OUT);
    if (!is_sanitized()) CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
  });
}

TEST_CASE("an idle time-out set while the network runs ends a stream that was quiet before") {
  in_both_modes([](framepump_config config) {
    TestNetwork net(config);
    PlainPair pair(net);
    for (int i = 0; i < 5; ++i) net.frame();
    config.idle_timeout_ms = 200;
    REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK);
    CHECK_EQ(reason_of_close(net, pair.stream, 3000), FRAMEPUMP_REASON_IDLE_TIMED_OUT);
  });
}

TEST_CASE("a stream whose gameplay does not read is not idle, and loses nothing") {
  framepump_config config = default_config();
  config.receive_limit_kib = 64;
  TestNetwork net(config);
  TestNetwork sender;  // it stands still too, so it must not share the time-out
  const std::string sent = pattern(3, 0, 4'000'000);
  const framepump_handle out = sender.connect(net.port_of(net.listen()));
  REQUIRE(run_until({&net, &sender}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 1; }));
  const framepump_handle in = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
  REQUIRE_EQ(sender.write(out, sent), sent.size());
  REQUIRE(run_until({&net, &sender}, [&] { return (net.info(in).flags & FRAMEPUMP_STREAM_RECEIVE_BLOCKED) != 0; }));
  config.idle_timeout_ms = is_sanitized() ? 1'000 : 200;
  REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK);
  const int64_t end_us = now_us() + int64_t{config.idle_timeout_ms} * 3'000;
  CHECK(run_until({&net, &sender}, [&] { return now_us() > end_us; }));
  CHECK(net.find(FRAMEPUMP_EVENT_CLOSED, in) == nullptr);
  std::string got;
  CHECK(run_until({&net, &sender}, [&] { return (got += net.read_all(in)).size() == sent.size(); }));
  CHECK(got == sent);
}

TEST_CASE("a peer that half-closed and then resets is noticed, though gameplay writes nothing") {
  for (const uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    in_both_modes([&](framepump_config config) {
      config.backend = backend;
      TestNetwork net(config);
      PlainPair pair(net, FRAMEPUMP_STREAM_HALF_OPEN);
      pair.peer.shutdown_write();
      REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_PEER_HALF_CLOSED, pair.stream) != nullptr; }));
      pair.peer.reset();
      CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_RESET);
    });
  }
}
