// SPDX-License-Identifier: MIT
//
// P3 between datagrams and streams: one budget, and neither starves the other. Progress is counted in ticks, not in time.
#include <doctest/doctest.h>

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/frames.h"
#include "support/plain_enet.h"
#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

// One quantum for each priority in each tick: whoever comes too short shows at once.
framepump_config narrow_config() {
  framepump_config config = default_config();
  config.slice_us = 0;
  return config;
}

// Sends without end whatever the socket takes.
class Firehose {
 public:
  explicit Firehose(PlainSocket& socket) : socket_(socket), thread_([this] { run(); }) {}
  ~Firehose() {
    stop_ = true;
    thread_.join();
  }

 private:
  void run() {
    const std::string piece(64 * 1024, 'x');
    while (!stop_) {
      if (::send(socket_.descriptor(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL) <= 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }

  PlainSocket& socket_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Both {
  explicit Both(const framepump_config& config) : net(config), host(net.open_host()), pair(net) {
    plain.connect(net.host_port(host));
    REQUIRE(run_until({&net}, [&] {
      plain.service();
      return net.count(FRAMEPUMP_EVENT_ACCEPTED) >= 1 && plain.connected().size() == 1;
    }));
  }
  uint64_t read_stream() { return net.read_all(pair.stream).size(); }

  TestNetwork net;
  framepump_handle host;
  PlainEnet plain = PlainEnet::client();
  PlainPair pair;
};

}  // namespace

TEST_CASE("a message gets through in a few ticks while a stream takes all that it can get") {
  Both both(narrow_config());
  Firehose firehose(both.pair.peer);
  REQUIRE(run_until({&both.net}, [&] { return both.read_stream() > 0; }));
  uint64_t stream_bytes = 0;
  std::vector<uint32_t> ticks;  // that each message took
  for (uint32_t number = 0; number < 50; ++number) {
    both.plain.send(both.plain.connected()[0], std::to_string(number));
    both.plain.service();
    ticks.push_back(0);
    const int64_t end_us = now_us() + 10'000'000;
    while (both.net.messages().size() <= number && now_us() < end_us) {
      ++ticks.back();
      both.net.tick();
      stream_bytes += both.read_stream();
      both.plain.service();
    }
    REQUIRE_GT(both.net.messages().size(), number);
    CHECK_EQ(both.net.messages()[number].text, std::to_string(number));
  }
  // Each source has its turn: the host's two, the stream's two, and what the tick before left over. A busy kernel may deliver some later.
  std::sort(ticks.begin(), ticks.end());
  CHECK_LE(ticks[ticks.size() * 9 / 10], 8);
  CHECK_GT(stream_bytes, 0);
}

TEST_CASE("a download arrives whole while a peer floods, and the peer's reliable messages among the flood do, too") {
  for (uint32_t mode : {FRAMEPUMP_MODE_FRAME_LOCKED, FRAMEPUMP_MODE_THREADED}) {
    CAPTURE(mode);
    framepump_config config = narrow_config();
    config.threaded = mode;
    Both both(config);
    constexpr uint64_t kSizeBytes = 4'000'000;
    std::thread sender([&] { both.pair.peer.send(pattern(31, 0, kSizeBytes)); });
    PatternReader reader(both.pair.stream, 31);
    const std::string message(300, 'm');
    uint32_t reliable_sent = 0;
    uint32_t reliable_got = 0;
    uint64_t unreliable_got = 0;
    CHECK(run_until({&both.net}, [&] {
      for (int i = 0; i < 300; ++i) both.plain.send(both.plain.connected()[0], message, 0, 0);
      const std::string next = std::to_string(reliable_sent);
      if (reliable_sent < 30) both.plain.send(both.plain.connected()[0], next, ENET_PACKET_FLAG_RELIABLE, 1);
      if (reliable_sent < 30) ++reliable_sent;
      both.plain.service();
      for (const SeenMessage& seen : both.net.messages()) {
        if (seen.delivery == FRAMEPUMP_RELIABLE) {
          CHECK_EQ(seen.text, std::to_string(reliable_got++));
        } else {
          ++unreliable_got;
        }
      }
      both.net.forget_messages();
      reader.read();
      return reader.read_bytes() == kSizeBytes && reliable_got == 30;
    }, 30'000));
    sender.join();
    CHECK(reader.is_right());
    CHECK_GT(unreliable_got, 100);
    CHECK_EQ(both.plain.disconnects(), 0);
  }
}
