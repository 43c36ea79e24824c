// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "framepump/framepump_types.h"

namespace framepump::test {

// A clock that moves only when a test says so, as the services of a network or a Host. Helper threads look at it too.
class VirtualClock {
 public:
  VirtualClock() {
    services_.struct_size = sizeof(services_);
    services_.user = this;
    services_.now_us = [](void* self) { return static_cast<VirtualClock*>(self)->now_us_.load(); };
  }
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  const framepump_services* services() const { return &services_; }
  int64_t now_us() const { return now_us_; }
  void pass(int64_t us) { now_us_ += us; }

 private:
  framepump_services services_ = {};
  std::atomic<int64_t> now_us_{1'000'000};
};

// A clock that is later at every look, so that each step of the work costs the same on any machine.
class CostlyClock {
 public:
  explicit CostlyClock(int64_t look_us) : look_us_(look_us) {
    services_.struct_size = sizeof(services_);
    services_.user = this;
    services_.now_us = [](void* self) {
      CostlyClock* clock = static_cast<CostlyClock*>(self);
      return clock->now_us_.fetch_add(clock->look_us_);
    };
    services_.log = [](void*, uint32_t, const char*) {};
  }
  CostlyClock(const CostlyClock&) = delete;
  CostlyClock& operator=(const CostlyClock&) = delete;

  const framepump_services* services() const { return &services_; }

 protected:
  framepump_services services_ = {};

 private:
  int64_t look_us_;
  std::atomic<int64_t> now_us_{1'000'000};
};

}  // namespace framepump::test
