// SPDX-License-Identifier: MIT
//
// Coroutines by themselves, and what they are compared with; part of bench_micro, apart from it because the public headers and the plugin's inside have names in common.
#include <benchmark/benchmark.h>
#include <framepump/coroutines.hpp>

#include <coroutine>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "bench/support/tcp.h"

namespace {

namespace bench = framepump::bench;
namespace fp = framepump;

// Coroutines in a network of their own. A tick is long enough for all that is asked of it.
class Coroutines {
 public:
  Coroutines() : net_(open()), tasks_(net_) {
    if (!tasks_) bench::die(tasks_.error().text());
  }
  fp::Tasks& tasks() { return tasks_; }
  void tick() {
    ++frame_;
    net_.tick({.frame = frame_, .now_us = static_cast<int64_t>(frame_) * 1'000});
  }

 private:
  static fp::Network open() {
    fp::Config config;
    config.slice_us = 1'000'000;
    config.stall_takeover_ms = 0;
    fp::Result<fp::Network> net = fp::Network::create(fp::Api::linked(), config);
    if (!net) bench::die(net.error().text());
    return std::move(*net);
  }
  fp::Network net_;
  fp::Tasks tasks_;
  uint64_t frame_ = 0;
};

// A thousand tasks that give way to each other: what one resumption costs, with the look at the clock after it. The tick is part of it.
void coroutine_resume(benchmark::State& state) {
  constexpr int kTasks = 1'000;
  constexpr int kRounds = 100;
  Coroutines coroutines;
  for (auto _ : state) {
    for (int i = 0; i < kTasks; ++i) {
      coroutines.tasks().start([]() -> fp::Task<> {
        for (int round = 0; round < kRounds; ++round) co_await fp::yield();
      });
    }
    while (coroutines.tasks().count() > 0) coroutines.tick();
  }
  state.SetItemsProcessed(state.iterations() * kTasks * kRounds);
}
BENCHMARK(coroutine_resume);

// The same with a tick for each round, as gameplay waits for the next frame: what a task costs that does something in every frame.
void coroutine_next_frame(benchmark::State& state) {
  const auto tasks = static_cast<int>(state.range(0));
  Coroutines coroutines;
  int64_t resumed = 0;
  for (int i = 0; i < tasks; ++i) {
    coroutines.tasks().start([&]() -> fp::Task<> {
      for (;; ++resumed) co_await fp::next_frame();
    });
  }
  coroutines.tick();  // they begin
  for (auto _ : state) coroutines.tick();
  if (resumed != state.iterations() * tasks) state.SkipWithError("not every task was resumed in every tick");
  state.SetItemsProcessed(resumed);
}
BENCHMARK(coroutine_next_frame)->Arg(1'000);

// A coroutine with nothing around it.
struct Bare {
  struct promise_type {
    Bare get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::abort(); }
  };
  std::coroutine_handle<promise_type> handle;
};

// A loop over handles: the least that a thousand functions which wait in their middle cost. No clock, no lists, nobody to cancel them.
void bare_coroutine_resume(benchmark::State& state) {
  int64_t resumed = 0;
  const auto body = [&]() -> Bare {
    for (;; ++resumed) co_await std::suspend_always();
  };
  std::vector<Bare> coroutines;
  for (int64_t i = 0; i < state.range(0); ++i) coroutines.push_back(body());
  for (const Bare& each : coroutines) each.handle.resume();  // they begin
  for (auto _ : state) {
    for (const Bare& each : coroutines) each.handle.resume();
  }
  for (const Bare& each : coroutines) each.handle.destroy();
  if (resumed != state.iterations() * state.range(0)) state.SkipWithError("not every coroutine was resumed in every round");
  state.SetItemsProcessed(resumed);
}
BENCHMARK(bare_coroutine_resume)->Arg(1'000);

// Without coroutines: a callback for each, as an engine's list of updates has them.
void bare_callback(benchmark::State& state) {
  int64_t called = 0;
  std::vector<std::function<void()>> callbacks;
  for (int64_t i = 0; i < state.range(0); ++i) callbacks.emplace_back([&called] { ++called; });
  for (auto _ : state) {
    for (const auto& callback : callbacks) callback();
  }
  if (called != state.iterations() * state.range(0)) state.SkipWithError("not every callback was called in every round");
  state.SetItemsProcessed(called);
}
BENCHMARK(bare_callback)->Arg(1'000);

// A task that awaits another one, which ends at once: a frame made, run and freed, and two changes of the one that runs.
void coroutine_call(benchmark::State& state) {
  constexpr int kCalls = 10'000;
  Coroutines coroutines;
  int64_t sum = 0;
  auto one = [](fp::Tasks&) -> fp::Task<int> { co_return 1; };
  for (auto _ : state) {
    coroutines.tasks().start([&]() -> fp::Task<> {
      for (int i = 0; i < kCalls; ++i) sum += co_await one(coroutines.tasks());
    });
    while (coroutines.tasks().count() > 0) coroutines.tick();
  }
  if (sum != state.iterations() * kCalls) state.SkipWithError("the calls were not made");
  state.SetItemsProcessed(state.iterations() * kCalls);
}
BENCHMARK(coroutine_call);

// Started, begun, ended: what a task of its own costs.
void coroutine_task(benchmark::State& state) {
  constexpr int kTasks = 1'000;
  Coroutines coroutines;
  auto nothing = [](fp::Tasks&) -> fp::Task<> { co_return; };
  for (auto _ : state) {
    for (int i = 0; i < kTasks; ++i) coroutines.tasks().start(nothing(coroutines.tasks()));
    while (coroutines.tasks().count() > 0) coroutines.tick();
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(coroutine_task);

}  // namespace
