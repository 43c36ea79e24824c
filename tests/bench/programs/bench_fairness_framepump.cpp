// SPDX-License-Identifier: MIT
//
// Fairness, with FramePump: one firehose, and beside it trickles, or snapshots of an ENet server, that want to be seen in the next frame.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/bytes.h"
#include "bench/support/enet_orders.h"
#include "bench/support/framepump_pace.h"
#include "bench/support/talker_options.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

constexpr double kPatienceSeconds = 10;  // for the first of what is waited for, on a busy machine

struct Work {
  uint32_t trickles = 0;
  uint32_t interval_us = 100'000;
  uint16_t enet = 0;  // 0: no snapshots
  bool has_firehose = true;
  double seconds = 4;
};

// Everything that came, and whether it was right.
struct Account {
  bench::ByteHash firehose;
  bench::WaitMeter waits;
  std::vector<uint64_t> next_numbers;
  uint64_t wrong = 0;

  void add(const bench::Stamp& stamp, uint64_t& next_number) {
    if (stamp.number < next_number) ++wrong;
    next_number = stamp.number + 1;
    waits.add(stamp.sent_ns);
  }
};

fp::Stream connect(fp::Network& net, uint16_t port, const std::string& order) {
  const fp::Stream stream = net.connect("127.0.0.1", port).value();
  stream.write(order + "\n");
  return stream;
}

// The slice holds for connecting too, so the first ticks have little else to do.
void tick_until_connected(fp::Network& net, uint32_t streams, uint64_t& frame) {
  constexpr int kPatienceTicks = 5000;
  for (int n = 0; n < kPatienceTicks && net.totals().connects < streams; ++n) {
    net.tick({.frame = frame++, .now_us = bench::wall_us()});
    net.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void read_firehose(fp::Stream stream, Account& account) {
  for (auto run = stream.front(); !run.empty(); run = stream.front()) {
    account.firehose.add(run.data(), run.size());
    (void)stream.consume(run.size());
  }
}

void read_trickle(fp::Stream stream, uint64_t& next_number, Account& account) {
  bench::Stamp stamp;
  while (stream.available() >= sizeof(stamp)) {
    stream.read(std::as_writable_bytes(std::span(&stamp, 1)));
    account.add(stamp, next_number);
  }
}

void read_snapshots(const fp::Network& net, uint64_t& next_number, Account& account) {
  for (const fp::Received& message : net.messages()) {
    bench::Stamp stamp;
    const auto filler = message.bytes().subspan(sizeof(stamp));
    std::memcpy(&stamp, message.payload, sizeof(stamp));
    if (std::memcmp(filler.data(), bench::content().data(), filler.size()) != 0) ++account.wrong;
    account.add(stamp, next_number);
  }
}

nlohmann::json run(fp::Network& net, const bench::TalkerOptions& options, const bench::FramePumpPace& pace, const Work& work) {
  Account account;
  account.next_numbers.resize(work.trickles + 1);
  std::vector<fp::Stream> trickles;
  for (uint32_t i = 0; i < work.trickles; ++i) {
    trickles.push_back(connect(net, options.talker, "trickle " + std::to_string(work.interval_us)));
  }
  fp::Stream firehose;
  if (work.has_firehose) firehose = connect(net, options.talker, "firehose");
  if (work.enet != 0) (void)net.open_host().value().connect("127.0.0.1", work.enet, bench::kWantsSnapshots).value();
  uint64_t frame = 0;
  tick_until_connected(net, work.trickles + (work.has_firehose ? 1 : 0), frame);
  account.waits.begin();
  bench::FrameLoop frames(options.frames_per_s);
  const auto has_all = [&] {
    return (account.firehose.size_bytes() > 0) == work.has_firehose && (account.waits.count() > 0) == (work.trickles > 0 || work.enet != 0);
  };
  const auto is_over = [&] { return frames.frames() > 0 && frames.seconds() >= work.seconds + (has_all() ? 0 : kPatienceSeconds); };
  for (; !is_over(); ++frame) {
    pace.wait_for_frame(net, frames);
    account.waits.tick_begins();
    frames.tick_begins();
    net.tick({.frame = frame, .now_us = bench::wall_us()});
    frames.tick_ends();
    // What is urgent first, as a game would.
    read_snapshots(net, account.next_numbers.back(), account);
    for (const fp::Stream stream : net.readable()) {
      if (stream == firehose) continue;
      const auto at = std::ranges::find(trickles, stream);
      if (at != trickles.end()) read_trickle(stream, account.next_numbers[static_cast<size_t>(at - trickles.begin())], account);
    }
    if (work.has_firehose) read_firehose(firehose, account);
    net.flush();
  }
  nlohmann::json report = frames.report();
  report["overruns"] = frames.overruns(options.slice_us);
  report["bytes"] = account.firehose.size_bytes();
  report["stamps"] = account.waits.count();
  report["wrong"] = account.wrong;
  if (account.waits.count() > 0) report["wait_us"] = account.waits.waits_us(), report["wait_frames"] = account.waits.waits_frames();
  const bool is_firehose_right = account.firehose.hex() == bench::content_hash(account.firehose.size_bytes());
  report["verified"] = is_firehose_right && has_all() && account.wrong == 0;
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads a firehose and things that matter with FramePump.");
  bench::TalkerOptions options;
  bench::FramePumpPace pace;
  Work work;
  options.add_to(app);
  pace.add_to(app);
  app.add_option("--trickles", work.trickles, "streams that bring a stamp now and then")->capture_default_str();
  app.add_option("--interval-us", work.interval_us, "how often")->capture_default_str();
  app.add_option("--enet", work.enet, "ENet port of bench_enet_players, for snapshots")->capture_default_str();
  app.add_flag("!--no-firehose", work.has_firehose, "only what matters");
  app.add_option("--seconds", work.seconds, "how long")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(4096);
  (void)bench::content();  // made before the clock starts: it takes a frame
  fp::Config config;
  config.slice_us = static_cast<uint32_t>(options.slice_us);
  fp::Network net = pace.open(config);
  std::printf("%s\n", run(net, options, pace, work).dump().c_str());
}
