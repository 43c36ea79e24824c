// SPDX-License-Identifier: MIT
//
// The receive-window rule over loopback: each way in and out of being hot loses no byte and no wake-up.
#include <doctest/doctest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "platform/socket.h"
#include "support/openssl.h"
#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

constexpr uint32_t kHot = FRAMEPUMP_STREAM_HOT;

// A stream that the peer fed enough to make it hot; `got` is what it received.
struct HotPair {
  explicit HotPair(framepump_config config = default_config()) : net(config), pair(net) {}

  // One frame in which `bytes` more arrive.
  void feed(std::string_view bytes) {
    pair.peer.send(bytes);
    sent += bytes;
    const size_t wanted = sent.size();
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.stream)).size() == wanted; }));
  }
  void warm_up() {
    for (int i = 0; i < 50 && !is_hot(); ++i) {
      const std::string piece = pattern(static_cast<uint64_t>(i), 0, 60'000);
      pair.peer.send(piece);
      sent += piece;
      net.frame();
      got += net.read_all(pair.stream);
    }
    REQUIRE(is_hot());
    CHECK(run_until({&net}, [&] { return (got += net.read_all(pair.stream)).size() == sent.size(); }));
    CHECK(got == sent);
  }
  bool is_hot() { return (net.info(pair.stream).flags & kHot) != 0; }

  TestNetwork net;
  PlainPair pair;
  std::string sent;
  std::string got;
};

bool has_no_lever() {
  if (framepump::largest_receive_mark() > 1) return false;
  std::printf("SKIP: this system has no receive mark\n");
  return true;
}

}  // namespace

TEST_CASE("a stream becomes hot and stays right, and its promise is counted and given back") {
  if (has_no_lever()) return;
  HotPair hot;
  const uint64_t first_bytes = hot.net.totals().kernel_window_bytes;
  CHECK_FALSE(hot.is_hot());
  hot.warm_up();
  const framepump_totals totals = hot.net.totals();
  CHECK_GT(totals.kernel_window_bytes, first_bytes);
  CHECK_LE(totals.kernel_window_bytes, uint64_t{default_config().kernel_window_kib} * 1024);
  CHECK_GT(hot.net.info(hot.pair.stream).window_bytes, 64 * 1024);
  REQUIRE_EQ(api().abort(hot.pair.stream), FRAMEPUMP_OK);
  CHECK(run_until({&hot.net}, [&] { return hot.net.totals().kernel_window_bytes == 0; }));
}

TEST_CASE("one tick that drains 24 KiB makes a stream hot, as the second burst of a slow start is larger; many smaller ones do not") {
  if (has_no_lever()) return;
  HotPair hot;
  for (uint64_t i = 0; i < 40; ++i) hot.feed(pattern(i, 0, 24 * 1024 - 1));
  CHECK_FALSE(hot.is_hot());
  for (uint64_t i = 40; i < 50 && !hot.is_hot(); ++i) hot.feed(pattern(i, 0, 24 * 1024));  // a loaded kernel may deliver one in parts
  CHECK(hot.is_hot());
  CHECK(hot.got == hot.sent);
}

TEST_CASE("a stream that connects has a window at once for what comes before the next tick, and is not hot by that") {
  if (has_no_lever()) return;
  framepump_config config = default_config();
  for (const bool is_on : {true, false}) {
    CAPTURE(is_on);
    config.kernel_window_kib = is_on ? default_config().kernel_window_kib : 0;
    HotPair hot(config);
    CHECK_FALSE(hot.is_hot());
    CHECK_EQ(hot.net.info(hot.pair.stream).window_bytes, 0);
    hot.sent = pattern(1, 0, 160'000);  // the kernel's own first window is 64 KiB
    hot.pair.peer.send(hot.sent);
    const auto is_all_here = [&] {
      int unacknowledged_bytes = 0;
      REQUIRE_EQ(ioctl(hot.pair.peer.descriptor(), SIOCOUTQ, &unacknowledged_bytes), 0);
      return unacknowledged_bytes == 0;
    };
    CHECK_EQ(run_until({}, is_all_here, is_on ? 10'000 : 300), is_on);
    hot.feed("the rest");
    CHECK(hot.got == hot.sent);
  }
}

TEST_CASE("first windows take a quarter of memory.kernel_window_kib at most, none when threaded, and are given back") {
  if (has_no_lever()) return;
  framepump_config config = default_config();
  config.kernel_window_kib = 8 * 1024;
  const auto charged_for = [](TestNetwork& net, size_t streams) {
    std::vector<PlainPair> pairs;
    for (size_t i = 0; i < streams; ++i) pairs.emplace_back(net);
    const uint64_t charged_bytes = net.totals().kernel_window_bytes;
    for (const PlainPair& pair : pairs) api().abort(pair.stream);
    CHECK(run_until({&net}, [&] { return net.totals().kernel_window_bytes == 0; }));
    return charged_bytes;
  };
  TestNetwork net(config);
  const uint64_t one_bytes = charged_for(net, 1);
  CHECK_GT(one_bytes, 0);
  CHECK_EQ(charged_for(net, 3), 3 * one_bytes);
  const uint64_t many_bytes = charged_for(net, 12);
  CHECK_LE(many_bytes, 2048 * 1024);
  CHECK_GT(many_bytes, 2048 * 1024 - one_bytes);
  config.threaded = 1;
  TestNetwork threaded(config);
  CHECK_EQ(charged_for(threaded, 3), 0);
}

TEST_CASE("a stream to a name has a first window, too, with TLS, and in wait_until; not one that is accepted or closes already") {
  if (has_no_lever()) return;
  TestNetwork server;
  TestNetwork secure;
  connect_tls_pair(secure, server);
  CHECK_GT(secure.totals().kernel_window_bytes, 0);
  CHECK_EQ(server.totals().kernel_window_bytes, 0);

  const PlainSocket listener = PlainSocket::listen();
  TestNetwork named;
  const framepump_handle stream = named.connect(listener.port(), "localhost");
  REQUIRE(run_until({&named}, [&] { return named.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }));
  CHECK_GT(named.totals().kernel_window_bytes, 0);

  TestNetwork waiting;
  waiting.frame();
  waiting.connect(listener.port());
  REQUIRE_EQ(api().wait_until(waiting.handle(), now_us() + 10'000'000, FRAMEPUMP_WAIT_FIRST_DATA), FRAMEPUMP_OK);
  CHECK_GT(waiting.totals().kernel_window_bytes, 0);

  TestNetwork closing;
  const framepump_handle closed = closing.connect(listener.port());
  CHECK_EQ(closing.write(closed, "last words"), 10);
  REQUIRE_EQ(api().close(closed), FRAMEPUMP_OK);
  REQUIRE(run_until({&closing}, [&] { return closing.totals().sent_bytes == 10; }));
  CHECK_EQ(closing.totals().kernel_window_bytes, 0);
}

TEST_CASE("a few bytes below the mark of a hot stream arrive in the next tick, one by one") {
  if (has_no_lever()) return;
  HotPair hot;
  hot.warm_up();
  for (int i = 0; i < 10; ++i) hot.feed(std::string(1, static_cast<char>('a' + i)));
  CHECK(hot.got == hot.sent);
}

TEST_CASE("a hot stream that falls quiet cools down, and wakes for later bytes") {
  if (has_no_lever()) return;
  HotPair hot;
  hot.warm_up();
  for (int i = 0; i < 40; ++i) hot.net.frame();
  CHECK_FALSE(hot.is_hot());
  hot.feed("after the quiet");
  hot.warm_up();  // and can be hot again
}

TEST_CASE("a hot stream keeps every byte and wake-up into threaded mode and back") {
  if (has_no_lever()) return;
  HotPair hot;
  hot.warm_up();
  REQUIRE_EQ(api().set_mode(hot.net.handle(), FRAMEPUMP_MODE_THREADED), FRAMEPUMP_OK);
  hot.pair.peer.send("on the way over");  // below the mark, and perhaps before it is lowered
  hot.sent += "on the way over";
  hot.feed("threaded");
  REQUIRE_EQ(api().set_mode(hot.net.handle(), FRAMEPUMP_MODE_FRAME_LOCKED), FRAMEPUMP_OK);
  hot.feed("and back");
  CHECK(hot.got == hot.sent);
}

TEST_CASE("wait_until on a hot stream wakes for a single byte") {
  if (has_no_lever()) return;
  HotPair hot;
  hot.warm_up();
  std::thread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    hot.pair.peer.send("x");
  });
  const int64_t begin_us = now_us();
  REQUIRE_EQ(api().wait_until(hot.net.handle(), begin_us + 10'000'000, FRAMEPUMP_WAIT_FIRST_DATA), FRAMEPUMP_OK);
  sender.join();
  if (!is_sanitized()) CHECK_LT(now_us() - begin_us, 5'000'000);
  hot.net.tick();
  CHECK_EQ(hot.net.read_all(hot.pair.stream), "x");
}

TEST_CASE("while the guard pumps a hot stream it takes bytes below the mark") {
  if (has_no_lever()) return;
  framepump_config config = default_config();
  config.stall_takeover_ms = 20;
  HotPair hot(config);
  hot.warm_up();
  const uint64_t received_before = hot.net.totals().received_bytes;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  hot.pair.peer.send("guarded");
  for (int i = 0; i < 500 && hot.net.totals().received_bytes != received_before + 7; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK_EQ(hot.net.totals().received_bytes, received_before + 7);
  CHECK_GT(hot.net.totals().guard_takeovers, 0);
}

TEST_CASE("end of stream and reset reach a hot stream, after the last bytes") {
  if (has_no_lever()) return;
  for (bool resets : {false, true}) {
    CAPTURE(resets);
    HotPair hot;
    hot.warm_up();
    hot.pair.peer.send("last words");
    hot.net.frame();
    resets ? hot.pair.peer.reset() : hot.pair.peer.close();
    CHECK_EQ(reason_of_close(hot.net, hot.pair.stream), resets ? FRAMEPUMP_REASON_RESET : FRAMEPUMP_REASON_CLOSED_BY_PEER);
    CHECK_EQ(hot.net.read_all(hot.pair.stream), "last words");
  }
}

TEST_CASE("the promises to hot streams stay within memory.kernel_window_kib, and 0 turns the rule off") {
  if (has_no_lever()) return;
  for (uint32_t window_kib : {0u, 1024u}) {
    CAPTURE(window_kib);
    framepump_config config = default_config();
    config.kernel_window_kib = window_kib;
    TestNetwork net(config);
    PlainPair pairs[4] = {PlainPair(net), PlainPair(net), PlainPair(net), PlainPair(net)};
    const std::string piece(60'000, 'x');
    uint32_t hot = 0;
    for (int i = 0; i < 12; ++i) {
      for (PlainPair& pair : pairs) pair.peer.send(piece);
      net.frame();
      hot = 0;
      for (PlainPair& pair : pairs) {
        net.read_all(pair.stream);
        hot += (net.info(pair.stream).flags & kHot) != 0;
      }
      CHECK_LE(net.totals().kernel_window_bytes, uint64_t{window_kib} * 1024);
    }
    CHECK_EQ(hot > 0, window_kib > 0);
  }
}

TEST_CASE("accepted streams are hot only if their listener's flag or listener.hot_streams allows it") {
  if (has_no_lever()) return;
  for (uint32_t allowed_by_flag : {0u, 1u}) {
    for (uint32_t allowed_by_key : {0u, 1u}) {
      CAPTURE(allowed_by_flag);
      CAPTURE(allowed_by_key);
      framepump_config config = default_config();
      config.hot_streams = allowed_by_key;
      TestNetwork net(config);
      const framepump_handle listener = net.listen("127.0.0.1", 0, allowed_by_flag != 0 ? FRAMEPUMP_LISTEN_HOT : 0);
      PlainSocket peer = PlainSocket::connect(net.port_of(listener));
      REQUIRE(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 1; }));
      const framepump_handle stream = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
      bool was_hot = false;
      for (int i = 0; i < 20; ++i) {
        peer.send(std::string(60'000, 'x'));
        net.frame();
        net.read_all(stream);
        was_hot = was_hot || (net.info(stream).flags & kHot) != 0;
      }
      CHECK_EQ(was_hot, allowed_by_flag + allowed_by_key > 0);
    }
  }
}
