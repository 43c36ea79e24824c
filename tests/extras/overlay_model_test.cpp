// SPDX-License-Identifier: MIT
#include "extras/overlay_model.h"

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/allocation_count.h"
#include "support/test_network.h"

using namespace framepump::extras;

namespace {

framepump_tick_report report_of(int64_t tick_us) {
  framepump_tick_report report = {};
  report.struct_size = sizeof(report);
  report.tick_us = tick_us;
  report.slice_us = 2'000;
  return report;
}

float part(const TickSample& sample, TickPart part) { return sample.part_us[static_cast<size_t>(part)]; }

// A network that plays both sides, and what a table of its sources needs.
struct Stage {
  framepump::Network network = framepump::Network::create(framepump::Api::linked()).value();
  SourceTable sources{*framepump::Api::linked().table()};
  int64_t now_us = 1'000'000;
  uint64_t frames = 0;

  // One frame, a millisecond long, in which the table is looked at. The frame's time goes on by `step_us`.
  void frame(int64_t step_us = 16'000) {
    now_us += step_us;
    network.tick({.frame = ++frames, .now_us = now_us});
    sources.take_events(network);
    sources.look(network, now_us);
    network.flush();
    network.wait_until(framepump::test::now_us() + 1'000);
  }
  // False: 2,000 frames were not enough.
  template <typename Condition>
  bool frames_until(Condition condition) {
    for (int n = 0; n < 2'000; ++n) {
      if (condition()) return true;
      frame();
    }
    return condition();
  }
  size_t count(SourceKind kind) const {
    size_t count = 0;
    for (const SourceRow& row : sources.rows()) count += row.kind == kind ? 1 : 0;
    return count;
  }
};

}  // namespace

TEST_CASE("a tick is split into parts that add up to it, ENet's taken out of receive and send") {
  framepump_tick_report report = report_of(1'000);
  report.phase_command_us = 10;
  report.phase_poll_us = 20;
  report.phase_receive_us = 300;
  report.phase_accept_us = 40;
  report.phase_source_us = 50;
  report.phase_send_us = 200;
  report.phase_publish_us = 60;
  report.phase_enet_receive_us = 70;
  report.phase_enet_send_us = 80;
  report.overrun = 1;
  const TickSample sample = sample_of(report, 7, 99);
  CHECK_EQ(part(sample, TickPart::poll), 20);
  CHECK_EQ(part(sample, TickPart::receive), 230);
  CHECK_EQ(part(sample, TickPart::accept), 40);
  CHECK_EQ(part(sample, TickPart::enet), 150);
  CHECK_EQ(part(sample, TickPart::source), 50);
  CHECK_EQ(part(sample, TickPart::send), 120);
  CHECK_EQ(part(sample, TickPart::other), 390);
  float sum_us = 0;
  for (const float us : sample.part_us) sum_us += us;
  CHECK_EQ(sum_us, sample.tick_us);
  CHECK(sample.is_overrun);
  CHECK_EQ(sample.frame, 7);
}

TEST_CASE("the history keeps the newest ticks in order") {
  TickHistory history;
  CHECK_EQ(history.size(), 0);
  for (uint64_t n = 1; n <= TickHistory::kCapacity + 5; ++n) history.add(sample_of(report_of(static_cast<int64_t>(n)), n, 0));
  REQUIRE_EQ(history.size(), TickHistory::kCapacity);
  CHECK_EQ(history.at(0).frame, 6);
  CHECK_EQ(history.newest().frame, TickHistory::kCapacity + 5);
  CHECK_EQ(history.longest_us(), static_cast<float>(TickHistory::kCapacity + 5));
}

TEST_CASE("throughput is that of a quarter of a second, whatever the frame rate") {
  for (const int64_t frame_us : {4'000, 16'000, 100'000, 400'000}) {
    CAPTURE(frame_us);
    TickHistory history;
    for (uint64_t n = 1; n <= 100; ++n) {
      framepump_tick_report report = report_of(10);
      report.received_bytes = n <= 50 ? 0 : static_cast<uint64_t>(frame_us);  // then a byte a microsecond: 1 MB/s
      report.sent_bytes = static_cast<uint64_t>(frame_us) / 4;
      history.add(sample_of(report, n, static_cast<int64_t>(n) * frame_us));
    }
    CHECK_EQ(history.received_per_s(0), 0);
    CHECK_EQ(history.received_per_s(49), 0);
    if (frame_us < 16'000) CHECK_LT(history.received_per_s(52), 200'000);
    CHECK_EQ(history.received_per_s(99), doctest::Approx(frame_us < 16'000 ? 200'000.0 / 252'000 * 1e6 : 1e6));
    CHECK_EQ(history.sent_per_s(99), doctest::Approx(250'000));
  }
}

TEST_CASE("the throughput of all samples in one walk is that of each alone, whatever the clock does") {
  uint64_t seed = 20261126;
  const auto next = [&seed](uint64_t below) { return (seed = seed * 6364136223846793005u + 1442695040888963407u) / 65'536 % below; };
  for (const uint64_t most_us : {200u, 1'000u, 30'000u, 400'000u}) {
    CAPTURE(most_us);
    TickHistory history;
    std::array<TickHistory::Rates, TickHistory::kCapacity> places;
    CHECK(history.rates(places).empty());
    int64_t now_us = 1'000'000;
    for (uint64_t n = 1; n <= TickHistory::kCapacity + 50; ++n) {
      framepump_tick_report report = report_of(10);
      report.received_bytes = next(1'000'000);
      report.sent_bytes = next(1'000'000);
      now_us += static_cast<int64_t>(next(most_us));  // now and then no time passes
      history.add(sample_of(report, n, now_us));
      if (n % 70 != 0) continue;
      const std::span<const TickHistory::Rates> rates = history.rates(places);
      REQUIRE_EQ(rates.size(), history.size());
      for (size_t i = 0; i < rates.size(); ++i) {
        CAPTURE(i);
        CHECK_EQ(rates[i].received_per_s, doctest::Approx(history.received_per_s(i)));
        CHECK_EQ(rates[i].sent_per_s, doctest::Approx(history.sent_per_s(i)));
      }
    }
  }
}

TEST_CASE("streams, peers and hosts are found by what ticks publish, named by the game, and gone when they are") {
  Stage stage;
  framepump::Listener listener = stage.network.listen("127.0.0.1", 0).value();
  framepump::Stream client = stage.network.connect("127.0.0.1", listener.port()).value();
  stage.sources.set_name(client.value(), "download");
  stage.sources.set_name(listener.value(), "door");
  framepump::Host host = stage.network.open_host(framepump::HostOptions("127.0.0.1", 0)).value();
  framepump::Peer peer = stage.network.open_host().value().connect("127.0.0.1", host.port()).value();
  REQUIRE(stage.frames_until([&] { return stage.count(SourceKind::stream) == 2 && stage.count(SourceKind::peer) == 2; }));
  CHECK_EQ(stage.count(SourceKind::other), 1);  // the listener
  REQUIRE(peer.send("hello"));
  REQUIRE(stage.frames_until([&] { return stage.sources.find(host.value()) != nullptr; }));
  stage.frame();
  CHECK(stage.sources.find(host.value())->kind == SourceKind::host);
  CHECK_EQ(std::string(stage.sources.find(client.value())->name), "download");
  for (const SourceRow& row : stage.sources.rows()) {
    if (!row.is_named) CHECK_EQ(std::string(row.name).substr(0, 8), row.kind == SourceKind::host ? "host 127" : "127.0.0.");
  }
  (void)client.close();
  stage.sources.set_name(listener.value(), nullptr);
  REQUIRE(stage.frames_until([&] { return stage.count(SourceKind::stream) == 0; }));
  CHECK_EQ(stage.count(SourceKind::other), 0);
  (void)peer.close();
  CHECK(stage.frames_until([&] { return stage.count(SourceKind::peer) == 0; }));
}

TEST_CASE("whoever is met has a name at once, if there is one to be had") {
  Stage stage;
  framepump::Host host = stage.network.open_host(framepump::HostOptions("127.0.0.1", 0)).value();
  stage.sources.meet(host.value(), stage.now_us);
  REQUIRE(stage.sources.find(host.value()) != nullptr);
  CHECK_EQ(std::string(stage.sources.find(host.value())->name), "host 127.0.0.1:" + std::to_string(host.port()));
  stage.sources.meet(0, stage.now_us);
  CHECK_EQ(stage.sources.rows().size(), 1);
}

TEST_CASE("a stream that is not read shows its queue and its back-pressure, and its rate once it flows") {
  Stage stage;
  framepump::Listener listener = stage.network.listen("127.0.0.1", 0).value();
  framepump::Stream client = stage.network.connect("127.0.0.1", listener.port()).value();
  const std::string bytes(1 << 20, 'x');
  framepump_handle server = 0;
  REQUIRE(stage.frames_until([&] {
    client.write(bytes);
    for (const framepump::Event& event : stage.network.events()) {
      if (event.what() == framepump::EventKind::accepted) server = event.handle;
    }
    const SourceRow* row = server == 0 ? nullptr : stage.sources.find(server);
    return row != nullptr && row->is_pressed(stage.now_us);
  }));
  const SourceRow* row = stage.sources.find(server);
  CHECK_GT(row->stream.available_bytes, 4u << 20);
  CHECK_GT(row->stream.back_pressure, 0);
  CHECK_FALSE(stage.sources.find(client.value())->is_pressed(stage.now_us));
  const framepump::Stream stream = stage.network.stream(server);
  for (int n = 0; n < 100; ++n) {
    client.write(bytes);
    while (stream.available() > 0) (void)stream.consume(stream.front().size());
    stage.frame();
  }
  row = stage.sources.find(server);
  CHECK_GT(row->received_per_s, 1e6);
  CHECK_GT(stage.sources.find(client.value())->sent_per_s, 1e6);
}

TEST_CASE("a table that is full passes over the others, and takes no memory in steady frames") {
  Stage stage;
  framepump::Listener listener = stage.network.listen("127.0.0.1", 0).value();
  constexpr size_t kStreams = 120;  // twice: both ends are of this network
  for (size_t n = 0; n < kStreams; ++n) REQUIRE(stage.network.connect("127.0.0.1", listener.port()));
  REQUIRE(stage.frames_until([&] { return stage.network.totals().streams == 2 * kStreams; }));
  REQUIRE(stage.frames_until([&] { return stage.count(SourceKind::stream) == SourceTable::kCapacity; }));
  CHECK_GT(stage.sources.passed_over(), 0);
  const uint64_t allocations = framepump::test::allocation_count().value_or(0);
  for (int n = 0; n < 20; ++n) {
    stage.sources.take_events(stage.network);
    stage.sources.look(stage.network, stage.now_us += 16'000);
  }
  CHECK_EQ(framepump::test::allocation_count().value_or(0), allocations);
}

TEST_CASE("in a table at which nobody looks whoever ends makes room for those that come, and nobody counts as passed over any more") {
  Stage stage;
  const auto frame = [&stage] {
    stage.network.tick({.frame = ++stage.frames, .now_us = stage.now_us += 16'000});
    stage.sources.take_events(stage.network);
    stage.network.flush();
    stage.network.wait_until(framepump::test::now_us() + 1'000);
  };
  const auto frames_until = [&](auto condition) {
    for (int n = 0; n < 2'000 && !condition(); ++n) frame();
    return condition();
  };
  framepump::Listener listener = stage.network.listen("127.0.0.1", 0).value();
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    std::vector<framepump::Stream> clients;
    for (size_t n = 0; n < 120; ++n) clients.push_back(stage.network.connect("127.0.0.1", listener.port()).value());
    REQUIRE(frames_until([&] { return stage.sources.rows().size() == SourceTable::kCapacity && stage.sources.passed_over() > 0; }));
    for (const framepump::Stream& client : clients) (void)client.close();
    REQUIRE(frames_until([&] { return stage.network.totals().streams == 0; }));
    frame();
    CHECK_EQ(stage.sources.rows().size(), 0);
    CHECK_EQ(stage.sources.passed_over(), 0);
  }
  framepump::Stream client = stage.network.connect("127.0.0.1", listener.port()).value();
  framepump::Host host = stage.network.open_host(framepump::HostOptions("127.0.0.1", 0)).value();
  framepump::Peer peer = stage.network.open_host().value().connect("127.0.0.1", host.port()).value();
  REQUIRE(frames_until([&] { return stage.sources.rows().size() == 4; }));
  CHECK(stage.sources.find(client.value()) != nullptr);
  CHECK(stage.sources.find(peer.value()) != nullptr);
  (void)client.close();
  (void)peer.close();
  CHECK(frames_until([&] { return stage.sources.rows().empty(); }));
  stage.sources.set_name(client.value(), "late");  // as a game may go on to call it
  stage.sources.meet(peer.value(), stage.now_us);
  frame();
  CHECK(stage.sources.rows().empty());
}

TEST_CASE("a stream that ended keeps its row and its name until its bytes are read, and for the frame of its end") {
  Stage stage;
  framepump::Listener listener = stage.network.listen("127.0.0.1", 0).value();
  framepump::Stream client = stage.network.connect("127.0.0.1", listener.port()).value();
  client.write(std::string_view("hello"));
  (void)client.close();
  framepump_handle server = 0;
  bool has_ended = false;
  REQUIRE(stage.frames_until([&] {
    for (const framepump::Event& event : stage.network.events()) {
      if (event.what() == framepump::EventKind::accepted) stage.sources.set_name(server = event.handle, "guest");
      if (event.what() == framepump::EventKind::closed && event.handle == server) has_ended = true;
    }
    return has_ended;
  }));
  for (int n = 0; n < 10; ++n) stage.frame();
  REQUIRE(stage.sources.find(server) != nullptr);
  CHECK_EQ(std::string(stage.sources.find(server)->name), "guest");
  CHECK(stage.sources.find(server)->is_closed);
  REQUIRE(stage.network.stream(server).consume(5));
  stage.frame();
  CHECK(stage.sources.find(server) == nullptr);
}

TEST_CASE("to forget the name of somebody who is not here changes nothing") {
  Stage stage;
  stage.sources.set_name(0x1234, nullptr);
  CHECK(stage.sources.rows().empty());
}

TEST_CASE("an overrun names its culprit as the game does, and its longest part; the newest are kept") {
  SourceTable sources(*framepump::Api::linked().table());
  sources.set_name(0x1234, "download");
  OverrunList overruns;
  framepump_tick_report report = report_of(5'000);
  report.phase_receive_us = 4'000;
  report.culprit = 0x1234;
  report.culprit_us = 3'000;
  report.culprit_bytes = 65'536;
  overruns.add(sample_of(report, 1, 0), report, sources);
  CHECK_EQ(std::string(overruns.at(0).culprit), "download");
  CHECK(overruns.at(0).part == TickPart::receive);
  CHECK_EQ(overruns.at(0).part_us, 4'000);
  CHECK_EQ(overruns.at(0).culprit_bytes, 65'536);
  report.culprit = 0xabc;
  overruns.add(sample_of(report, 2, 0), report, sources);
  CHECK_EQ(std::string(overruns.at(0).culprit), "0xabc");
  report.culprit = 0;
  for (uint64_t n = 3; n <= 100; ++n) overruns.add(sample_of(report, n, 0), report, sources);
  CHECK_EQ(overruns.count(), 100);
  REQUIRE_EQ(overruns.size(), OverrunList::kCapacity);
  CHECK_EQ(std::string(overruns.at(0).culprit), "");
  CHECK_EQ(overruns.at(0).frame, 100);
  CHECK_EQ(overruns.at(overruns.size() - 1).frame, 100 - OverrunList::kCapacity + 1);
}
