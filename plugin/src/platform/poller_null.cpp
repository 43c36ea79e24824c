// SPDX-License-Identifier: MIT
#include "platform/poller_null.h"

#include <algorithm>
#include <new>

namespace framepump {

bool NullPoller::report(void* key, uint32_t readiness) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return reported_.push({key, readiness});
}

uint32_t NullPoller::pending() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return reported_.size();
}

IoStatus NullPoller::add(Socket, void*, uint32_t) {
  ++calls.add;
  return IoStatus::ok;
}

void NullPoller::remove(Socket, void* key) {
  ++calls.remove;
  const std::lock_guard<std::mutex> lock(mutex_);
  reported_.remove_if([key](const PollEvent& event) { return event.key == key; });
}

void NullPoller::arm(Socket, void*, uint32_t) { ++calls.arm; }

uint32_t NullPoller::harvest(std::span<PollEvent> events) {
  ++calls.harvest;
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint32_t count = static_cast<uint32_t>(std::min<size_t>(events.size(), reported_.size()));
  std::copy_n(reported_.data(), count, events.data());
  const uint32_t left = reported_.size() - count;
  std::copy_n(reported_.data() + count, left, reported_.data());
  reported_.resize_down(left);
  return count;
}

WaitSet* NullPoller::make_wait_set() { return new (std::nothrow) WaitSet; }

void NullPoller::prepare_wait(WaitSet&) {}

bool NullPoller::wait(WaitSet&, WakeSignal& wake, int64_t timeout_us) {
  ++calls.wait;
  if (pending() > 0) return true;
  return wake.sleep(timeout_us);
}

}  // namespace framepump
