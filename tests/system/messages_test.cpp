// SPDX-License-Identifier: MIT
//
// Messages in a running game: what a steady tick of them allocates, and the time without the frame in it, over an emulated link.
#include <doctest/doctest.h>

#include <framepump/framepump.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/allocation_count.h"
#include "support/emulated_link.h"
#include "support/frames.h"
#include "support/test_network.h"

namespace fp = framepump;
using namespace framepump::test;
using End = EmulatedLink::End;

namespace {

constexpr uint16_t kPort = 7001;
constexpr int kFramesPerSecond = 30;
constexpr int64_t kTalkUs = 2'500'000;

const fp::Framing& report_framing() {
  static const fp::Framing framing = fp::Framing::fixed16(64);
  return framing;
}

// One side of two that tell each other the time, once a frame. Beside the report each message has the time at which it was written, and the
// newest such time of the other side: with these alone the frames of both are in the round trip.
struct Talker {
  fp::Stream stream;
  fp::MessageReader reader;
  fp::RoundTrip round_trip;
  int64_t newest_time_there_us = 0;
  std::vector<int64_t> with_frames_us;
  std::vector<int64_t> without_us;

  void begin(fp::Stream with) {
    stream = with;
    reader = fp::MessageReader::open(stream, report_framing()).value();
  }
  void read() {
    while (const std::optional<fp::Message> message = reader.next()) {
      if (message->bytes.size() != fp::RoundTrip::kReportBytes + 16) return;
      const uint64_t samples = round_trip.samples();
      round_trip.take(message->bytes.first(fp::RoundTrip::kReportBytes), message->arrived_us, message->arrival_flags);
      if (round_trip.samples() > samples) without_us.push_back(round_trip.newest_us());
      int64_t times[2];
      std::memcpy(times, message->bytes.data() + fp::RoundTrip::kReportBytes, sizeof(times));
      newest_time_there_us = times[0];
      if (times[1] != 0) with_frames_us.push_back(now_us() - times[1]);
    }
  }
  void write() {
    const int64_t times[2] = {now_us(), newest_time_there_us};
    const fp::RoundTrip::Report report = round_trip.report(now_us());
    const std::span<const std::byte> parts[] = {report, std::as_bytes(std::span(times))};
    (void)fp::send_message(stream, report_framing(), std::span<const std::span<const std::byte>>(parts));
  }
};

// The value that `percent` of them are below.
int64_t percentile(std::vector<int64_t> values, size_t percent) {
  if (values.empty()) return 0;
  const size_t place = values.size() * percent / 100;
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(place), values.end());
  return values[place];
}

fp::Network new_network(fp::Mode mode) {
  fp::Config config;
  config.threaded = static_cast<uint32_t>(mode);
  config.slice_us = 20'000;
  config.flush_slice_us = 20'000;
  config.stall_takeover_ms = 0;
  return std::move(fp::Network::create(fp::Api::linked(), config)).value();
}

// Talks for its time, or until the other side has gone. `meet` makes the stream, as soon as it can.
template <typename Meet>
std::string talk(fp::Mode mode, Meet meet) {
  fp::Network net = new_network(mode);
  Talker talker;
  FramePacer pacer(kFramesPerSecond);
  const int64_t end_us = now_us() + kTalkUs;
  for (uint64_t frame = 1; now_us() < end_us; ++frame) {
    net.tick({.frame = frame, .now_us = now_us()});
    if (!talker.stream) {
      const fp::Stream met = meet(net);
      if (met) talker.begin(met);
    }
    talker.read();
    if (talker.stream) talker.write();
    net.flush();
    pacer.wait();
  }
  char text[200];
  // The emulator adds to the link's delay whenever it is late, which on a machine that is busy elsewhere it often is: so the lower quarter.
  std::snprintf(text, sizeof(text), "%lld %lld %zu %lld", static_cast<long long>(percentile(talker.without_us, 25)),
                static_cast<long long>(percentile(talker.with_frames_us, 50)), talker.without_us.size(),
                static_cast<long long>(percentile(talker.without_us, 90)));
  return text;
}

std::string serve(fp::Mode mode) {
  fp::Listener listener;
  return talk(mode, [&](fp::Network& net) {
    if (!listener) listener = net.listen(EmulatedLink::address(End::b), kPort).value();
    for (const fp::Event& event : net.events()) {
      if (event.what() == fp::EventKind::accepted) return net.stream(event.handle);
    }
    return fp::Stream();
  });
}

std::string visit(fp::Mode mode) {
  std::this_thread::sleep_for(std::chrono::milliseconds(111));  // the other listens by then, and its frames begin at other times
  fp::Stream stream;
  return talk(mode, [&](fp::Network& net) {
    if (!stream) stream = net.connect(EmulatedLink::address(End::b), kPort).value();
    for (const fp::Event& event : net.events()) {
      if (event.what() == fp::EventKind::connected) return stream;
    }
    return fp::Stream();
  });
}

}  // namespace

TEST_CASE("at 30 frames a second on both sides a link of 20 ms has a round trip of 20 ms") {
  if (is_sanitized()) {
    std::printf("SKIP: a sanitizer is slower than the link\n");
    return;
  }
  LinkOptions options;
  options.delay_us = 10'000;
  std::string why_not;
  const auto link = EmulatedLink::open(options, why_not);
  if (link == nullptr) {
    std::printf("SKIP: needs root and /dev/net/tun: %s\n", why_not.c_str());
    return;
  }
  for (fp::Mode mode : {fp::Mode::frame_locked, fp::Mode::threaded}) {
    CAPTURE(static_cast<uint32_t>(mode));
    long long without_us = 0;
    long long with_frames_us = 0;
    size_t samples = 0;
    std::string told;
    for (int attempt = 0; attempt < 3 && (without_us < 18'000 || without_us > 22'000 || samples < 20); ++attempt) {
      EmulatedLink::Child server = link->run(End::b, [=] { return serve(mode); });
      told = link->run(End::a, [=] { return visit(mode); }).wait(20'000);
      CHECK_NE(server.wait(20'000), "");
      REQUIRE_EQ(std::sscanf(told.c_str(), "%lld %lld %zu", &without_us, &with_frames_us, &samples), 3);
    }
    CAPTURE(told);
    CHECK_GE(samples, 20);
    CHECK_GE(without_us, 18'000);
    CHECK_LE(without_us, 22'000);
    // What gameplay sees that only looks at its own clock: up to two frames more, as their times happen to fall.
    CHECK_GE(with_frames_us, without_us + 5'000);
  }
}

TEST_CASE("a steady tick in which 200 streams send and read messages allocates nothing in the whole process") {
  if (!allocation_count()) {
    std::printf("SKIP: a sanitizer has a malloc of its own\n");
    return;
  }
  for (fp::Mode mode : {fp::Mode::frame_locked, fp::Mode::threaded}) {
    CAPTURE(static_cast<uint32_t>(mode));
    fp::Network net = new_network(mode);
    const fp::Listener listener = net.listen("127.0.0.1", 0).value();
    const fp::Framing framing = fp::Framing::lines(500);
    std::vector<fp::Stream> clients;
    std::vector<fp::MessageReader> readers;
    uint64_t frame = 0;
    for (int i = 0; i < 200; ++i) clients.push_back(net.connect("127.0.0.1", listener.port()).value());
    const auto meet_all = [&] {
      net.tick({.frame = ++frame, .now_us = now_us()});
      for (const fp::Event& event : net.events()) {
        if (event.what() != fp::EventKind::accepted) continue;
        readers.push_back(fp::MessageReader::open(net.stream(event.handle), framing).value());
      }
      net.wait_until(now_us() + 1'000);
      return readers.size() == clients.size();
    };
    for (int i = 0; i < 5'000 && !meet_all(); ++i) {
    }
    REQUIRE_EQ(readers.size(), clients.size());
    uint64_t messages = 0;
    uint64_t given_bytes = 0;
    const auto frames = [&](int count) {
      for (int i = 0; i < count; ++i) {
        net.tick({.frame = ++frame, .now_us = now_us()});
        for (fp::MessageReader& reader : readers) {
          while (const std::optional<fp::Message> message = reader.next()) messages += message->bytes.size() == 300;
        }
        char line[300];
        std::memset(line, 'x', sizeof(line));
        for (fp::Stream client : clients) {
          if (fp::send_message(client, framing, std::string_view(line, sizeof(line)))) given_bytes += sizeof(line) + 1;
        }
        net.flush();
        // Steady means that each frame's messages have arrived before the next: otherwise more memory is in use now and then. In
        // frame-locked mode they arrive in the next tick.
        const int64_t give_up_us = now_us() + 10'000'000;
        while (mode == fp::Mode::threaded && now_us() < give_up_us) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          const fp::Totals totals = net.totals();
          if (totals.sent_bytes == given_bytes && totals.received_bytes == given_bytes) break;
        }
      }
    };
    // A list of timers or of streams grows when more of them come together than ever before, which may be late, by chance.
    uint64_t allocations = 1;
    for (int attempt = 0; attempt < 5 && allocations > 0; ++attempt) {
      frames(60);
      const uint64_t messages_before = messages;
      const uint64_t before = *allocation_count();
      frames(60);
      allocations = *allocation_count() - before;
      CHECK_GT(messages - messages_before, 30 * clients.size());
    }
    CHECK_EQ(allocations, 0);
  }
}
