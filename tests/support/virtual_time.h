// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "framepump/framepump_types.h"

namespace framepump::test {

// A clock that moves only when a test says so, as the services of a network or a Host.
class VirtualClock {
 public:
  VirtualClock() {
    services_.struct_size = sizeof(services_);
    services_.user = this;
    services_.now_us = [](void* self) { return static_cast<VirtualClock*>(self)->now_us_; };
  }
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  const framepump_services* services() const { return &services_; }
  int64_t now_us() const { return now_us_; }
  void pass(int64_t us) { now_us_ += us; }

 private:
  framepump_services services_ = {};
  int64_t now_us_ = 1'000'000;
};

}  // namespace framepump::test
