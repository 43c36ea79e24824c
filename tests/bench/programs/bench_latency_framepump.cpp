// SPDX-License-Identifier: MIT
//
// Latency, with FramePump: from the sender's `send` to gameplay, and with `--echo` back to the sender.
#include <string>

#include "bench/support/framepump_pace.h"
#include "bench/support/talker_options.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

struct Work {
  bool is_echo = false;
  bool flushes = true;
  uint32_t interval_us = bench::kStampIntervalUs;
  uint64_t count = 500;
};

class Gameplay {
 public:
  Gameplay(fp::Network& net, const bench::TalkerOptions& options, const Work& work)
      : net_(net), work_(work), stream_(net.connect("127.0.0.1", options.talker).value()) {
    const std::string what = work.is_echo ? "echo " : "stamps ";
    stream_.write(what + std::to_string(work.interval_us) + " " + std::to_string(work.count) + "\n");
  }

  // False: that was the end.
  bool run(int64_t tick_begin_ns, int64_t readable_ns, int64_t next_frame_ns) {
    bench::Stamp stamp;
    while (!is_report_next_ && stream_.available() >= sizeof(stamp)) {
      stream_.read(std::as_writable_bytes(std::span(&stamp, 1)));
      is_report_next_ = stamp.sent_ns == 0;
      if (is_report_next_) break;
      is_right_ = is_right_ && stamp.number == waits.count();
      waits.add(stamp.sent_ns, readable_ns);
      if (work_.is_echo) answer({stamp, tick_begin_ns, next_frame_ns});
    }
    for (auto run = stream_.front(); is_report_next_ && !run.empty(); run = stream_.front()) {
      echo_report_.append(reinterpret_cast<const char*>(run.data()), run.size());
      (void)stream_.consume(run.size());
    }
    for (const fp::Event& event : net_.events()) {
      if (event.what() == fp::EventKind::closed) return false;
    }
    return true;
  }
  void add_to(nlohmann::json& report) const {
    report["stamps"] = waits.count();
    report["wait_us"] = waits.waits_us();
    report["waits_us"] = waits.each_us();
    report["wait_frames"] = waits.waits_frames();
    bool is_complete = is_right_ && waits.count() == work_.count;
    if (work_.is_echo) {
      report.update(nlohmann::json::parse(echo_report_, nullptr, false));
      is_complete = is_complete && report.value("echoes", uint64_t{0}) == work_.count;
    }
    report["verified"] = is_complete;
  }

  bench::WaitMeter waits;

 private:
  void answer(const bench::EchoAnswer& answer) const { stream_.write(std::as_bytes(std::span(&answer, 1))); }

  fp::Network& net_;
  const Work& work_;
  fp::Stream stream_;
  std::string echo_report_;
  bool is_report_next_ = false;
  bool is_right_ = true;
};

nlohmann::json run(fp::Network& net, const bench::TalkerOptions& options, const bench::FramePumpPace& pace, const Work& work) {
  Gameplay gameplay(net, options, work);
  bench::FrameLoop frames(options.frames_per_s);
  bool is_open = true;
  for (uint64_t frame = 0; is_open; ++frame) {
    pace.wait_for_frame(net, frames);
    const int64_t tick_begin_ns = bench::wall_ns();
    gameplay.waits.tick_begins();
    frames.tick_begins();
    net.tick({.frame = frame, .now_us = bench::wall_us()});
    const int64_t readable_ns = bench::wall_ns();
    frames.tick_ends();
    is_open = gameplay.run(tick_begin_ns, readable_ns, frames.next_frame_us() * 1000);
    if (work.flushes) net.flush();
  }
  nlohmann::json report = frames.report();
  gameplay.add_to(report);
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures waits and round trips with FramePump.");
  bench::TalkerOptions options;
  bench::FramePumpPace pace;
  Work work;
  options.add_to(app);
  pace.add_to(app);
  app.add_flag("--echo", work.is_echo, "answer each stamp");
  app.add_flag("!--no-flush", work.flushes, "leave out the frame's flush");
  app.add_option("--interval-us", work.interval_us, "from stamp to stamp; with --echo from answer to stamp, on average")->capture_default_str();
  app.add_option("--count", work.count, "how many stamps")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  fp::Config config;
  config.slice_us = static_cast<uint32_t>(options.slice_us);
  fp::Network net = pace.open(config);
  std::printf("%s\n", run(net, options, pace, work).dump().c_str());
}
