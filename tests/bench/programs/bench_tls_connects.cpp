// SPDX-License-Identifier: MIT
//
// Many TLS connections with FramePump, each with a full handshake and a few bytes: some are always under way, as in a lobby that fills.
#include <framepump/framepump.hpp>

#include <algorithm>
#include <string>

#include "bench/support/frames.h"
#include "bench/support/framepump_pace.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"
#include "bench/support/tls.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

// Opens connections, and closes each once the peer has said all.
class Crowd {
 public:
  Crowd(fp::Network& net, const bench::ReaderOptions& options, const std::string& ca_file)
      : net_(net), options_(options), ca_file_(ca_file) {}

  void open(uint32_t count) {
    fp::Tls tls = {.server_name = bench::kTlsName, .ca_file = ca_file_.c_str()};
    tls.flags = FRAMEPUMP_TLS_WITHOUT_RESUMPTION;
    for (uint32_t i = 0; i < count; ++i) {
      const auto stream = net_.connect(options_.host.c_str(), options_.port, tls);
      if (!stream) bench::die(stream.error().text());
      ++opened_;
    }
  }
  void look_at_events() {
    for (const fp::Event& event : net_.events()) {
      if (event.what() != fp::EventKind::closed) continue;
      const std::string why = net_.table()->reason_name(event.reason);
      if (event.why() != fp::Reason::closed_by_peer) bench::die(why + ": " + event.words());
      finish(net_.stream(event.handle));
    }
  }
  uint32_t opened() const { return opened_; }
  uint32_t done() const { return done_; }
  uint32_t right() const { return right_; }

 private:
  void finish(fp::Stream stream) {
    const auto bytes = stream.front();
    right_ += bytes.size() == options_.bytes && std::equal(bytes.begin(), bytes.end(), bench::content().begin());
    ++done_;
    (void)stream.close();
  }

  fp::Network& net_;
  const bench::ReaderOptions& options_;
  const std::string& ca_file_;
  uint32_t opened_ = 0;
  uint32_t done_ = 0;
  uint32_t right_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Opens TLS connections with FramePump.");
  bench::ReaderOptions options;
  options.add_to(app);
  bench::FramePumpPace pace;
  pace.add_to(app);
  std::string ca_file;
  uint32_t connections = 1000, under_way = 100;
  app.add_option("--ca-file", ca_file, "PEM file of the authority to believe")->required();
  app.add_option("--connections", connections, "how many, each of --bytes")->capture_default_str();
  app.add_option("--under-way", under_way, "how many at a time")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  fp::Config config;
  config.slice_us = static_cast<uint32_t>(options.slice_us);
  fp::Network net = pace.open(config);
  Crowd crowd(net, options, ca_file);
  bench::FrameLoop frames(options.frames_per_s);
  (void)bench::content();  // made before the clock starts
  const int64_t start_us = bench::wall_us(), start_cpu_us = bench::process_cpu_us();
  for (uint64_t frame = 0; crowd.done() < connections; ++frame) {
    pace.wait_for_frame(net, frames);
    frames.tick_begins();
    net.tick({.frame = frame, .now_us = bench::wall_us()});
    frames.tick_ends();
    crowd.look_at_events();
    crowd.open(std::min(connections - crowd.opened(), under_way - (crowd.opened() - crowd.done())));
    net.flush();
  }
  nlohmann::json report = bench::frame_report(frames, options);
  const double seconds = static_cast<double>(bench::wall_us() - start_us) / 1e6;
  report["seconds"] = seconds;
  report["connections_per_s"] = connections / seconds;
  report["cpu_us_each"] = static_cast<double>(bench::process_cpu_us() - start_cpu_us) / connections;
  report["verified"] = crowd.right() == connections;
  std::printf("%s\n", report.dump().c_str());
}
