// SPDX-License-Identifier: MIT
//
// Bulk, with FramePump: one stream, consumed by gameplay in the frame that published it.
#include <framepump/framepump.hpp>

#include <malloc.h>
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"
#include "support/allocation_count.h"
#include "support/counting_services.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

enum class Pace { sleep, wait };

// In place of the plugin's defaults, where not 0.
struct Limits {
  uint32_t budget_mib = 0;
  uint32_t keep_mib = 0;
  uint32_t quantum_kib = 0;
};

fp::Config make_config(const bench::ReaderOptions& options, bool is_threaded, const Limits& limits) {
  fp::Config config;
  if (limits.quantum_kib != 0) config.quantum_kib = limits.quantum_kib;
  config.threaded = is_threaded ? 1 : 0;
  config.slice_us = static_cast<uint32_t>(options.slice_us);
  if (limits.budget_mib != 0) {
    config.budget_kib = limits.budget_mib * 1024;
    config.receive_limit_kib = config.budget_kib / 4;
  }
  if (limits.keep_mib != 0) config.receive_limit_kib = limits.keep_mib * 1024;
  return config;
}

// Counts the plugin's memory, and knows its thread, whose clock can be read from here for as long as it runs.
class PluginHost : public framepump::test::CountingServices {
 public:
  PluginHost() {
    services_.log = nullptr;  // hints are shown, when the program ends
    services_.thread_started = [](void* self, const char* name) {
      static_cast<PluginHost*>(static_cast<CountingServices*>(self))->note_thread(name);
    };
  }
  double io_seconds() const {
    timespec time = {};
    if (has_thread_) clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }

 private:
  void note_thread(std::string_view name) {
    if (name != "framepump-io") return;
    pthread_getcpuclockid(pthread_self(), &clock_);
    has_thread_ = true;
  }

  std::atomic<bool> has_thread_ = false;
  clockid_t clock_ = 0;
};

constexpr uint32_t kTouchedMib = 64;  // unless --keep-mib says how much a frame keeps, as for the bare loop

// What malloc() gives from now on, on any thread, has been touched before, as the bare loop's buffer has been before it connects. Without it
// the sender takes the processor away from the first ticks more often; to compute for as long instead does not help.
void touch_heap(uint32_t mib) {
  constexpr int kNoMapping = 32 << 20, kNoTrimming = 1 << 30;  // the largest threshold that there is; far above what is touched
  if (mallopt(M_MMAP_THRESHOLD, kNoMapping) == 0 || mallopt(M_TRIM_THRESHOLD, kNoTrimming) == 0 || mallopt(M_ARENA_MAX, 1) == 0) {
    bench::die("mallopt refuses");
  }
  std::vector<std::vector<char>> pieces;
  for (uint32_t i = 0; i < mib; ++i) pieces.emplace_back(1 << 20, 'x');
}

// To write a line takes 0.13 to 0.22 ms (measured) of the tick that says it. The buffer is ours, since ticks are not to allocate.
void write_errors_at_exit() {
  static char buffer[8192];
  if (std::setvbuf(stderr, buffer, _IOFBF, sizeof(buffer)) != 0) bench::die("setvbuf refuses");
}

void consume_all(fp::Stream stream, bench::ByteHash& hash) {
  for (auto run = stream.front(); !run.empty(); run = stream.front()) {
    hash.add(run.data(), run.size());
    (void)stream.consume(run.size());
  }
}

// False when the stream has ended, for whatever reason: the hash tells whether all of it came.
bool gameplay(fp::Network& net, fp::Stream stream, bench::ByteHash& hash) {
  consume_all(stream, hash);
  for (const fp::Event& event : net.events()) {
    if (event.what() == fp::EventKind::closed) return false;
  }
  return true;
}

// What ticks allocate between the first ones, which make what they keep, and the one that closes the stream.
class TickAllocations {
 public:
  void tick_begins() {
    constexpr uint64_t kWarmUpTicks = 10;
    if (++ticks_ > kWarmUpTicks) count_ += newest_;
    before_ = framepump::test::allocation_count().value_or(0);
  }
  void tick_ends() { newest_ = framepump::test::allocation_count().value_or(0) - before_; }
  uint64_t count() const { return count_; }

 private:
  uint64_t ticks_ = 0;
  uint64_t before_ = 0;
  uint64_t newest_ = 0;
  uint64_t count_ = 0;
};

// Every contestant's clock starts when it is connected; --from-connect adds what that took, for rows in which others cannot leave it out.
fp::Stream connect(fp::Network& net, const bench::ReaderOptions& options, const std::string& ca_file, uint64_t& frame) {
  const fp::Tls tls = {.server_name = "bench.test", .ca_file = ca_file.c_str()};
  const auto stream =
      ca_file.empty() ? net.connect(options.host.c_str(), options.port) : net.connect(options.host.c_str(), options.port, tls);
  if (!stream) bench::die(stream.error().text());
  while (net.totals().connects == 0) {
    if (net.totals().streams == 0) bench::die("cannot connect to " + options.host);
    net.wait_until(bench::wall_us() + 1'000);
    net.tick({.frame = frame++, .now_us = bench::wall_us()});
  }
  return *stream;
}

nlohmann::json run(fp::Network& net, const bench::ReaderOptions& options, const std::string& ca_file, Pace pace, bench::ByteHash& hash) {
  uint64_t frame = 0;
  const int64_t connect_us = bench::wall_us();
  const fp::Stream stream = connect(net, options, ca_file, frame);
  const double connecting_seconds = static_cast<double>(bench::wall_us() - connect_us) / 1e6;
  bench::FrameLoop frames(options.frames_per_s);
  if (pace == Pace::wait) frames.count_late_by_own_doing();
  TickAllocations allocations;
  bool is_open = true;
  for (const uint64_t first = frame; is_open; ++frame) {
    if (pace == Pace::wait && frame > first) {
      frames.wait_begins();
      net.wait_until(frames.next_frame_us());
      frames.skip_wait();
    } else {
      frames.wait_for_frame();
    }
    allocations.tick_begins();
    frames.tick_begins();
    net.tick({.frame = frame, .now_us = bench::wall_us()});
    frames.tick_ends();
    allocations.tick_ends();
    is_open = gameplay(net, stream, hash);
    net.flush();
  }
  nlohmann::json report = bench::frame_report(frames, options);
  report["steady_allocations"] = allocations.count();
  report["connecting_seconds"] = connecting_seconds;
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one stream with FramePump.");
  bench::ReaderOptions options;
  options.add_to(app);
  std::string ca_file;
  bool is_threaded = false, is_waiting = false, is_from_connect = false;
  Limits limits;
  app.add_flag("--threaded", is_threaded, "pump on the IO thread");
  app.add_flag("--wait", is_waiting, "wait_until instead of sleep between frames");
  app.add_option("--budget-mib", limits.budget_mib, "memory.budget_kib in MiB, a quarter of it for the stream (default: the plugin's)");
  app.add_option("--keep-mib", limits.keep_mib, "what the stream may hold for a frame, in MiB (default: see --budget-mib)");
  app.add_option("--quantum-kib", limits.quantum_kib, "pump.quantum_kib (default: the plugin's)");
  app.add_flag("--from-connect", is_from_connect, "count the time that it takes to connect, too");
  app.add_option("--ca-file", ca_file, "read a TLS stream, and believe this PEM file's authority alone");
  CLI11_PARSE(app, argc, argv);

  write_errors_at_exit();
  touch_heap(limits.keep_mib != 0 ? limits.keep_mib : kTouchedMib);
  PluginHost host;
  auto net = fp::Network::create(fp::Api::linked(), make_config(options, is_threaded, limits), host.services());
  if (!net) bench::die(net.error().text());
  bench::ByteHash hash;
  nlohmann::json report = run(*net, options, ca_file, is_waiting ? Pace::wait : Pace::sleep, hash);
  if (is_from_connect) report["seconds"] = report["seconds"].get<double>() + report["connecting_seconds"].get<double>();
  if (is_threaded) report["reader_cpu_seconds"] = host.io_seconds();
  report["plugin_peak_of_budget"] = static_cast<double>(host.peak_bytes()) / static_cast<double>(net->totals().memory_budget_bytes);
  bench::print_report(std::move(report), hash, options.bytes);
}
