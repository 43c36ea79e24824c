// SPDX-License-Identifier: MIT
//
// The demo's server: one thread, a loop of frames that waits on its sockets.
#include <extras/trace_recorder.h>
#include <framepump/framepump.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "demo/protocol/address.h"
#include "demo/server/chat_server.h"
#include "demo/server/metrics.h"
#include "demo/server/metrics_server.h"
#include "demo/server/server_stats.h"
#include "demo/server/swarm_server.h"
#include "demo/server/update_server.h"

namespace {

namespace fp = framepump;
using Recorder = fp::extras::TraceRecorder;

volatile std::sig_atomic_t stop_requested = 0;

int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Options {
  std::string serve = "127.0.0.1:7777";
  std::string threaded;
  std::string config;
  bool stats = true;
  std::string metrics;
  std::string chat;
  std::string trace;
  uint32_t trace_events = Recorder::kDefaultEvents;
};

int complain(const char* why) {
  std::fprintf(stderr, "demo_server: %s\n", why);
  return 1;
}

fp::Result<fp::Network> make_network(const Options& options, Recorder* trace) {
  const fp::Api api = fp::Api::linked();
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.now_us = [](void*) { return now_us(); };
  if (trace != nullptr) trace->install(services);
  if (!options.config.empty()) return fp::Network::open(api, options.config.c_str(), &services);
  fp::Config config;
  config.datagram_timeout_ms = 2'000;  // a client that halts is gone soon, unless it has a guard
  config.idle_timeout_ms = 60'000;      // a client that asks for nothing, or takes nothing, does not hold its place for ever
  return fp::Network::create(api, config, &services);
}

// What is served, and the frame.
class Server {
 public:
  Server(fp::Network& network, fp::Listener listener, fp::Host host, Recorder* trace)
      : network_(network), host_(host), trace_(trace), updates_(network, listener), swarm_(network, host) {}

  void serve_metrics(fp::Listener listener) {
    metrics_ = std::make_unique<demo::MetricsServer>(network_, listener, [this] { return demo::metrics_text(sight()); });
  }
  // The port it has. Port 0: any that is free.
  fp::Result<uint16_t> serve_chat(const std::string& host, uint16_t port) {
    chat_.emplace(network_);
    return chat_->open(host.c_str(), port);
  }
  void print_stats() { stats_.emplace(); }

  void run_frame() {
    const int64_t begin_us = now_us();
    const fp::TickReport report = network_.tick({.frame = ++frame_, .now_us = begin_us});
    ticks_.add(report.tick_us);
    updates_.serve();
    swarm_.serve(now_us());
    if (metrics_ != nullptr) metrics_->serve(now_us());
    network_.flush();
    say_stats(report);
    // While somebody waits for bytes the next frame comes as soon as half of a 4 MiB send queue may have left at 1 GB/s.
    constexpr int64_t kBusyFrameUs = 2'000;
    constexpr int64_t kIdleFrameUs = 50'000;
    const int64_t frame_us = updates_.is_busy() ? kBusyFrameUs : kIdleFrameUs;
    network_.wait_until(std::min(now_us() + frame_us, swarm_.next_step_us()), fp::Until::first_data);
    if (trace_ != nullptr) trace_->add_frame(frame_, begin_us, now_us());
  }

  // Clients hear of it; who does not answer is not waited for.
  void stop() {
    swarm_.stop();
    const int64_t end_us = now_us() + 1'000'000;
    while (host_ && host_.info() && now_us() < end_us) run_frame();
  }

 private:
  demo::ServerSight sight() const {
    demo::ServerSight sight = {.totals = network_.totals(), .ticks = ticks_};
    sight.update_clients = updates_.clients();
    sight.swarm_clients = swarm_.members();
    if (const fp::Result<fp::HostInfo> info = host_.info()) sight.host = *info;
    sight.datagram_loss = swarm_.loss();
    return sight;
  }

  void say_stats(const fp::TickReport& report) {
    if (!stats_) return;
    stats_->add_tick(report.tick_us);
    const int64_t now = now_us();
    if (stats_->is_due(now)) std::fprintf(stderr, "%s\n", stats_->line(sight(), now).c_str());
  }

  fp::Network& network_;
  fp::Host host_;
  Recorder* trace_;
  demo::UpdateServer updates_;
  demo::SwarmServer swarm_;
  std::optional<demo::ChatServer> chat_;
  demo::TickHistogram ticks_;
  std::unique_ptr<demo::MetricsServer> metrics_;
  std::optional<demo::ServerStats> stats_;
  uint64_t frame_ = 0;
};

// The chat is as far away as the update; without a word about it on the port after that, or on any if that was any. Nothing: none is wanted.
std::optional<uint16_t> chat_port(const Options& options, const demo::HostPort& served) {
  if (options.chat == "off") return std::nullopt;
  if (!options.chat.empty()) return static_cast<uint16_t>(std::stoul(options.chat));
  return served.port == 0 || served.port == 65535 ? uint16_t{0} : static_cast<uint16_t>(served.port + 1);
}

bool is_port_or_off(const std::string& text) {
  const bool is_number = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
  return text == "off" || (is_number && std::stoul(text) <= 65535);
}

// A port alone is one of this machine only.
std::optional<demo::HostPort> metrics_address(const std::string& text) {
  return demo::parse_host_port(text.find(':') == std::string::npos ? "127.0.0.1:" + text : text);
}

int serve(const Options& options, const demo::HostPort& address, Recorder* trace) {
  fp::Result<fp::Network> network = make_network(options, trace);
  if (!network) return complain(network.error().text());
  if (!options.threaded.empty()) {
    (void)network->set_mode(options.threaded == "on" ? fp::Mode::threaded : fp::Mode::frame_locked);
  }
  fp::Result<fp::Listener> listener = network->listen(address.host.c_str(), address.port);
  if (!listener) return complain(listener.error().text());
  fp::HostOptions host_options(address.host.c_str(), listener->port());
  host_options.channels = demo::kSwarmChannels;
  fp::Result<fp::Host> host = network->open_host(host_options);
  if (!host) std::fprintf(stderr, "demo_server: no swarm, only the update: %s\n", host.error().text());
  Server server(*network, *listener, host ? *host : fp::Host(), trace);
  std::string metrics;
  if (!options.metrics.empty()) {
    const demo::HostPort wanted = *metrics_address(options.metrics);
    fp::Result<fp::Listener> page = network->listen(wanted.host.c_str(), wanted.port, fp::Priority::bulk, FRAMEPUMP_STREAM_HALF_OPEN);
    if (!page) return complain((std::string("--metrics: ") + page.error().text()).c_str());
    server.serve_metrics(*page);
    metrics = "metrics on http://" + demo::to_text({wanted.host, page->port()}) + "/metrics\n";
  }
  std::string chat;
  if (const std::optional<uint16_t> port = chat_port(options, address)) {
    const fp::Result<uint16_t> chosen = server.serve_chat(address.host, *port);
    if (!chosen && !options.chat.empty()) return complain((std::string("--chat: ") + chosen.error().text()).c_str());
    if (chosen) chat = "chat on " + demo::to_text({address.host, *chosen}) + "\n";
    if (!chosen) std::fprintf(stderr, "demo_server: no chat: %s\n", chosen.error().text());
  }
  if (options.stats) server.print_stats();
  std::printf("listening on %s\n%s%s", demo::to_text({address.host, listener->port()}).c_str(), chat.c_str(), metrics.c_str());
  std::fflush(stdout);
  while (stop_requested == 0) server.run_frame();
  server.stop();
  return 0;
}

int serve_and_trace(const Options& options) {
  const std::optional<demo::HostPort> address = demo::parse_host_port(options.serve);
  if (!address) {
    std::fprintf(stderr, "demo_server: --serve is '%s', allowed is HOST:PORT with a numeric address; IPv6 as [::1]:7777\n",
                 options.serve.c_str());
    return 2;
  }
  if (!options.metrics.empty() && !metrics_address(options.metrics)) {
    std::fprintf(stderr, "demo_server: --metrics is '%s', allowed is PORT (0 to 65535), or HOST:PORT with a numeric address\n",
                 options.metrics.c_str());
    return 2;
  }
  if (!options.chat.empty() && !is_port_or_off(options.chat)) {
    std::fprintf(stderr, "demo_server: --chat is '%s', allowed is PORT (0 to 65535) or off\n", options.chat.c_str());
    return 2;
  }
  std::unique_ptr<Recorder> trace;
  if (!options.trace.empty()) {
    std::string error;
    trace = Recorder::open(options.trace, options.trace_events, error);
    if (trace == nullptr) return complain(error.c_str());
  }
  const int status = serve(options, *address, trace.get());
  if (trace == nullptr || trace->write()) return status;
  return complain(("cannot write the trace " + options.trace).c_str());
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
  app.add_flag("--stats,--status,!--no-stats,!--no-status", options.stats,
               "print one line a second: clients, throughput, loss, the tick's time, memory");
  app.add_option("--metrics", options.metrics, "serve http://127.0.0.1:PORT/metrics for Prometheus (or HOST:PORT, numeric); port 0 lets the system choose");
  app.add_option("--chat", options.chat, "PORT of a chat of lines (nc HOST PORT), or off; without it the port after that of --serve, or with port 0 any");
  app.add_option("--trace", options.trace, "write what happened in each frame to this file at the end, for ui.perfetto.dev (plugin/docs/traces.md)");
  app.add_option("--trace-events", options.trace_events, "how many of the newest events of each thread a trace keeps, 56 bytes each")
      ->check(CLI::Range(Recorder::kFewestEvents, Recorder::kMostEvents))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGINT, [](int) { stop_requested = 1; });
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  return serve_and_trace(options);
}
