// SPDX-License-Identifier: MIT
//
// The demo's server: one thread, a loop of frames that waits on its sockets.
#include <framepump/framepump.hpp>

#include <CLI/CLI.hpp>
#include <chrono>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>

#include "demo/protocol/address.h"
#include "demo/server/server_status.h"
#include "demo/server/swarm_server.h"
#include "demo/server/update_server.h"

namespace {

volatile std::sig_atomic_t stop_requested = 0;

int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Options {
  std::string serve = "127.0.0.1:7777";
  std::string threaded;
  std::string config;
  bool status = true;
};

framepump::Result<framepump::Network> make_network(const Options& options) {
  const framepump::Api api = framepump::Api::linked();
  if (!options.config.empty()) return framepump::Network::open(api, options.config.c_str());
  framepump::Config config;
  config.datagram_timeout_ms = 2'000;  // a client that halts is gone soon, unless it has a guard
  config.idle_timeout_ms = 60'000;      // a client that asks for nothing, or takes nothing, does not hold its place for ever
  return framepump::Network::create(api, config);
}

int serve(const Options& options) {
  namespace fp = framepump;
  const std::optional<demo::HostPort> address = demo::parse_host_port(options.serve);
  if (!address) {
    std::fprintf(stderr, "demo_server: --serve is '%s', allowed is HOST:PORT with a numeric address; IPv6 as [::1]:7777\n",
                 options.serve.c_str());
    return 2;
  }
  fp::Result<fp::Network> network = make_network(options);
  if (!network) {
    std::fprintf(stderr, "demo_server: %s\n", network.error().text());
    return 1;
  }
  if (!options.threaded.empty()) {
    (void)network->set_mode(options.threaded == "on" ? fp::Mode::threaded : fp::Mode::frame_locked);
  }
  fp::Result<fp::Listener> listener = network->listen(address->host.c_str(), address->port);
  if (!listener) {
    std::fprintf(stderr, "demo_server: %s\n", listener.error().text());
    return 1;
  }
  std::printf("listening on %s\n", demo::to_text({address->host, listener->port()}).c_str());
  std::fflush(stdout);
  fp::HostOptions host_options(address->host.c_str(), listener->port());
  host_options.channels = demo::kSwarmChannels;
  fp::Result<fp::Host> host = network->open_host(host_options);
  if (!host) std::fprintf(stderr, "demo_server: no swarm, only the update: %s\n", host.error().text());
  demo::UpdateServer updates(*network, *listener);
  demo::SwarmServer swarm(*network, host ? *host : fp::Host());
  demo::ServerStatus status;
  // While somebody waits for bytes the next frame comes as soon as half of a 4 MiB send queue may have left at 1 GB/s.
  constexpr int64_t kBusyFrameUs = 2'000;
  constexpr int64_t kIdleFrameUs = 50'000;
  uint64_t frame = 0;
  const auto run_frame = [&] {
    const fp::TickReport report = network->tick({.frame = ++frame, .now_us = now_us()});
    updates.serve();
    swarm.serve(now_us());
    network->flush();
    if (options.status) status.add(report, swarm.members(), host ? *host : fp::Host(), now_us());
    const int64_t frame_us = updates.is_busy() ? kBusyFrameUs : kIdleFrameUs;
    network->wait_until(std::min(now_us() + frame_us, swarm.next_step_us()), fp::Until::first_data);
  };
  while (stop_requested == 0) run_frame();
  // Clients hear of it; who does not answer is not waited for.
  swarm.stop();
  const int64_t end_us = now_us() + 1'000'000;
  while (host && host->info() && now_us() < end_us) run_frame();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Serves the 115 MB update of the FramePump demo over TCP (the bytes come from the client's seed), and a swarm of lights over UDP."};
  app.add_option("--serve", options.serve, "HOST:PORT to listen on; port 0 lets the system choose")->capture_default_str();
  app.add_option("--threaded", options.threaded, "pump on a thread of its own")->check(CLI::IsMember({"on", "off"}));
  app.add_option("--config", options.config, "framepump.toml to open and to watch; without it the defaults, but clients that are silent time out "
                                                 "(datagrams after 2 s, streams after 60 s)")
      ->check(CLI::ExistingFile);
  app.add_flag("--status,!--no-status", options.status, "print one line a second: clients, throughput, the tick's time");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGINT, [](int) { stop_requested = 1; });
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  return serve(options);
}
