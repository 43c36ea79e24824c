// SPDX-License-Identifier: MIT
//
// What a tick costs beside many connections on which nothing happens, and what each takes in memory. `--bare`: epoll_wait with a time-out
// of 0 instead of a tick.
#include <malloc.h>
#include <sys/epoll.h>
#include <time.h>

#include <framepump/framepump.hpp>

#include "bench/support/messages.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

constexpr size_t kOtherWorkBytes = 4u << 20;  // what a frame does besides: more than a second-level cache holds

int64_t wall_ns() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}
constexpr uint32_t kConnectsPerTick = 100;           // or the list of events would be what is measured

// Runs `tick` once per frame, each time after other work has taken the caches, and times it.
template <typename Tick>
nlohmann::json measure(uint32_t frames, Tick tick) {
  std::vector<char> other_work(kOtherWorkBytes);
  std::vector<double> ticks_ns;
  for (uint32_t frame = 0; frame < frames; ++frame) {
    for (size_t at = 0; at < other_work.size(); at += 64) other_work[at] = static_cast<char>(other_work[at] + 1);
    const int64_t start_ns = wall_ns();
    tick(frame);
    ticks_ns.push_back(static_cast<double>(wall_ns() - start_ns));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return bench::summary(ticks_ns);
}

nlohmann::json run_bare(const bench::MessageOptions& options) {
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  for (uint32_t at = 0; at < options.connections; ++at) {
    const int connection = bench::tcp_connect(options.host, options.port);
    epoll_event event = {EPOLLIN | EPOLLRDHUP | EPOLLET, {.u32 = at}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connection, &event) != 0) bench::die_errno("epoll_ctl");
  }
  epoll_event events[256];
  return {{"tick_ns", measure(options.messages, [&](uint32_t) { (void)!epoll_wait(poller, events, 256, 0); })}, {"verified", true}};
}

// Bytes that the process has from malloc, in whatever way.
uint64_t malloced_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

nlohmann::json run_framepump(const bench::MessageOptions& options) {
  fp::Config config;
  config.stall_takeover_ms = 0;  // no thread that would look in between
  auto net = fp::Network::create(fp::Api::linked(), config);
  if (!net) bench::die(net.error().text());
  int64_t now_us = 0;
  const auto tick = [&](uint32_t frame) {
    now_us += 16'667;
    net->tick({.frame = frame, .now_us = now_us});
  };
  tick(0);
  const uint64_t before_bytes = malloced_bytes();
  for (uint32_t at = 0; at < options.connections; ++at) {
    if (const auto stream = net->connect(options.host.c_str(), options.port); !stream) bench::die(stream.error().text());
    if (at % kConnectsPerTick == 0) tick(0);
  }
  for (int i = 0; i < 10'000 && net->totals().connects < options.connections; ++i) {
    tick(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const uint64_t user_bytes = malloced_bytes() - before_bytes;
  const nlohmann::json ticks_ns = measure(options.messages, tick);
  return {{"tick_ns", ticks_ns},
          {"bytes_per_stream", static_cast<double>(user_bytes) / options.connections},
          {"pool_bytes", net->totals().memory_used_bytes},
          {"verified", net->totals().connects == options.connections && net->totals().streams == options.connections}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Ticks beside idle connections.");
  bench::MessageOptions options;
  options.messages = 500;
  bool is_bare = false;
  options.add_to(app);
  app.add_flag("--bare", is_bare, "epoll_wait instead of a tick");
  CLI11_PARSE(app, argc, argv);
  if (!bench::raise_descriptor_limit(options.connections + 100)) bench::cannot_run("needs " + std::to_string(options.connections + 100) + " descriptors: raise the hard limit of open files");
  const nlohmann::json report = is_bare ? run_bare(options) : run_framepump(options);
  std::printf("%s\n", report.dump().c_str());
}
