// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "platform/growable_array.h"
#include "platform/host.h"
#include "platform/poller.h"

namespace framepump {

// A poller without a kernel, for tests of logic: nothing is ever ready unless report() says so. It never touches a socket, so any
// value will do. report() may be called by any thread; who sleeps in wait() is woken by its own WakeSignal only.
class NullPoller final : public Poller {
 public:
  struct Calls {
    std::atomic<uint32_t> add{0};
    std::atomic<uint32_t> remove{0};
    std::atomic<uint32_t> arm{0};
    std::atomic<uint32_t> harvest{0};
    std::atomic<uint32_t> wait{0};
  };

  // Queues an event for the next harvest, whether the key was added or not. False: no memory.
  bool report(void* key, uint32_t readiness);
  uint32_t pending() const;  // reported and not harvested yet

  IoStatus add(Socket socket, void* key, uint32_t directions) override;
  void remove(Socket socket, void* key) override;  // also drops what was reported for the key, as a kernel does
  void arm(Socket socket, void* key, uint32_t directions) override;
  uint32_t harvest(std::span<PollEvent> events) override;  // in the order of the reports
  WaitSet* make_wait_set() override;
  void prepare_wait(WaitSet& set) override;
  // Returns at once when something is pending, else sleeps on the wake in real time.
  bool wait(WaitSet& set, WakeSignal& wake, int64_t timeout_us) override;
  const char* name() const override { return "null"; }

  Calls calls;

 private:
  Host host_;
  mutable std::mutex mutex_;
  GrowableArray<PollEvent> reported_{host_};
};

}  // namespace framepump
