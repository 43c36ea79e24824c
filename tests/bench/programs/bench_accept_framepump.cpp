// SPDX-License-Identifier: MIT
//
// A storm of connects, with FramePump: gameplay hears of each as an event.
#include <framepump/framepump.hpp>

#include "bench/support/storm_options.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

uint32_t count_accepted(const fp::Network& net) {
  uint32_t count = 0;
  for (const fp::Event& event : net.events()) count += event.what() == fp::EventKind::accepted ? 1 : 0;
  return count;
}

void hear(const fp::Network& net, bench::StormRun& run) {
  for (const fp::Stream stream : net.readable()) {
    uint32_t number = 0;
    if (stream.available() < sizeof(number)) continue;
    stream.read(std::as_writable_bytes(std::span(&number, 1)));
    run.hear(number);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Accepts a storm of connects with FramePump.");
  bench::StormOptions options;
  options.add_to(app);
  bool is_threaded = false;
  app.add_flag("--threaded", is_threaded, "pump on the IO thread");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(16'384);
  fp::Config config;
  config.threaded = is_threaded ? 1 : 0;
  config.slice_us = static_cast<uint32_t>(options.slice_us);
  config.backlog = bench::StormOptions::kBacklog;
  auto net = fp::Network::create(fp::Api::linked(), config);
  if (!net) bench::die(net.error().text());
  const fp::Listener listener = net->listen("127.0.0.1", 0).value();
  bench::StormRun run(options, listener.port());
  for (uint64_t frame = 0; run.next_frame(); ++frame) {
    run.tick_begins();
    net->tick({.frame = frame, .now_us = bench::wall_us()});
    run.tick_ends(count_accepted(*net));
    hear(*net, run);
    net->flush();
  }
  std::printf("%s\n", run.report().dump().c_str());
}
