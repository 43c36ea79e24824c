// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <framepump/coroutines.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "support/test_network.h"

namespace framepump::test {

namespace fp = framepump;

inline fp::Network make_network(const fp::Config& config, const framepump_services* services = nullptr) {
  framepump_services quiet = {};
  quiet.struct_size = sizeof(quiet);
  quiet.log = [](void*, uint32_t, const char*) {};
  fp::Result<fp::Network> net = fp::Network::create(fp::Api::linked(), config, services != nullptr ? services : &quiet);
  REQUIRE(bool(net));
  return std::move(*net);
}

// A slice that ends no tick, however busy the machine is.
inline fp::Config unhurried() {
  fp::Config config;
  config.slice_us = 1'000'000;
  return config;
}

// A network and its tasks in frames of 10 ms on virtual time: the first tick is at 10 ms.
struct TaskStage {
  explicit TaskStage(const fp::Config& config = unhurried(), const framepump_services* services = nullptr)
      : net(make_network(config, services)), tasks(net) {
    REQUIRE(bool(tasks));
  }

  const fp::TickReport& tick() {
    now_us += 10'000;
    report = net.tick({.frame = ++frame, .now_us = now_us});
    net.flush();
    return report;
  }
  void tick(int times) {
    for (int i = 0; i < times; ++i) tick();
  }
  // Frames a moment apart, for sockets. False: it never came true.
  bool run_until(const std::function<bool()>& condition, int limit_ms = 20'000) {
    const int64_t end_us = test::now_us() + int64_t{limit_ms} * 1000;
    while (!condition()) {
      if (test::now_us() > end_us) return false;
      tick();
      net.wait_until(test::now_us() + 300, fp::Until::first_data);
    }
    return true;
  }
  bool run_to_end() {
    return run_until([this] { return tasks.count() == 0; });
  }

  int64_t now_us = 0;
  uint64_t frame = 0;
  fp::TickReport report;
  fp::Network net;
  fp::Tasks tasks;
};

// In both modes and over both pollers. Slices are long, so that a busy machine changes nothing.
template <typename Body>
void staged_in_all(Body body) {
  for (uint32_t threaded : {0u, 1u}) {
    for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
      CAPTURE(threaded);
      CAPTURE(backend);
      fp::Config config;
      config.threaded = threaded;
      config.backend = backend;
      config.slice_us = 1'000'000;
      config.connect_timeout_ms = 0;  // a stage's ten seconds are soon over
      body(config);
    }
  }
}

// Counts the objects of its kind that live: what RAII in a task comes to.
struct Guard {
  explicit Guard(int& live) : live_(&live) { ++live; }
  Guard(Guard&& other) noexcept : live_(std::exchange(other.live_, nullptr)) {}
  ~Guard() {
    if (live_ != nullptr) --*live_;
  }
  int* live_;
};

}  // namespace framepump::test
