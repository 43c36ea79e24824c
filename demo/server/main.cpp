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
#include <utility>

#include "demo/protocol/address.h"
#include "demo/server/certificate.h"
#include "demo/server/chat_server.h"
#include "demo/server/file_server.h"
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
  std::string https;
  std::string certificate;
  std::string key;
  std::string keep_certificate;
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
      : network_(network), host_(host), trace_(trace), updates_(network, listener, by_seed_), swarm_(network, host) {}

  void serve_metrics(fp::Listener listener) {
    metrics_ = std::make_unique<demo::MetricsServer>(network_, listener, [this] { return demo::metrics_text(sight()); });
  }
  // The port it has. Port 0: any that is free.
  fp::Result<uint16_t> serve_chat(const std::string& host, uint16_t port) {
    chat_.emplace(network_);
    return chat_->open(host.c_str(), port);
  }
  fp::Result<uint16_t> serve_files(const std::string& host, uint16_t port, const fp::Tls& tls) {
    files_.emplace(network_, by_seed_);
    return files_->open(host.c_str(), port, tls);
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
    const bool is_busy = updates_.is_busy() || (files_ && files_->is_busy());
    const int64_t frame_us = is_busy ? kBusyFrameUs : kIdleFrameUs;
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
    sight.update_clients = updates_.clients() + (files_ ? files_->clients() : 0);
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
  demo::UpdatesBySeed by_seed_;
  demo::UpdateServer updates_;
  demo::SwarmServer swarm_;
  std::optional<demo::ChatServer> chat_;
  std::optional<demo::FileServer> files_;
  demo::TickHistogram ticks_;
  std::unique_ptr<demo::MetricsServer> metrics_;
  std::optional<demo::ServerStats> stats_;
  uint64_t frame_ = 0;
};

// Chat and files are as far away as the update; without a word about them on the ports after that, or on any if that was any. Nothing: it is
// not wanted.
std::optional<uint16_t> port_beside(const std::string& wanted, const demo::HostPort& served, uint32_t distance) {
  if (wanted == "off") return std::nullopt;
  if (!wanted.empty()) return static_cast<uint16_t>(std::stoul(wanted));
  const uint32_t port = served.port + distance;
  return served.port == 0 || port > 65535 ? uint16_t{0} : static_cast<uint16_t>(port);
}

bool is_port_or_off(const std::string& text) {
  const bool is_number = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
  return text == "off" || (is_number && std::stoul(text) <= 65535);
}

// A port alone is one of this machine only.
std::optional<demo::HostPort> metrics_address(const std::string& text) {
  return demo::parse_host_port(text.find(':') == std::string::npos ? "127.0.0.1:" + text : text);
}

// What a part of the server says when it is there; nothing with an `error`.
using Ready = std::optional<std::string>;

Ready add_metrics(const Options& options, fp::Network& network, Server& server, std::string& error) {
  const demo::HostPort wanted = *metrics_address(options.metrics);
  const fp::Result<fp::Listener> page = network.listen(wanted.host.c_str(), wanted.port, fp::Priority::bulk, FRAMEPUMP_STREAM_HALF_OPEN);
  if (page) {
    server.serve_metrics(*page);
    return "metrics on http://" + demo::to_text({wanted.host, page->port()}) + "/metrics\n";
  }
  error = page.error().text();
  return std::nullopt;
}

Ready add_chat(Server& server, const std::string& host, uint16_t port, std::string& error) {
  const fp::Result<uint16_t> chosen = server.serve_chat(host, port);
  if (chosen) return "chat on " + demo::to_text({host, *chosen}) + "\n";
  error = chosen.error().text();
  return std::nullopt;
}

std::optional<demo::Certificate> get_certificate(const Options& options, const std::string& host, std::string& error) {
  if (!options.certificate.empty()) return demo::Certificate::of_files(options.certificate, options.key);
  if (!options.keep_certificate.empty()) return demo::Certificate::keep(options.keep_certificate, host, error);
  return demo::Certificate::make(host, error);
}

Ready add_files(Server& server, const demo::Certificate& certificate, const std::string& host, uint16_t port, std::string& error) {
  const fp::Result<uint16_t> chosen = server.serve_files(host, port, certificate.tls());
  if (chosen) {
    const std::string address = demo::to_text({host == "0.0.0.0" || host == "::" ? "localhost" : host, *chosen});
    return "update on https://" + address + std::string(demo::kUpdatePath) + "\ncertificate in " + certificate.file() + "\n";
  }
  error = chosen.error().text();
  return std::nullopt;
}

// All of it, or what nobody has asked for and cannot be had is left out with a word. Nothing: that was said, and the server is not to run.
Ready add_parts(const Options& options, const demo::HostPort& address, fp::Network& network, Server& server,
                std::optional<demo::Certificate>& certificate) {
  std::string said;
  std::string error;
  const auto take = [&](const char* name, bool is_asked_for, const Ready& ready) {
    if (ready) said += *ready;
    if (!ready) std::fprintf(stderr, "demo_server: %s%s: %s\n", is_asked_for ? "--" : "no ", name, error.c_str());
    return ready || !is_asked_for;
  };
  if (const std::optional<uint16_t> port = port_beside(options.chat, address, 1)) {
    if (!take("chat", !options.chat.empty(), add_chat(server, address.host, *port, error))) return std::nullopt;
  }
  if (!options.metrics.empty() && !take("metrics", true, add_metrics(options, network, server, error))) return std::nullopt;
  if (const std::optional<uint16_t> port = port_beside(options.https, address, 2)) {
    const bool is_asked_for = !options.https.empty() || !options.certificate.empty() || !options.keep_certificate.empty();
    certificate = get_certificate(options, address.host, error);
    if (!take("https", is_asked_for, certificate ? add_files(server, *certificate, address.host, *port, error) : Ready())) return std::nullopt;
  }
  return said;
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
  std::optional<demo::Certificate> certificate;
  const Ready parts = add_parts(options, address, *network, server, certificate);
  if (!parts) return 1;
  if (options.stats) server.print_stats();
  std::printf("listening on %s\n%sready\n", demo::to_text({address.host, listener->port()}).c_str(), parts->c_str());
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
  for (const auto& [name, value] : {std::pair("--chat", &options.chat), std::pair("--https", &options.https)}) {
    if (value->empty() || is_port_or_off(*value)) continue;
    std::fprintf(stderr, "demo_server: %s is '%s', allowed is PORT (0 to 65535) or off\n", name, value->c_str());
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
  CLI::App app{"Serves the 115 MB update of the FramePump demo over TCP and HTTPS (the bytes come from the client's seed), and a swarm of lights over UDP."};
  app.add_option("--serve", options.serve, "HOST:PORT to listen on; port 0 lets the system choose")->capture_default_str();
  app.add_option("--threaded", options.threaded, "pump on a thread of its own")->check(CLI::IsMember({"on", "off"}));
  app.add_option("--config", options.config, "framepump.toml to open and to watch; without it the defaults, but clients that are silent time out "
                                                 "(datagrams after 2 s, streams after 60 s)")
      ->check(CLI::ExistingFile);
  app.add_flag("--stats,--status,!--no-stats,!--no-status", options.stats,
               "print one line a second: clients, throughput, loss, the tick's time, memory");
  app.add_option("--metrics", options.metrics, "serve http://127.0.0.1:PORT/metrics for Prometheus (or HOST:PORT, numeric); port 0 lets the system choose");
  app.add_option("--chat", options.chat, "PORT of a chat of lines (nc HOST PORT), or off; without it the port after that of --serve, or with port 0 any");
  app.add_option("--https", options.https,
                 "PORT of the update as a file, https://HOST:PORT/update.bin, or off; without it the second port after that of --serve, "
                 "or with port 0 any");
  CLI::Option* const certificate = app.add_option("--certificate", options.certificate,
                                                  "PEM file of the certificate to show there, with its key in --key; without it one is "
                                                  "made, which clients believe by the file that is named when the server is ready")
                                       ->check(CLI::ExistingFile);
  CLI::Option* const key = app.add_option("--key", options.key, "PEM file of that certificate's key")->check(CLI::ExistingFile);
  key->needs(certificate);
  certificate->needs(key);
  app.add_option("--keep-certificate", options.keep_certificate,
                 "folder for the one that is made, and its key, so that they are the same next time")
      ->excludes(certificate);
  app.add_option("--trace", options.trace, "write what happened in each frame to this file at the end, for ui.perfetto.dev (plugin/docs/traces.md)");
  app.add_option("--trace-events", options.trace_events, "how many of the newest events of each thread a trace keeps, 56 bytes each")
      ->check(CLI::Range(Recorder::kFewestEvents, Recorder::kMostEvents))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGINT, [](int) { stop_requested = 1; });
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  return serve_and_trace(options);
}
