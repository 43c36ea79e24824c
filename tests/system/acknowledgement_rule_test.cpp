// SPDX-License-Identifier: MIT
//
// The acknowledgement rule over loopback: what the sender's kernel still holds when its message has been read.
#include <doctest/doctest.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/openssl.h"
#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

constexpr int kCrowd = 64;   // open streams, from which on the rule holds
constexpr int kEnough = 20;  // for a stream that talks, and for the quick acknowledgements that the kernel gives a new connection

// What the kernel has for the plugin's end of the connection to a port.
class KernelEnd {
 public:
  explicit KernelEnd(uint32_t port) {
    constexpr int kMostDescriptors = 1024;
    for (int descriptor = 0; descriptor < kMostDescriptors && descriptor_ < 0; ++descriptor) {
      sockaddr_in to = {};
      socklen_t size_bytes = sizeof(to);
      const bool has_peer = getpeername(descriptor, reinterpret_cast<sockaddr*>(&to), &size_bytes) == 0;
      if (has_peer && ntohs(to.sin_port) == port) descriptor_ = descriptor;
    }
    REQUIRE_GE(descriptor_, 0);
  }
  // Whether a small message is acknowledged within the call that reads it.
  bool are_acks_quick() const {
    int is_on = -1;
    socklen_t size_bytes = sizeof(is_on);
    REQUIRE_EQ(getsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &is_on, &size_bytes), 0);
    return is_on != 0;
  }
  void turn_quick_acks_on() const {
    constexpr int kOn = 1;
    REQUIRE_EQ(setsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &kOn, sizeof(kOn)), 0);
  }
  // Segments that carried no bytes.
  uint32_t bare_acknowledgements() const {
    tcp_info info = {};
    socklen_t size_bytes = sizeof(info);
    REQUIRE_EQ(getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &size_bytes), 0);
    return info.tcpi_segs_out - info.tcpi_data_segs_out;
  }

 private:
  int descriptor_ = -1;
};

struct TalkPair {
  explicit TalkPair(const framepump_config& config, int streams = kCrowd, uint32_t flags = 0) : net(config), pair(net, flags) {
    for (int i = 1; i < streams; ++i) silent.emplace_back(net);
  }

  // A message, read; true if it is not acknowledged then, or so much later. Goes on when it is.
  bool say(std::string_view bytes, int patience_ms = 0) {
    pair.peer.send(bytes);
    std::string got;
    REQUIRE(run_until({&net}, [&] { return (got += net.read_all(pair.stream)).size() == bytes.size(); }));
    CHECK(got == bytes);
    for (int ms = 0; ms < patience_ms && unacknowledged_bytes() > 0; ++ms) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const bool is_pending = unacknowledged_bytes() > 0;
    REQUIRE(run_until({&net}, [&] { return unacknowledged_bytes() == 0; }));
    return is_pending;
  }
  // Of eight messages; the machine may be away for longer than an acknowledgement waits, or put one off by itself.
  int late_of_eight(std::string_view bytes = "a message", int patience_ms = 0) {
    int late = 0;
    for (int i = 0; i < 8; ++i) late += say(bytes, patience_ms) ? 1 : 0;
    return late;
  }
  // Of eight messages that were not acknowledged a while after they were read, on another thread.
  int slow_of_eight() { return late_of_eight("a message", 15); }
  // A message, and gameplay's answer, which the peer reads.
  void ask() {
    pair.peer.send("?");
    REQUIRE(run_until({&net}, [&] { return net.read_all(pair.stream) == "?"; }));
    REQUIRE_EQ(net.write(pair.stream, "!"), 1);
    REQUIRE(run_until({&net}, [&] { return bytes_of(SIOCINQ) == 1; }));
    CHECK_EQ(pair.peer.receive(1), "!");
  }
  void talk() {
    for (int i = 0; i < kEnough; ++i) say("a message");
  }
  int unacknowledged_bytes() const { return bytes_of(SIOCOUTQ); }
  int bytes_of(unsigned long queue) const {
    int bytes = 0;
    REQUIRE_EQ(ioctl(pair.peer.descriptor(), queue, &bytes), 0);
    return bytes;
  }
  KernelEnd own_end() const { return KernelEnd(pair.listener.port()); }
  // Of so many messages, after which the kernel would not acknowledge the next one within the call that reads it.
  int delayed_of(int messages) {
    int delayed = 0;
    for (int i = 0; i < messages; ++i) {
      say("a message");
      delayed += own_end().are_acks_quick() ? 0 : 1;
    }
    return delayed;
  }
  void configure(const framepump_config& config) { REQUIRE_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_OK); }

  TestNetwork net;
  PlainPair pair;
  std::vector<PlainPair> silent;
};

}  // namespace

TEST_CASE("small messages of a stream that talks are acknowledged after the call that reads them, others within it") {
  in_both_modes([](framepump_config config) {
    for (const bool is_on : {true, false}) {
      CAPTURE(is_on);
      config.delayed_acks = is_on ? 1 : 0;
      TalkPair talk(config);
      talk.talk();
      const int late = talk.late_of_eight();
      if (is_on) {
        CHECK_GE(late, 6);
      } else {
        CHECK_LE(late, 2);
      }
    }
  });
}

TEST_CASE("a message of a KiB or more is acknowledged within the call that reads it, and so are those after it") {
  in_both_modes([](const framepump_config& config) {
    TalkPair talk(config);
    int late = 0;
    for (int i = 0; i < 3; ++i) {
      talk.talk();
      late += talk.say(pattern(1, 0, 1024)) ? 1 : 0;
    }
    CHECK_LE(late, 1);
    CHECK_LE(talk.late_of_eight(pattern(1, 0, 1024)), 2);
    CHECK_LE(talk.late_of_eight(), 2);
    talk.talk();
    CHECK_GE(talk.late_of_eight(), 6);
  });
}

TEST_CASE("without a crowd each message is acknowledged within the call that reads it, again when the crowd is gone") {
  TalkPair few(default_config(), kCrowd - 1);
  few.talk();
  CHECK_LE(few.late_of_eight(), 2);
  few.silent.emplace_back(few.net);
  few.talk();
  CHECK_GE(few.late_of_eight(), 6);
  REQUIRE_EQ(api().abort(few.silent.back().stream), FRAMEPUMP_OK);
  REQUIRE(run_until({&few.net}, [&] { return few.net.totals().streams < kCrowd; }));
  few.say("the first that knows it");
  CHECK_LE(few.late_of_eight(), 2);
}

TEST_CASE("on the IO thread a message without a crowd is acknowledged at once, but not within the call that reads it") {
  in_both_modes([](framepump_config config) {
    for (const bool is_on : {true, false}) {
      CAPTURE(is_on);
      config.delayed_acks = is_on ? 1 : 0;
      TalkPair few(config, 1);
      few.talk();
      CHECK_LE(few.slow_of_eight(), 2);
      if (config.threaded != 0 && is_on) {
        CHECK_GE(few.delayed_of(64), 32);
      } else {
        CHECK_EQ(few.delayed_of(64), 0);
      }
      few.say(pattern(1, 0, 1024));
      CHECK(run_until({&few.net}, [&] { return few.own_end().are_acks_quick(); }));
    }
  });
}

TEST_CASE("on the IO thread quick acknowledgements that a burst brought back are turned off again, in a crowd too") {
  framepump_config config = default_config();
  config.threaded = 1;
  TalkPair talk(config, kCrowd - 1);
  talk.talk();
  talk.own_end().turn_quick_acks_on();
  CHECK_GE(talk.delayed_of(64), 24);
  talk.say("one more, should they just have been turned off");
  talk.silent.emplace_back(talk.net);
  talk.own_end().turn_quick_acks_on();
  talk.talk();
  CHECK_GE(talk.late_of_eight(), 6);
}

TEST_CASE("on the IO thread a half-closed stream's messages are acknowledged within the call that reads them") {
  framepump_config config = default_config();
  config.threaded = 1;
  TalkPair few(config, 1, FRAMEPUMP_STREAM_HALF_OPEN);
  few.talk();
  REQUIRE_EQ(api().shutdown_write(few.pair.stream), FRAMEPUMP_OK);
  CHECK(run_until({&few.net}, [&] { return few.own_end().are_acks_quick(); }));
  CHECK_EQ(few.delayed_of(64), 0);
}

TEST_CASE("on the IO thread so are those of a TLS stream") {
  framepump_config config = default_config();
  config.threaded = 1;
  TestNetwork net(config);
  const Pair pair = connect_tls_pair(net, net);
  const KernelEnd end(net.port_of(pair.listener));
  end.turn_quick_acks_on();  // it has spoken in the handshake
  for (int i = 0; i < 64; ++i) {
    REQUIRE_EQ(net.write(pair.server, "a message"), 9);
    std::string got;
    REQUIRE(run_until({&net}, [&] { return (got += net.read_all(pair.client)).size() == 9; }));
    CHECK(end.are_acks_quick());
  }
}

TEST_CASE("on the IO thread a stream that answers acknowledges with its answers") {
  framepump_config config = default_config();
  config.threaded = 1;
  TalkPair few(config, 1);
  for (int i = 0; i < kEnough; ++i) few.ask();
  const uint32_t before = few.own_end().bare_acknowledgements();
  for (int i = 0; i < 24; ++i) few.ask();
  CHECK_LE(few.own_end().bare_acknowledgements() - before, 12);
}

TEST_CASE("stream.delayed_acks can be changed while a stream talks") {
  framepump_config config = default_config();
  TalkPair talk(config);
  talk.talk();
  config.delayed_acks = 0;
  talk.configure(config);
  talk.say("the first that knows it");
  CHECK_LE(talk.late_of_eight(), 2);
  config.delayed_acks = 1;
  talk.configure(config);
  talk.talk();
  CHECK_GE(talk.late_of_eight(), 6);
}
