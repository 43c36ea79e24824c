// SPDX-License-Identifier: MIT
//
// The inner parts by themselves, with Google Benchmark. A plain run prints its table; `--one NAME` prints what the suite reads.
#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/tcp.h"
#include "framepump/framepump.h"
#include "gate/byte_queue.h"
#include "gate/handoff_list.h"
#include "pump/pump.h"
#include "platform/poller_null.h"

using namespace framepump;

namespace {

constexpr uint64_t kBudgetBytes = 8u << 20;

// One block on its way through the pool: what every 64 KiB of a stream cost besides the copy.
void pool_large_block(benchmark::State& state) {
  Host host;
  BlockPool pool;
  if (!pool.open(host, kBudgetBytes, kBudgetBytes / 16)) return state.SkipWithError("no memory");
  for (auto _ : state) {
    Block* block = pool.take_large(Account::receive);
    benchmark::DoNotOptimize(block);
    pool.give_back(block);
  }
}
BENCHMARK(pool_large_block);

void pool_small_block(benchmark::State& state) {
  Host host;
  BlockPool pool;
  if (!pool.open(host, kBudgetBytes, kBudgetBytes / 16)) return state.SkipWithError("no memory");
  for (auto _ : state) {
    Block* block = pool.take_small(Account::receive);
    benchmark::DoNotOptimize(block);
    pool.give_back(block);
  }
}
BENCHMARK(pool_small_block);

// Bytes through a stream's queue, from a block of the pool to gameplay's consume, without the copy.
void queue_through(benchmark::State& state) {
  Host host;
  BlockPool pool;
  ByteQueue queue;
  if (!pool.open(host, kBudgetBytes, kBudgetBytes / 16)) return state.SkipWithError("no memory");
  const auto size_bytes = static_cast<uint32_t>(state.range(0));
  for (auto _ : state) {
    if (queue.room().size() >= size_bytes) {
      queue.produce(size_bytes);
    } else {
      queue.append(0, size_bytes > kSmallPayloadBytes ? pool.take_large(Account::receive) : pool.take_small(Account::receive), size_bytes);
    }
    benchmark::DoNotOptimize(queue.front(queue.arrived(), pool).data());
    queue.consume(size_bytes, pool);
    queue.reclaim(pool);
  }
  queue.clear(pool);
}
BENCHMARK(queue_through)->Arg(64)->Arg(32 * 1024);

// From the pump to the game thread: post, take all, open.
void handoff(benchmark::State& state) {
  std::vector<HandoffLink> links(static_cast<size_t>(state.range(0)));
  HandoffList list;
  for (auto _ : state) {
    for (HandoffLink& link : links) list.post(link, 1);
    for (HandoffLink* link = list.take_all(); link != nullptr;) {
      HandoffLink* next = link->next();
      benchmark::DoNotOptimize(link->open());
      link = next;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(handoff)->Arg(1000);

class Idler final : public Source, public Pollable {
 public:
  explicit Idler(Pump& pump) : Source(Line::receive, FRAMEPUMP_PRIORITY_NORMAL, 1), pump_(pump) {}
  Turn take_turn(const TurnContext&) override { return {}; }
  void on_ready(uint32_t) override { pump_.make_ready(*this); }

 private:
  Pump& pump_;
};

// What the pump itself takes for a source's turn, with two looks at the clock.
void pump_turn(benchmark::State& state) {
  Host host;
  NullPoller poller;
  Pump pump(host, poller);
  std::vector<std::unique_ptr<Idler>> sources;
  for (int64_t i = 0; i < state.range(0); ++i) sources.push_back(std::make_unique<Idler>(pump));
  RunRequest request;
  request.context.quantum_bytes = 65536;
  for (auto _ : state) {
    for (const auto& source : sources) pump.make_ready(*source);
    Slice slice(host, Slice::kEndless);
    RunReport report;
    pump.run(request, slice, report);
    benchmark::DoNotOptimize(report.turns);
  }
  for (const auto& source : sources) pump.forget(*source);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(pump_turn)->Arg(1000);

// A timer that moves, in a queue of so many.
void timer_move(benchmark::State& state) {
  Host host;
  NullPoller poller;
  Pump pump(host, poller);
  std::vector<std::unique_ptr<Idler>> sources;
  for (int64_t i = 0; i < state.range(0); ++i) {
    sources.push_back(std::make_unique<Idler>(pump));
    pump.set_timer(*sources.back(), 1'000'000 + i * 7919 % 10'007);
  }
  int64_t at = 0;
  for (auto _ : state) {
    Idler& source = *sources[static_cast<size_t>(at % state.range(0))];
    pump.set_timer(source, 2'000'000 + at * 7919 % 10'007);
    ++at;
  }
  for (const auto& source : sources) pump.forget(*source);
}
BENCHMARK(timer_move)->Arg(10'000);

// A whole tick and flush with nothing to do, through the C table.
void empty_frame(benchmark::State& state) {
  const framepump_api& api = *framepump_get_api(FRAMEPUMP_VERSION);
  framepump_config config = {};
  api.config_init(&config, sizeof(config));
  config.stall_takeover_ms = 0;
  framepump_message message = {};
  message.struct_size = sizeof(message);
  framepump_handle network = 0;
  if (api.network_create(&config, nullptr, &network, &message) != FRAMEPUMP_OK) return state.SkipWithError(message.text);
  framepump_frame frame = {sizeof(frame), 0, 0, 0};
  framepump_tick_report report = {};
  report.struct_size = sizeof(report);
  for (auto _ : state) {
    frame.number += 1;
    frame.now_us += 16'667;
    api.tick(network, &frame, &report);
    api.flush(network);
  }
  api.network_destroy(network);
}
BENCHMARK(empty_frame);

// The unit everything here is to be compared with.
void bare_recv_would_block(benchmark::State& state) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return state.SkipWithError("socketpair");
  char byte = 0;
  for (auto _ : state) benchmark::DoNotOptimize(recv(pair[0], &byte, 1, 0));
  close(pair[0]);
  close(pair[1]);
}
BENCHMARK(bare_recv_would_block);

// One JSON object instead of Google Benchmark's own output.
class SuiteReporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) bench::die(run.error_message);
      const auto items = run.counters.find("items_per_second");
      const double one_ns = items != run.counters.end() ? 1e9 / items->second.value : run.GetAdjustedRealTime();
      const nlohmann::json report = {{"ns", one_ns}, {"iterations", run.iterations}, {"verified", run.iterations > 0}};
      std::printf("%s\n", report.dump().c_str());
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  const bool one = argc >= 3 && std::strcmp(argv[1], "--one") == 0;
  std::string filter = one ? std::string("--benchmark_filter=^") + argv[2] + "$" : "";
  std::vector<char*> arguments = {argv[0]};
  if (one) arguments.push_back(filter.data());
  for (int i = one ? 3 : 1; i < argc; ++i) arguments.push_back(argv[i]);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  if (!one) return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
  SuiteReporter reporter;
  return benchmark::RunSpecifiedBenchmarks(&reporter) == 1 ? 0 : 1;
}
