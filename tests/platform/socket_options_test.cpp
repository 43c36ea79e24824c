// SPDX-License-Identifier: MIT
//
// What accepted sockets inherit, and the receive-window lever.
#include <doctest/doctest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <climits>
#include <fstream>

#include "platform/loopback.h"
#include "platform/socket.h"

using namespace framepump;
using namespace framepump::test;

namespace {

int option_of(const OwnedSocket& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(socket.descriptor(), level, name, &value, &size) == 0 ? value : -1;
}

struct Option {
  const char* text;
  int level;
  int name;
};
const Option kStreamOptions[] = {
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},           {"SO_TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},          {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL},       {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},
    {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT}, {"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT},
};

StreamOptions unusual_options() {
  StreamOptions options;
  options.keepalive_s = 7;
  options.dead_after_s = 60;
  options.unsent_low_bytes = 16384;
  return options;
}

uint64_t tcp_rmem_max() {
  uint64_t low = 0;
  uint64_t start = 0;
  uint64_t high = 0;
  std::ifstream("/proc/sys/net/ipv4/tcp_rmem") >> low >> start >> high;
  return high;
}

int unread_bytes(const OwnedSocket& socket) {
  int count = 0;
  ioctl(socket.descriptor(), FIONREAD, &count);
  return count;
}

}  // namespace

TEST_CASE("an accepted stream has every option of its listener without being told") {
  for (const AddressFamily family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
    ListenOptions options;
    options.stream = unusual_options();
    const TestListener listener(family, options);
    const OwnedSocket client = begin_connect(listener.address, options.stream);
    const OwnedSocket server = listener.accept();
    const OwnedSocket untouched_client = begin_connect(TestListener(family).address);
    for (const Option& option : kStreamOptions) {
      CAPTURE(option.text);
      CHECK(option_of(server, option.level, option.name) == option_of(client, option.level, option.name));
    }
    CHECK(option_of(server, IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option_of(server, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option_of(server, IPPROTO_TCP, TCP_KEEPIDLE) == 7);
    CHECK(option_of(server, IPPROTO_TCP, TCP_KEEPINTVL) == 10);
    CHECK(option_of(server, IPPROTO_TCP, TCP_USER_TIMEOUT) == 60'000);
    CHECK(option_of(server, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == 16384);
  }
}

TEST_CASE("options that are off leave the kernel's own values") {
  StreamOptions options;
  options.no_delay = false;
  OwnedSocket ours;
  REQUIRE(open_stream(AddressFamily::ipv4, options, ours.socket).status == IoStatus::ok);
  OwnedSocket plain;
  plain.socket.value = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(plain.socket.is_open());
  for (const Option& option : kStreamOptions) {
    CAPTURE(option.text);
    CHECK(option_of(ours, option.level, option.name) == option_of(plain, option.level, option.name));
  }
}

TEST_CASE("keepalive probes leave time for several before a peer is given up") {
  struct Expected {
    uint32_t keepalive_s, dead_after_s;
    int idle_s, interval_s;
  };
  // Linux gives up at the first probe due after dead_after_s, so that idle plus interval must be well below it.
  const Expected all[] = {{15, 30, 15, 5}, {60, 20, 10, 3}, {1, 86400, 1, 14400}, {5, 1, 1, 1}, {100000, 0, 32767, 0}};
  for (const Expected& e : all) {
    CAPTURE(e.dead_after_s);
    StreamOptions options;
    options.keepalive_s = e.keepalive_s;
    options.dead_after_s = e.dead_after_s;
    OwnedSocket socket;
    REQUIRE(open_stream(AddressFamily::ipv4, options, socket.socket).status == IoStatus::ok);
    CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE) == e.idle_s);
    if (e.interval_s != 0) CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL) == e.interval_s);
    CHECK(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == static_cast<int>(e.dead_after_s * 1000));
  }
}

TEST_CASE("the unsent mark can be set and undone") {
  const SocketPair pair;
  set_unsent_low(pair.client.socket, 16384);
  CHECK(option_of(pair.client, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == 16384);
  set_unsent_low(pair.client.socket, UINT32_MAX);
  CHECK(option_of(pair.client, IPPROTO_TCP, TCP_NOTSENT_LOWAT) == -1);
}

TEST_CASE("quick acknowledgements can be turned off and on") {
  const SocketPair pair;
  set_quick_acks(pair.client.socket, false);
  CHECK(option_of(pair.client, IPPROTO_TCP, TCP_QUICKACK) == 0);
  set_quick_acks(pair.client.socket, true);
  CHECK(option_of(pair.client, IPPROTO_TCP, TCP_QUICKACK) == 1);
}

TEST_CASE("with quick acknowledgements off what came is acknowledged when that is asked for, once") {
  const SocketPair pair;
  const auto unacknowledged_bytes = [&] {
    int bytes = 0;
    REQUIRE(ioctl(pair.server.descriptor(), SIOCOUTQ, &bytes) == 0);
    return bytes;
  };
  int right = 0;  // the machine may be away for as long as the kernel waits
  for (int i = 0; i < 8; ++i) {
    set_quick_acks(pair.client.socket, false);
    REQUIRE(send_text(pair.server, "x").status == IoStatus::ok);
    char byte = 0;
    REQUIRE(becomes_true([&] { return recv(pair.client.descriptor(), &byte, 1, MSG_DONTWAIT) == 1; }));
    const bool was_waiting = unacknowledged_bytes() == 1;
    acknowledge_now(pair.client.socket);
    right += was_waiting && unacknowledged_bytes() == 0 && option_of(pair.client, IPPROTO_TCP, TCP_QUICKACK) == 0 ? 1 : 0;
  }
  CHECK(right >= 6);
}

TEST_CASE("the round-trip time is known once bytes were acknowledged") {
  const SocketPair pair;
  REQUIRE(send_text(pair.client, "x").status == IoStatus::ok);
  CHECK(becomes_true([&] { return kernel_rtt(pair.client.socket).smoothed_us > 0; }));
  CHECK(kernel_rtt(pair.client.socket).smoothed_us < 1'000'000);
  // The first round trip alone may be too short for half of it to be a microsecond.
  CHECK(becomes_true([&] { return send_text(pair.client, "x").status == IoStatus::ok && kernel_rtt(pair.client.socket).deviation_us > 0; }));
}

TEST_CASE("the largest receive mark is half of what the system allows") {
  REQUIRE(tcp_rmem_max() > 0);
  CHECK(largest_receive_mark() == tcp_rmem_max() / 2);
}

TEST_CASE("a receive mark grows the buffer, is capped, and can be lowered again") {
  const SocketPair pair;
  const int before_bytes = option_of(pair.server, SOL_SOCKET, SO_RCVBUF);
  const uint64_t wanted_bytes = largest_receive_mark() / 2;
  const ReceiveMark high = set_receive_mark(pair.server.socket, wanted_bytes);
  CHECK(high.mark_bytes == wanted_bytes);
  CHECK(high.buffer_bytes >= wanted_bytes);
  CHECK(high.buffer_bytes > static_cast<uint64_t>(before_bytes));
  CHECK(set_receive_mark(pair.server.socket, UINT64_MAX).mark_bytes == largest_receive_mark());
  const ReceiveMark low = set_receive_mark(pair.server.socket, kLowestReceiveMark);
  CHECK(low.mark_bytes == 1);
  CHECK(low.buffer_bytes >= high.buffer_bytes);  // a buffer once raised stays
  CHECK(set_receive_mark(pair.server.socket, 0).mark_bytes == 1);
}

TEST_CASE("data below a receive mark can be taken") {
  const SocketPair pair;
  REQUIRE(set_receive_mark(pair.server.socket, 1 << 20).mark_bytes == 1 << 20);
  REQUIRE(send_text(pair.client, "few").status == IoStatus::ok);
  std::string text;
  CHECK(receive_exactly(pair.server, text, 3));
  CHECK(text == "few");
}

TEST_CASE("with a high mark the kernel takes more without being read than without") {
  const auto taken_unread = [](uint64_t mark_bytes) {
    const SocketPair pair;
    set_receive_mark(pair.server.socket, mark_bytes);
    const std::string chunk(1 << 18, 'x');
    int last = -1;
    // Full when a tenth of a second brings nothing more.
    for (int quiet = 0; quiet < 10;) {
      while (send_text(pair.client, chunk).status == IoStatus::ok) {
      }
      poll(nullptr, 0, 10);
      const int now = unread_bytes(pair.server);
      quiet = now == last ? quiet + 1 : 0;
      last = now;
    }
    return last;
  };
  const int plain = taken_unread(kLowestReceiveMark);
  const int raised = taken_unread(INT_MAX);
  CAPTURE(plain);
  CAPTURE(raised);
  CHECK(raised > 2 * plain);
}
