// SPDX-License-Identifier: MIT
//
// P6: what gameplay looks at stays as it is, and what it parses comes out whole wherever blocks and packets end.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gate/block.h"
#include "support/frames.h"
#include "support/plain_pair.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

// Sends the pattern of a seed for as long as it lives and somebody reads.
class Firehose {
 public:
  Firehose(const PlainSocket& socket, uint64_t seed) : socket_(socket), seed_(seed), thread_([this] { run(); }) {}
  ~Firehose() {
    stop_ = true;
    thread_.join();
  }

 private:
  void run() {
    for (uint64_t sent = 0; !stop_;) {
      const std::string piece = pattern(seed_, sent, 16 * 1024);
      for (size_t done = 0; done < piece.size() && !stop_;) {
        const int64_t step = socket_.send_now(std::string_view(piece).substr(done));
        if (step > 0) done += static_cast<size_t>(step);
        if (step <= 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      sent += piece.size();
    }
  }

  const PlainSocket& socket_;
  uint64_t seed_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct View {
  const char* begin = nullptr;
  std::string copy;
  bool is_unchanged() const { return std::string_view(begin, copy.size()) == copy; }
};

View front_of(framepump_handle stream) {
  const void* view = nullptr;
  uint64_t size_bytes = 0;
  if (api().front(stream, &view, &size_bytes) != FRAMEPUMP_OK) return {};
  return {static_cast<const char*>(view), std::string(static_cast<const char*>(view), size_bytes)};
}

View peek_of(framepump_handle stream, uint64_t size_bytes) {
  const void* view = nullptr;
  if (api().peek(stream, size_bytes, &view) != FRAMEPUMP_OK) return {};
  return {static_cast<const char*>(view), std::string(static_cast<const char*>(view), size_bytes)};
}

// Messages of one length: four bytes that say how many follow, and these.
std::string message_of(uint64_t seed, uint64_t number, uint64_t size_bytes) {
  const uint32_t body_bytes = static_cast<uint32_t>(size_bytes - sizeof(uint32_t));
  std::string message(sizeof(body_bytes), '\0');
  std::memcpy(message.data(), &body_bytes, sizeof(body_bytes));
  return message + pattern(seed, number * size_bytes, body_bytes);
}

// A parser as games write them: look for the length, look for the message, take it.
class Parser {
 public:
  Parser(framepump_handle stream, uint64_t seed, uint64_t size_bytes) : stream_(stream), seed_(seed), size_bytes_(size_bytes) {}

  // Takes all complete messages but the last, so that the queue never runs empty and its blocks follow each other without a gap.
  void parse_all_but_last() {
    while (parse_one()) {
    }
  }
  uint64_t messages() const { return messages_; }
  uint64_t joined() const { return joined_; }
  bool is_right() const { return is_right_; }

 private:
  bool parse_one() {
    const void* view = nullptr;
    if (api().peek(stream_, sizeof(uint32_t), &view) != FRAMEPUMP_OK) return false;
    uint32_t body_bytes = 0;
    std::memcpy(&body_bytes, view, sizeof(body_bytes));
    const uint64_t size_bytes = sizeof(body_bytes) + uint64_t{body_bytes};
    is_right_ = is_right_ && size_bytes == size_bytes_;
    if (!is_right_) return false;
    const bool crosses_seam = front_of(stream_).copy.size() < size_bytes;
    if (api().peek(stream_, size_bytes, &view) != FRAMEPUMP_OK) return false;
    is_right_ = std::string_view(static_cast<const char*>(view), size_bytes) == message_of(seed_, messages_, size_bytes);
    uint64_t available_bytes = 0;
    api().available(stream_, &available_bytes);
    if (available_bytes == size_bytes) return false;
    joined_ += crosses_seam;
    ++messages_;
    return api().consume(stream_, size_bytes) == FRAMEPUMP_OK;
  }

  framepump_handle stream_;
  uint64_t seed_;
  uint64_t size_bytes_;
  uint64_t messages_ = 0;
  uint64_t joined_ = 0;  // messages that lay across the seam of two blocks
  bool is_right_ = true;
};

// Feeds messages of `size_bytes` in pieces, a frame or more for each, so that blocks of `block_bytes` and pieces end everywhere inside
// of a message: for each place of a seam in it, a cut at each of `cuts`.
struct Feed {
  uint64_t size_bytes;
  uint64_t block_bytes;
  uint64_t largest_piece_bytes;
  std::vector<uint64_t> cuts;  // within the message that lies across the seam
};

void feed_and_parse(const framepump_config& config, const Feed& feed, uint64_t seed, uint64_t seams) {
  CAPTURE(seed);
  TestNetwork net(config);
  PlainPair pair(net);
  Parser parser(pair.stream, seed, feed.size_bytes);
  std::string unsent;
  uint64_t made = 0;
  uint64_t sent_bytes = 0;
  const auto send_until = [&](uint64_t end) {
    while (sent_bytes < end) {
      const uint64_t piece_bytes = std::min(feed.largest_piece_bytes, end - sent_bytes);
      while (unsent.size() < piece_bytes) unsent += message_of(seed, made++, feed.size_bytes);
      pair.peer.send(std::string_view(unsent).substr(0, piece_bytes));
      unsent.erase(0, piece_bytes);
      sent_bytes += piece_bytes;
      const int64_t limit_us = now_us() + 20'000'000;
      do {
        net.frame();
        parser.parse_all_but_last();
      } while (net.totals().received_bytes < sent_bytes && now_us() < limit_us);
      net.tick();
      parser.parse_all_but_last();
      REQUIRE(parser.is_right());
    }
  };
  for (uint64_t seam = 1; seam <= seams; ++seam) {
    const uint64_t seam_at = seam * feed.block_bytes;
    const uint64_t message_at = seam_at / feed.size_bytes * feed.size_bytes;
    send_until(message_at + feed.cuts[seam % feed.cuts.size()]);
  }
  send_until((made + 1) * feed.size_bytes);
  CHECK(parser.is_right());
  CHECK_GE(parser.messages(), seams * feed.block_bytes / feed.size_bytes);
  // In threaded mode it is chance which bytes a block begins with.
  if (config.threaded == 0) CHECK_GE(parser.joined(), seams * 9 / 10);
}

}  // namespace

TEST_CASE("views stay valid and unchanged until the next tick or consume while bytes keep arriving") {
  in_both_modes([](framepump_config config) {
    config.budget_kib = 1024;  // little memory, so that what is freed too early is soon somebody else's
    TestNetwork net(config);
    PlainPair watched(net);
    PlainPair other(net);
    const Firehose watched_hose(watched.peer, 4001);
    const Firehose other_hose(other.peer, 4002);
    PatternReader other_reader(other.stream, 4002);
    uint64_t read_bytes = 0;
    bool is_right = true;
    uint32_t moved = 0;   // frames in which bytes arrived while the views were held
    uint32_t joined = 0;  // frames in which a peek across a seam followed the front view
    const auto look_and_wait = [&] {
      const View front = front_of(watched.stream);
      const bool has_seam = front.copy.size() < net.available(watched.stream);
      const View joined_front = has_seam ? peek_of(watched.stream, front.copy.size() + 1) : View{};
      joined += joined_front.begin != nullptr && joined_front.begin != front.begin;
      const uint64_t received_bytes = net.totals().received_bytes;
      other_reader.read();
      net.flush();
      // Time for the pump, which publishes nothing.
      REQUIRE_EQ(api().wait_until(net.handle(), now_us() + 1'000, FRAMEPUMP_WAIT_DEADLINE), FRAMEPUMP_OK);
      moved += net.totals().received_bytes > received_bytes;
      CHECK(front.is_unchanged());
      CHECK(joined_front.is_unchanged());
      is_right = is_right && front.copy == pattern(4001, read_bytes, front.copy.size());
      // Consuming ends these views; what follows is the next bytes.
      const uint64_t step_bytes = front.copy.size() - front.copy.size() / 3;
      REQUIRE_EQ(api().consume(watched.stream, step_bytes), FRAMEPUMP_OK);
      read_bytes += step_bytes;
    };
    CHECK(run_until({&net}, [&] {
      look_and_wait();
      return moved >= 100 && joined >= 50;
    }));
    CHECK(is_right);
    CHECK(other_reader.is_right());
  });
}

TEST_CASE("a parser gets every message whole, at every place of a 2 KiB block's seam and of a cut inside of it") {
  in_both_modes([](const framepump_config& config) {
    constexpr uint64_t kMessageBytes = 23;  // shares no factor with a block, so the seam wanders through the message
    Feed feed = {kMessageBytes, framepump::kSmallPayloadBytes, 900, {}};
    for (uint64_t cut = 1; cut <= kMessageBytes + 1; ++cut) feed.cuts.push_back(cut);  // 24 cuts, so all pairs come up
    const uint64_t seams = kMessageBytes * feed.cuts.size();
    feed_and_parse(config, feed, 4100, is_sanitized() ? seams / 4 : seams);
  });
}

TEST_CASE("a parser gets every message whole when it is about as long as a 64 KiB block") {
  in_both_modes([](const framepump_config& config) {
    const uint64_t block_bytes = framepump::kLargePayloadBytes;
    for (uint64_t size_bytes : {block_bytes - 1, block_bytes + 1}) {
      CAPTURE(size_bytes);
      // Cuts in the length, around it, around the seam.
      const Feed feed = {size_bytes, block_bytes, 1 << 20, {1, 2, 3, 4, 5, 2'000, block_bytes - 2, block_bytes - 1, block_bytes}};
      feed_and_parse(config, feed, 4200, is_sanitized() ? 20 : 60);
    }
  });
}
