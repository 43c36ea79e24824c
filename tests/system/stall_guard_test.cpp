// SPDX-License-Identifier: MIT
//
// P8: a game thread that does not tick for seconds, and peers that give up after two.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

// A peer that sends without pause and gives up when nothing of it was taken for `patience_ms`.
class ImpatientSender {
 public:
  ImpatientSender(PlainSocket& socket, uint64_t total_bytes, int patience_ms)
      : socket_(socket), total_bytes_(total_bytes), patience_ms_(patience_ms), thread_([this] { run(); }) {}
  ~ImpatientSender() { thread_.join(); }

  bool gave_up() const { return gave_up_; }
  uint64_t sent_bytes() const { return sent_bytes_; }
  bool is_done() const { return gave_up_ || sent_bytes_ == total_bytes_; }

 private:
  void run() {
    const std::string piece = pattern(9, 0, 64 * 1024);
    int64_t moved_at_us = now_us();
    while (!is_done()) {
      const uint64_t begin = sent_bytes_ % piece.size();
      const uint64_t size = std::min<uint64_t>(piece.size() - begin, total_bytes_ - sent_bytes_);
      const int64_t sent = socket_.send_now(std::string_view(piece).substr(begin, size));
      if (sent > 0) {
        sent_bytes_ += static_cast<uint64_t>(sent);
        moved_at_us = now_us();
      } else if (now_us() - moved_at_us > int64_t{patience_ms_} * 1000) {
        gave_up_ = true;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      // About 3 MB a second: more in five seconds than the kernel's buffers hold, less than the receive limit.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (gave_up_) socket_.close();
  }

  PlainSocket& socket_;
  uint64_t total_bytes_;
  int patience_ms_;
  std::atomic<uint64_t> sent_bytes_{0};
  std::atomic<bool> gave_up_{false};
  std::thread thread_;
};

// The game blocks for `stall_ms` in mid-transfer. Returns whether the peer gave up.
bool stall(uint32_t takeover_ms, int stall_ms, int patience_ms) {
  framepump_config config = default_config();
  config.stall_takeover_ms = takeover_ms;
  config.receive_limit_kib = 64 * 1024;
  config.budget_kib = 1024 * 1024;
  config.kernel_window_kib = 0;  // nor the receive window
  TestNetwork net(config);
  PlainPair pair(net);
  pair.peer.keep_small_send_buffer();  // so that the kernel cannot hide the stall
  constexpr uint64_t kTotalBytes = 20'000'000;
  ImpatientSender sender(pair.peer, kTotalBytes, patience_ms);
  uint64_t got = 0;
  bool is_right = true;
  const std::string content = pattern(9, 0, 64 * 1024);
  const auto read = [&] {
    const std::string bytes = net.read_all(pair.stream);
    for (uint64_t i = 0; i < bytes.size(); i += 997) is_right = is_right && bytes[i] == content[(got + i) % content.size()];
    got += bytes.size();
  };
  REQUIRE(run_until({&net}, [&] {
    read();
    return got > 200'000;
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(stall_ms));  // the level loads
  CHECK(run_until({&net}, [&] {
    read();
    return sender.is_done() && got == sender.sent_bytes();
  }, 60'000));
  CHECK(is_right);
  CHECK_EQ(net.totals().guard_takeovers > 0, takeover_ms > 0);
  return sender.gave_up();
}

}  // namespace

TEST_CASE("while the game thread is blocked for five seconds the guard keeps peers that give up after two") {
  const bool gave_up = is_sanitized() ? stall(100, 7'000, 3'000) : stall(100, 5'000, 2'000);
  CHECK_FALSE(gave_up);
}

TEST_CASE("without the guard a peer that gives up after two seconds is lost in a stall of five") {
  CHECK(stall(0, 5'000, 2'000));
}

TEST_CASE("a tick never waits for the token while the guard pumps, and gets it soon") {
  framepump_config config = default_config();
  config.stall_takeover_ms = 20;
  config.receive_limit_kib = 64 * 1024;
  config.budget_kib = 1024 * 1024;
  TestNetwork net(config);
  PlainPair pair(net);
  std::atomic<bool> stop{false};
  std::thread firehose([&] {
    const std::string piece(256 * 1024, 'x');
    while (!stop) {
      if (pair.peer.send_now(piece) <= 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  const uint64_t busy_before = net.totals().token_busy;
  uint64_t received_before = 0;
  uint32_t busy = 0;
  uint32_t slow = 0;
  uint32_t worst_busy_run = 0;
  uint32_t busy_run = 0;
  const auto goes_on = [&](int round) { return round < (is_sanitized() ? 6 : 30) || (round < 60 && net.totals().guard_takeovers == 0); };
  for (int i = 0; goes_on(i); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the guard takes over
    for (int k = 0; k < 5; ++k) {
      net.tick();
      net.read_all(pair.stream);
      if (net.report().token_busy == 0) {
        busy_run = 0;
        continue;
      }
      ++busy;
      slow += net.report().tick_us > 20'000;
      const uint64_t received = net.totals().received_bytes;
      if (received != received_before) worst_busy_run = std::max(worst_busy_run, ++busy_run);  // else the guard has no processor
      received_before = received;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  stop = true;
  firehose.join();
  CHECK_GT(net.totals().guard_takeovers, 0);
  CHECK_EQ(busy, net.totals().token_busy - busy_before);
  if (is_sanitized()) return;
  CHECK_LE(slow * 10, busy);  // it publishes and returns; the rest is the machine
  CHECK_LE(worst_busy_run, 25);  // it lets go after the turn that it is in, once the machine gives it a processor
}
