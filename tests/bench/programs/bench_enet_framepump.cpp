// SPDX-License-Identifier: MIT
//
// Datagrams, with FramePump: the server of a swarm of players, or the receiver of reliable bulk.
#include <framepump/framepump.hpp>

#include "bench/support/enet_orders.h"
#include "bench/support/swarm_options.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

fp::Config make_config(const bench::DatagramOptions& options, bool is_threaded) {
  fp::Config config;
  config.threaded = is_threaded ? 1 : 0;
  config.datagram_peers = options.clients + 8;
  // Reliable bytes of one frame have to fit: 64 MiB are 2 GB/s at 30 Hz. A real game of such a kind would set the key as well.
  if (options.is_bulk) config.datagram_queue_limit_kib = 64 * 1024;
  return config;
}

int run_swarm(fp::Network& net, const bench::DatagramOptions& options) {
  const fp::Host host = net.open_host(fp::HostOptions("127.0.0.1", 0)).value();
  bench::SwarmRun run(options, host.port());
  for (uint64_t frame = 0; run.next_frame(); ++frame) {
    run.tick_begins();
    net.tick({.frame = frame, .now_us = bench::wall_us()});
    for (const fp::Received& message : net.messages()) run.account.add(message.payload, message.size_bytes);
    net.flush();
    run.tick_ends();
  }
  nlohmann::json report = run.report();
  const fp::HostInfo info = host.info().value();
  report["kernel_drops"] = info.kernel_drops;
  report["queue_drops"] = info.queue_drops;
  report["receive_buffer_kib"] = info.receive_buffer_bytes / 1024;
  std::printf("%s\n", report.dump().c_str());
  return 0;
}

int run_bulk(fp::Network& net, const bench::DatagramOptions& options) {
  const fp::Host host = net.open_host().value();
  const fp::Peer peer = host.connect("127.0.0.1", options.enet, bench::kWantsBulk).value();
  bench::FrameLoop frames(options.frames_per_s);
  bench::ByteHash hash;
  for (uint64_t frame = 0; !options.is_bulk_over(frames, hash); ++frame) {
    frames.wait_for_frame();
    frames.tick_begins();
    net.tick({.frame = frame, .now_us = bench::wall_us()});
    frames.tick_ends();
    for (const fp::Received& message : net.messages()) hash.add(message.payload, message.size_bytes);
    net.flush();
  }
  bench::print_bulk_report(frames, hash);
  (void)peer.abort();
  net.flush();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Receives datagrams with FramePump.");
  bench::DatagramOptions options;
  options.add_to(app);
  bool is_threaded = false;
  app.add_flag("--threaded", is_threaded, "pump on the IO thread");
  CLI11_PARSE(app, argc, argv);

  auto net = fp::Network::create(fp::Api::linked(), make_config(options, is_threaded));
  if (!net) bench::die(net.error().text());
  return options.is_bulk ? run_bulk(*net, options) : run_swarm(*net, options);
}
