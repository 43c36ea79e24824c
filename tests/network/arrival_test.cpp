// SPDX-License-Identifier: MIT
//
// How long messages wait: from the kernel to the tick that gives them to gameplay, in microseconds and frames.
#include <doctest/doctest.h>

#include <framepump/framepump.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "support/plain_pair.h"

namespace fp = framepump;
using namespace framepump::test;

namespace {

fp::Stream stream_of(framepump_handle handle) { return fp::Stream(&api(), handle); }

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

struct ReadingPair : PlainPair {
  explicit ReadingPair(TestNetwork& net)
      : PlainPair(net), reader(fp::MessageReader::open(stream_of(stream), fp::Framing::lines(1000)).value()) {}
  fp::MessageReader reader;
};

}  // namespace

TEST_CASE("a message says how long it waited for this tick, and how many ticks began meanwhile") {
  in_both_modes([](framepump_config config) {
    for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
      CAPTURE(config.threaded);
      CAPTURE(backend);
      config.backend = backend;
      TestNetwork net(config);
      ReadingPair pair(net);
      // The first turn asks for stamps, and the kernel begins to give them a moment later.
      uint64_t sent_bytes = 0;
      uint32_t flags = 0;
      REQUIRE(run_until({&net}, [&] {
        while (const std::optional<fp::Message> zero = pair.reader.next()) flags |= zero->arrival_flags;
        const framepump_stream_info info = net.info(pair.stream);
        const bool is_all_read = info.received_bytes == sent_bytes && info.unpublished_bytes == 0 && info.available_bytes == 0;
        if ((flags & FRAMEPUMP_ARRIVAL_STAMPED) != 0) return is_all_read;
        pair.peer.send("zero\n");
        sent_bytes += 5;
        return false;
      }));
      net.frame();
      REQUIRE_FALSE(pair.reader.next().has_value());
      const int64_t before_us = now_us();
      pair.peer.send("one\n");
      const int64_t after_us = now_us();
      sleep_ms(30);
      std::optional<fp::Message> message;
      uint32_t frames = 0;
      REQUIRE(run_until({&net}, [&] {
        ++frames;
        return (message = pair.reader.next()).has_value();
      }));
      const int64_t seen_us = now_us();
      CHECK_EQ(message->text(), "one");
      CHECK_EQ(message->arrival_flags & FRAMEPUMP_ARRIVAL_EXACT, FRAMEPUMP_ARRIVAL_EXACT);
      CHECK_GE(message->waited_us, 29'000);
      if (is_sanitized()) return;
      CHECK_EQ(message->arrival_flags, FRAMEPUMP_ARRIVAL_EXACT | FRAMEPUMP_ARRIVAL_STAMPED);
      CHECK_GE(message->arrived_us, before_us - 5'000);
      CHECK_LE(message->arrived_us, after_us + 5'000);
      CHECK_LE(message->waited_us, seen_us - before_us + 5'000);
      CHECK_LT(message->waited_frames, frames);
    }
  });
}

TEST_CASE("a message that gameplay leaves unread waits on, frame by frame") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    ReadingPair pair(net);
    pair.peer.send("one\n");
    REQUIRE(run_until({&net}, [&] { return net.available(pair.stream) == 4; }));
    const fp::Arrival first = stream_of(pair.stream).arrival(3).value();
    const int64_t begin_us = first.arrived_us + first.waited_us;  // of the newest tick
    int64_t frame_us = begin_us;
    net.use_clock([&] { return frame_us += 16'000; });
    for (uint32_t frames = 1; frames <= 100; ++frames) {  // more than the starts of ticks that are remembered
      net.tick();
      const fp::Arrival later = stream_of(pair.stream).arrival(3).value();
      CHECK_EQ(later.waited_frames, first.waited_frames + frames);
      CHECK_EQ(later.arrived_us, first.arrived_us);
      CHECK_EQ(later.waited_us, first.waited_us + frames * 16'000);
    }
    const std::optional<fp::Message> message = pair.reader.next();
    REQUIRE(message);
    CHECK_EQ(message->waited_frames, first.waited_frames + 100);
    CHECK_EQ(message->waited_us, first.waited_us + 100 * 16'000);
  });
}

TEST_CASE("a message's arrival is that of its last byte") {
  framepump_config config = default_config();
  TestNetwork net(config);
  ReadingPair pair(net);
  pair.peer.send("begin");
  REQUIRE(run_until({&net}, [&] { return net.available(pair.stream) == 5; }));
  sleep_ms(20);
  const int64_t completed_us = now_us();
  pair.peer.send(" end\nmore");
  std::optional<fp::Message> message;
  REQUIRE(run_until({&net}, [&] { return (message = pair.reader.next()).has_value(); }));
  CHECK_EQ(message->text(), "begin end");
  CHECK_GE(message->arrived_us, completed_us - 5'000);
  CHECK_EQ(message->arrival_flags & FRAMEPUMP_ARRIVAL_EXACT, 0);  // others came with it, and perhaps later
  const fp::Arrival first = stream_of(pair.stream).arrival(0).value();
  CHECK_LE(first.arrived_us, message->arrived_us - 10'000);
}

TEST_CASE("arrivals are refused where nobody watches, and unknown for what came before") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    const fp::Stream stream = stream_of(pair.stream);
    pair.peer.send("early");
    REQUIRE(run_until({&net}, [&] { return stream.available() == 5; }));
    framepump_arrival arrival = {};
    arrival.struct_size = sizeof(arrival);
    CHECK_EQ(api().arrival(pair.stream, 0, &arrival), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
    CHECK(net.last_error().find("watch_arrivals was not called") != std::string::npos);
    CHECK_EQ(api().watch_arrivals(pair.stream, 2), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
    CHECK(net.last_error().find("on is 2, allowed are 0 and 1") != std::string::npos);
    const int64_t watched_us = now_us();
    net.tick();
    REQUIRE(stream.watch_arrivals(fp::Watch::on));
    REQUIRE(stream.arrival(4).has_value());
    CHECK_EQ(stream.arrival(4)->flags, 0);
    CHECK_GE(stream.arrival(4)->arrived_us, watched_us);
    CHECK_EQ(api().arrival(pair.stream, 5, &arrival), FRAMEPUMP_ERROR_NOT_YET);
    CHECK_EQ(api().arrival(pair.stream, UINT64_MAX, &arrival), FRAMEPUMP_ERROR_NOT_YET);
    pair.peer.send("late");
    REQUIRE(run_until({&net}, [&] { return stream.available() == 9; }));
    CHECK_EQ(stream.arrival(4)->flags, 0);
    CHECK_EQ(stream.arrival(8)->flags & FRAMEPUMP_ARRIVAL_EXACT, FRAMEPUMP_ARRIVAL_EXACT);
    REQUIRE(stream.watch_arrivals(fp::Watch::off));
    pair.peer.send("off");
    REQUIRE(run_until({&net}, [&] { return stream.available() == 12; }));
    CHECK_EQ(stream.arrival(11)->flags, 0);
    arrival.struct_size = 0;
    CHECK_EQ(api().arrival(pair.stream, 0, &arrival), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  });
}

TEST_CASE("jitter is measured while arrivals are watched, and not before") {
  TestNetwork net;
  PlainPair pair(net);
  CHECK_EQ(net.info(pair.stream).arrival_jitter_us, 0);
  CHECK_EQ(net.info(pair.stream).rtt_jitter_us, 0);
  REQUIRE(stream_of(pair.stream).watch_arrivals(fp::Watch::on));
  const int64_t end_us = now_us() + 700'000;  // the round trip is sampled twice a second
  int64_t last_us = now_us();
  int64_t longest_us = 0;  // between two bytes: a gap that other programs make counts too
  for (uint64_t sent = 0; now_us() < end_us || sent < 60; sent += 1) {
    longest_us = std::max(longest_us, now_us() - last_us);
    last_us = now_us();
    pair.peer.send("x");
    sleep_ms(sent % 2 == 0 ? 2 : 12);
    REQUIRE(run_until({&net}, [&] { return net.info(pair.stream).received_bytes == sent + 1; }));
    net.frame();
    net.read_all(pair.stream);
  }
  const framepump_stream_info info = net.info(pair.stream);
  CHECK_GE(info.arrival_jitter_us, 3'000);  // intervals are about 3 and 13 ms
  if (!is_sanitized() && longest_us < 25'000) CHECK_LE(info.arrival_jitter_us, 8'000);
  CHECK_GT(info.rtt_us, 0);
  CHECK_GT(info.rtt_jitter_us, 0);
}

TEST_CASE("the round trip is what neither side held back, whatever the clocks say") {
  // Two sides whose clocks are hours apart, 20 ms of way there and 30 ms back, and frames of which neither knows of the other.
  fp::RoundTrip here;
  fp::RoundTrip there;
  const int64_t apart_us = int64_t{7} * 3600 * 1'000'000;
  int64_t us = 1'000'000;
  CHECK_EQ(here.samples(), 0);
  for (int i = 0; i < 50; ++i) {
    const fp::RoundTrip::Report ping = here.report(us);
    REQUIRE(there.take(ping, us + 20'000 + apart_us, FRAMEPUMP_ARRIVAL_EXACT | FRAMEPUMP_ARRIVAL_STAMPED));
    const int64_t held_us = 16'000 + i * 300;
    const fp::RoundTrip::Report pong = there.report(us + 20'000 + held_us + apart_us);
    REQUIRE(here.take(pong, us + 50'000 + held_us, FRAMEPUMP_ARRIVAL_EXACT | FRAMEPUMP_ARRIVAL_STAMPED));
    CHECK_EQ(here.newest_us(), 50'000);
    us += 100'000;
  }
  CHECK_EQ(here.smoothed_us(), 50'000);
  CHECK_LE(here.deviation_us(), 10);
  CHECK_EQ(here.samples(), 50);
  CHECK_EQ(here.arrival_jitter_us(), 0);  // the way always took the same
  CHECK_EQ(there.arrival_jitter_us(), 0);
  CHECK_EQ(there.newest_us(), 50'000);  // it has heard of its own reports, too
  CHECK(here.is_stamped());
}

TEST_CASE("reports of impossible times change nothing, and those whose time is not their own are skipped") {
  fp::RoundTrip side;
  fp::RoundTrip peer;
  const uint32_t exact = FRAMEPUMP_ARRIVAL_EXACT;
  fp::RoundTrip::Report report = peer.report(5);
  CHECK_FALSE(side.take(std::span(report).first(23), 100, exact));
  CHECK_FALSE(side.take(std::vector<std::byte>(25), 100, exact));
  for (size_t place : {7u, 15u, 23u}) {  // negative, each of the three
    fp::RoundTrip::Report wrong = report;
    wrong[place] = std::byte{0xff};
    CHECK_FALSE(side.take(wrong, 100, exact));
  }
  CHECK_FALSE(side.take(std::vector<std::byte>(24), 100, exact));  // sent never
  fp::RoundTrip::Report echo = report;
  echo[8] = std::byte{1};  // of a report that this side never sent
  CHECK_FALSE(side.take(echo, 100, exact));
  CHECK(side.take(report, 100, 0));
  CHECK_EQ(side.skipped(), 1);
  CHECK(side.take(report, 100, exact));
  CHECK_EQ(side.samples(), 0);
  CHECK_FALSE(side.is_stamped());
  // A peer that says it held it longer than it was away: the round trip is nothing, not negative.
  const fp::RoundTrip::Report asked = side.report(1'000);
  CHECK(peer.take(asked, 2'000, exact));
  fp::RoundTrip::Report liar = peer.report(2'000);
  liar[20] = std::byte{0x7f};
  CHECK(side.take(liar, 1'500, exact));
  CHECK_EQ(side.newest_us(), 0);
}

TEST_CASE("jitter is that of RFC 3550: a sixteenth of each change of the transit time, less as much of itself") {
  fp::Jitter jitter;
  for (int64_t i = 0; i < 400; ++i) jitter.add(i * 10'000, 77'000'000 + i * 10'000 + (i % 2) * 3'000);
  CHECK_GE(jitter.us(), 2'980);
  CHECK_LE(jitter.us(), 3'000);
  fp::Jitter first;
  first.add(0, 500);
  CHECK_EQ(first.us(), 0);
  first.add(1'000, 1'500 + 1'600);
  CHECK_EQ(first.us(), 100);
}
