// SPDX-License-Identifier: MIT
#include "demo/server/metrics.h"

#include <cinttypes>
#include <cstdio>

namespace demo {
namespace {

// One metric after the other, each with its words.
class Page {
 public:
  void counter(const char* name, const char* help, uint64_t value) {
    begin(name, help, "counter");
    text_ += std::string(name) + " " + std::to_string(value) + "\n";
  }
  void gauge(const char* name, const char* help, uint64_t value) {
    begin(name, help, "gauge");
    text_ += std::string(name) + " " + std::to_string(value) + "\n";
  }
  void ratio(const char* name, const char* help, double value) {
    begin(name, help, "gauge");
    char line[128];
    std::snprintf(line, sizeof(line), "%s %.3f\n", name, value);
    text_ += line;
  }
  void info(const char* name, const char* help, const char* version) {
    begin(name, help, "gauge");
    text_ += std::string(name) + "{version=\"" + version + "\"} 1\n";
  }
  void histogram(const char* name, const char* help, const TickHistogram& ticks) {
    begin(name, help, "histogram");
    char line[160];
    uint64_t up_to_here = 0;
    for (size_t i = 0; i < TickHistogram::kBucketsUs.size(); ++i) {
      up_to_here += ticks.count(i);
      std::snprintf(line, sizeof(line), "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, static_cast<double>(TickHistogram::kBucketsUs[i]) / 1e6, up_to_here);
      text_ += line;
    }
    up_to_here += ticks.count(TickHistogram::kBucketsUs.size());
    std::snprintf(line, sizeof(line), "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, up_to_here);
    text_ += line;
    std::snprintf(line, sizeof(line), "%s_sum %.6f\n%s_count %" PRIu64 "\n", name, static_cast<double>(ticks.sum_us()) / 1e6, name, up_to_here);
    text_ += line;
  }
  std::string take() { return std::move(text_); }

 private:
  void begin(const char* name, const char* help, const char* type) {
    text_ += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }

  std::string text_;
};

void add_datagrams(Page& page, const framepump::HostInfo& host, double loss) {
  page.gauge("framepump_datagram_peers", "Datagram peers connected now.", host.peers);
  page.counter("framepump_datagram_received_bytes_total", "Bytes of UDP packets received.", host.received_bytes);
  page.counter("framepump_datagram_sent_bytes_total", "Bytes of UDP packets sent.", host.sent_bytes);
  page.counter("framepump_datagram_received_packets_total", "UDP packets received.", host.received_packets);
  page.counter("framepump_datagram_sent_packets_total", "UDP packets sent.", host.sent_packets);
  page.counter("framepump_datagram_queue_drops_total", "Unreliable messages that gameplay did not take in time.", host.queue_drops);
  page.counter("framepump_datagram_throttled_total", "Unreliable messages that the sender threw away, since round trips became slower.",
               host.throttled);
  page.counter("framepump_datagram_kernel_drops_total", "UDP packets that found the socket's buffer full.", host.kernel_drops);
  page.counter("framepump_datagram_socket_errors_total", "Sends and receives of UDP packets that failed.", host.socket_errors);
  page.ratio("framepump_datagram_loss_ratio", "Share of reliable packets that had to be sent again, mean of the peers.", loss);
}

}  // namespace

std::string metrics_text(const ServerSight& sight) {
  const framepump::Totals& totals = sight.totals;
  Page page;
  page.info("framepump_build_info", "Version of FramePump; the value is always 1.", FRAMEPUMP_VERSION_STRING);
  page.gauge("framepump_demo_update_clients", "Clients of the demo that download the update.", sight.update_clients);
  page.gauge("framepump_demo_swarm_clients", "Clients of the demo that take part in the swarm.", sight.swarm_clients);
  page.gauge("framepump_streams", "TCP streams open now.", totals.streams);
  page.counter("framepump_ticks_total", "Ticks of the network.", totals.ticks);
  page.histogram("framepump_tick_duration_seconds", "Time from a tick's entry to its return.", sight.ticks);
  page.counter("framepump_overruns_total", "Ticks longer than slice and margin.", totals.overruns);
  page.counter("framepump_token_busy_total", "Ticks that only published, since another thread pumped.", totals.token_busy);
  page.counter("framepump_received_bytes_total", "Bytes taken from the kernel, of streams and datagrams.", totals.received_bytes);
  page.counter("framepump_sent_bytes_total", "Bytes handed to the kernel, of streams and datagrams.", totals.sent_bytes);
  page.counter("framepump_accepts_total", "Connections accepted.", totals.accepts);
  page.counter("framepump_connects_total", "Connections made.", totals.connects);
  page.counter("framepump_closes_total", "Streams closed.", totals.closes);
  page.counter("framepump_accept_pauses_total", "Times that a listener paused because descriptors ran out.", totals.accept_pauses);
  page.counter("framepump_guard_takeovers_total", "Times that the stall guard began to pump.", totals.guard_takeovers);
  page.counter("framepump_mode_switches_total", "Switches between frame-locked and threaded mode.", totals.mode_switches);
  page.gauge("framepump_memory_used_bytes", "Memory that streams hold, of the budget.", totals.memory_used_bytes);
  page.gauge("framepump_memory_peak_bytes", "The most that they held at once.", totals.memory_peak_bytes);
  page.gauge("framepump_memory_budget_bytes", "The budget, memory.budget_kib.", totals.memory_budget_bytes);
  page.gauge("framepump_kernel_window_bytes", "Kernel memory promised to hot streams.", totals.kernel_window_bytes);
  if (sight.host) add_datagrams(page, *sight.host, sight.datagram_loss);
  return page.take();
}

}  // namespace demo
