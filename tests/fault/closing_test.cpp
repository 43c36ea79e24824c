// SPDX-License-Identifier: MIT
//
// Ends of streams that gameplay or the peer asks for: half-close, graceful close, linger, abort.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

// What the peer receives until the end, on a thread of its own while the network goes on.
struct Received {
  std::string bytes;
  int error = 0;
};
std::future<Received> receive_beside(PlainSocket& peer) {
  return std::async(std::launch::async, [&peer] {
    Received received;
    received.bytes = peer.receive_to_end(received.error);
    return received;
  });
}

template <typename T>
bool is_done(const std::future<T>& received) {
  return received.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

TEST_CASE("after shutdown_write the peer sees the end and this side reads on") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    const std::string sent = pattern(11, 0, 1'000'000);
    REQUIRE_EQ(net.write(pair.stream, sent), sent.size());
    REQUIRE_EQ(api().shutdown_write(pair.stream), FRAMEPUMP_OK);
    std::future<Received> received = receive_beside(pair.peer);
    REQUIRE(run_until({&net}, [&] { return is_done(received); }));
    const Received got = received.get();
    CHECK_EQ(got.error, 0);
    CHECK(got.bytes == sent);
    CHECK(net.find(FRAMEPUMP_EVENT_CLOSED) == nullptr);
    uint64_t taken = 0;
    CHECK_EQ(api().write(pair.stream, "x", 1, &taken), FRAMEPUMP_ERROR_CLOSED);
    pair.peer.send("still here");
    CHECK(run_until({&net}, [&] { return net.available(pair.stream) == 10; }));
    CHECK_EQ(net.read_all(pair.stream), "still here");
    pair.peer.close();
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_CLOSED_BY_PEER);
  });
}

TEST_CASE("at the peer's end of stream a stream closes by itself, after all it had queued has left") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    const std::string sent = pattern(12, 0, 3'000'000);
    REQUIRE_EQ(net.write(pair.stream, sent), sent.size());
    pair.peer.send("over");
    pair.peer.shutdown_write();
    std::future<Received> received = receive_beside(pair.peer);
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_CLOSED_BY_PEER);
    CHECK(net.find(FRAMEPUMP_EVENT_PEER_HALF_CLOSED) == nullptr);
    CHECK_EQ(net.read_all(pair.stream), "over");
    const Received got = received.get();
    CHECK_EQ(got.error, 0);
    CHECK(got.bytes == sent);
  });
}

TEST_CASE("a half-open stream says that the peer ended, once, and can still write") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net, FRAMEPUMP_STREAM_HALF_OPEN);
    pair.peer.send("over");
    pair.peer.shutdown_write();
    REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_PEER_HALF_CLOSED, pair.stream) != nullptr; }));
    CHECK_EQ(net.info(pair.stream).state, FRAMEPUMP_STATE_PEER_HALF_CLOSED);
    CHECK_EQ(net.read_all(pair.stream), "over");
    for (int i = 0; i < 5; ++i) net.frame();
    CHECK(net.find(FRAMEPUMP_EVENT_CLOSED) == nullptr);
    CHECK_EQ(net.write(pair.stream, "an answer"), 9);
    net.frame();
    CHECK_EQ(pair.peer.receive(9), "an answer");
    REQUIRE_EQ(api().shutdown_write(pair.stream), FRAMEPUMP_OK);
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_CLOSED_BY_PEER);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_PEER_HALF_CLOSED), 1);
    CHECK_EQ(pair.peer.receive(1), "");
  });
}

TEST_CASE("close of a half-open stream whose peer has ended delivers what was written and tells of the end") {
  TestNetwork net;
  PlainPair pair(net, FRAMEPUMP_STREAM_HALF_OPEN);
  pair.peer.shutdown_write();
  REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_PEER_HALF_CLOSED) != nullptr; }));
  const std::string sent = pattern(13, 0, 2'000'000);
  REQUIRE_EQ(net.write(pair.stream, sent), sent.size());
  REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
  std::future<Received> received = receive_beside(pair.peer);
  CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_CLOSED_HERE);
  CHECK(received.get().bytes == sent);
}

TEST_CASE("listeners hand half-open on to the streams they accept") {
  TestNetwork net;
  const framepump_handle listener = net.listen("127.0.0.1", 0, FRAMEPUMP_STREAM_HALF_OPEN);
  PlainSocket peer = PlainSocket::connect(net.port_of(listener));
  peer.shutdown_write();
  CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_PEER_HALF_CLOSED) != nullptr; }));
  CHECK(net.find(FRAMEPUMP_EVENT_CLOSED) == nullptr);
}

// With a plain close() one unread byte makes the kernel answer with a reset: of 4.2 MB written, 113 KB arrived.
TEST_CASE("close with unread input still delivers the 4.2 MB written before") {
  in_both_modes([](framepump_config config) {
    config.send_limit_kib = 8192;
    config.receive_limit_kib = 4;  // so most of it is unread in the kernel
    TestNetwork net(config);
    PlainPair pair(net);
    pair.peer.send(std::string(100'000, 'u'));
    REQUIRE(run_until({&net}, [&] { return net.available(pair.stream) > 0; }));
    const std::string sent = pattern(14, 0, 4'200'000);
    REQUIRE_EQ(net.write(pair.stream, sent), sent.size());
    REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
    CHECK_EQ(net.available(pair.stream), 0);
    // The peer talks on while it reads; that is thrown away, and must not be answered by a reset either.
    std::future<std::string> received = std::async(std::launch::async, [&pair] {
      std::string bytes;
      for (std::string part = pair.peer.receive(50'000); !part.empty(); part = pair.peer.receive(50'000)) {
        bytes += part;
        pair.peer.send("and another thing");
      }
      return bytes;
    });
    REQUIRE(run_until({&net}, [&] { return is_done(received); }));
    const std::string got = received.get();
    CHECK_EQ(got.size(), sent.size());
    CHECK(got == sent);
    pair.peer.close();
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_CLOSED_HERE);
  });
}

TEST_CASE("close before the connection stands still delivers what was written") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainSocket listener = PlainSocket::listen();
    const framepump_handle stream = net.connect(listener.port());
    net.write(stream, "hello and goodbye");
    REQUIRE_EQ(api().close(stream), FRAMEPUMP_OK);
    REQUIRE(run_until({&net}, [&] { return net.info(stream).unsent_bytes == 0; }));
    PlainSocket peer = listener.accept();
    CHECK_EQ(peer.receive(100), "hello and goodbye");
    peer.close();
    CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_CLOSED_HERE);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CONNECTED), 0);
  });
}

TEST_CASE("close gives up on a peer that takes nothing after stream.linger_ms") {
  in_both_modes([](framepump_config config) {
    config.linger_ms = 300;
    config.send_limit_kib = 16384;
    TestNetwork net(config);
    const uint64_t used_before = net.totals().memory_used_bytes;
    PlainPair pair(net);
    uint64_t written = 0;
    REQUIRE(run_until({&net}, [&] {  // until the kernel takes no more
      const uint64_t taken = net.write(pair.stream, std::string(1'000'000, 'x'));
      written += taken;
      return taken == 0 && net.info(pair.stream).unsent_bytes > 1'000'000;
    }));
    REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
    const int64_t begin_us = now_us();
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_LINGER_TIMED_OUT);
    if (!is_sanitized()) CHECK_GE(now_us() - begin_us, 290'000);
    CHECK(run_until({&net}, [&] { return net.totals().memory_used_bytes == used_before; }));
  });
}

TEST_CASE("close gives up on a peer that takes everything and never finishes after stream.linger_ms") {
  framepump_config config = default_config();
  config.linger_ms = 200;
  TestNetwork net(config);
  PlainPair pair(net);
  net.write(pair.stream, "all of it");
  REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
  CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_LINGER_TIMED_OUT);
  CHECK_EQ(pair.peer.receive(100), "all of it");
}

TEST_CASE("a closing stream takes no further calls, and its handle is stale after its closed event") {
  TestNetwork net;
  PlainPair pair(net);
  REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
  CHECK_EQ(net.info(pair.stream).state, FRAMEPUMP_STATE_CLOSING);
  uint64_t taken = 0;
  CHECK_EQ(api().write(pair.stream, "x", 1, &taken), FRAMEPUMP_ERROR_CLOSED);
  CHECK_EQ(api().shutdown_write(pair.stream), FRAMEPUMP_ERROR_CLOSED);
  CHECK_EQ(api().close(pair.stream), FRAMEPUMP_OK);  // twice is once
  pair.peer.close();
  CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_CLOSED_HERE);
  net.frame();
  CHECK_EQ(api().close(pair.stream), FRAMEPUMP_ERROR_STALE_HANDLE);
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
}

TEST_CASE("abort drops what was not sent, and the peer sees a reset") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    net.write(pair.stream, "arrives");
    net.frame();
    REQUIRE_EQ(pair.peer.receive(7), "arrives");
    net.write(pair.stream, "does not");
    REQUIRE_EQ(api().abort(pair.stream), FRAMEPUMP_OK);
    std::future<Received> received = receive_beside(pair.peer);
    REQUIRE(run_until({&net}, [&] { return is_done(received); }));
    CHECK_EQ(received.get().error, ECONNRESET);
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_ABORTED_HERE);
    CHECK(run_until({&net}, [&] { return net.totals().streams == 0; }));
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
  });
}

TEST_CASE("an aborted stream leaves its descriptor to the next one, with both backends") {
  for (const uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    in_both_modes([backend](framepump_config config) {
      CAPTURE(backend);
      config.backend = backend;
      TestNetwork net(config);
      for (int i = 0; i < 3; ++i) {
        CAPTURE(i);
        PlainPair pair(net);  // connects, on the descriptor that came free
        REQUIRE_EQ(api().abort(pair.stream), FRAMEPUMP_OK);
        CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_ABORTED_HERE);
      }
    });
  }
}

TEST_CASE("close with stream.linger_ms 0 still hands over what the kernel takes") {
  in_both_modes([](framepump_config config) {
    config.linger_ms = 0;
    TestNetwork net(config);
    for (int i = 0; i < 4; ++i) {  // whoever of sending and receiving has the first turn
      CAPTURE(i);
      PlainPair pair(net);
      for (int k = 0; k < i; ++k) net.frame();
      net.write(pair.stream, "farewell");
      REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
      net.tick();
      CHECK_NE(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_NONE);
      CHECK_EQ(pair.peer.receive(100), "farewell");
    }
  });
}

TEST_CASE("abort ends a close that lingers") {
  TestNetwork net;
  PlainPair pair(net);
  REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
  net.frame();
  REQUIRE_EQ(api().abort(pair.stream), FRAMEPUMP_OK);
  CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_ABORTED_HERE);
}

// The game thread must not ask for the pump token and then never come for it.
TEST_CASE("listeners that close while the IO thread is busy never stop it") {
  framepump_config config = default_config();
  config.threaded = 1;
  TestNetwork net(config);
  PlainPair pair(net);
  const std::string sent = pattern(15, 0, 40'000'000);
  std::future<void> sending = std::async(std::launch::async, [&] { pair.peer.send(sent); });
  uint64_t got_bytes = 0;
  uint64_t next_close_bytes = 0;
  CHECK(run_until({&net}, [&] {
    got_bytes += net.read_all(pair.stream).size();
    if (got_bytes >= next_close_bytes) {
      REQUIRE_EQ(api().close(net.listen()), FRAMEPUMP_OK);
      next_close_bytes = got_bytes + 200'000;
    }
    return got_bytes == sent.size();
  }));
  sending.get();
}

TEST_CASE("connects that are cancelled before their turn came leave the others theirs, at slice 0") {
  const PlainSocket nobody = PlainSocket::listen(64);
  framepump_config config = default_config();
  config.slice_us = 0;
  TestNetwork net(config);
  framepump_handle streams[12];
  for (framepump_handle& stream : streams) stream = net.connect(nobody.port());
  net.tick();
  for (int i : {3, 5, 6}) REQUIRE_EQ(api().close(streams[i]), FRAMEPUMP_OK);
  // One turn a tick and no flush, so that slots are released while others wait.
  for (int i = 0; i < 1000 && net.count(FRAMEPUMP_EVENT_CONNECTED) < 9; ++i) {
    net.tick();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CONNECTED), 9);
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 3);
  for (int i = 0; i < 20; ++i) net.tick();
  CHECK_EQ(net.report().turns, 0);
  CHECK_EQ(net.report().left_over, 0);
}

TEST_CASE("a stream that is closed and aborted in one frame ends once") {
  in_both_modes([](const framepump_config& config) {
    const PlainSocket nobody = PlainSocket::listen(64);
    TestNetwork net(config);
    net.frame();
    const framepump_handle stream = net.connect(nobody.port());
    REQUIRE_EQ(api().close(stream), FRAMEPUMP_OK);
    REQUIRE_EQ(api().abort(stream), FRAMEPUMP_OK);
    CHECK(run_until({&net}, [&] { return net.totals().streams == 0; }));
    for (int i = 0; i < 5; ++i) net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 1);
    CHECK_EQ(net.totals().closes, 1);
  });
}

TEST_CASE("a listener that closes takes nothing along: what was written leaves, and time-outs run from now") {
  for (const uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    framepump_config config = default_config();
    config.threaded = 1;
    config.backend = backend;
    config.linger_ms = is_sanitized() ? 3'000 : 1'500;
    TestNetwork net(config);
    PlainPair pair(net);
    const framepump_handle listener = net.listen();
    const uint32_t port = net.port_of(listener);
    // The IO thread sleeps for longer than the linger time.
    const int64_t begin_us = now_us();
    CHECK(run_until({&net}, [&] { return now_us() - begin_us > int64_t{config.linger_ms} * 1'500; }));
    const std::string sent = pattern(21, 0, 1'000'000);
    REQUIRE_EQ(net.write(pair.stream, sent), sent.size());
    REQUIRE_EQ(api().close(pair.stream), FRAMEPUMP_OK);
    REQUIRE_EQ(api().close(listener), FRAMEPUMP_OK);
    std::future<Received> received = receive_beside(pair.peer);
    CHECK(run_until({&net}, [&] { return is_done(received); }));
    CHECK(received.get().bytes == sent);
    pair.peer.close();
    CHECK_EQ(reason_of_close(net, pair.stream), FRAMEPUMP_REASON_CLOSED_HERE);
    const framepump_handle again = net.listen("127.0.0.1", port);  // the kernel let go of the port
    CHECK_EQ(net.port_of(again), port);
  }
}
