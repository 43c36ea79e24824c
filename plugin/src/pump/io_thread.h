// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "platform/host.h"
#include "platform/poller.h"
#include "platform/thread.h"
#include "platform/wake_signal.h"
#include "pump/pump_token.h"

namespace framepump {

// What the thread drives: the pump as a whole. Called with the token.
class BackgroundPump {
 public:
  // Pumps until nothing is ready or somebody wants the token.
  virtual void pump_in_background() = 0;
  // Monotonic time of the next timer, kNever for none.
  virtual int64_t next_timer_us() = 0;
  // False: there is work that no poller event will announce, so do not sleep.
  virtual bool may_sleep() = 0;
  // The game has stopped ticking, and the guard begins to pump.
  virtual void on_takeover() = 0;

 protected:
  ~BackgroundPump() = default;
};

// The IO thread: pumps in threaded mode, sleeps and guards in frame-locked mode. It holds the token only while it works.
class IoThread {
 public:
  enum class Role : uint8_t { off, guard, pump };

  IoThread(const Host& host, PumpToken& token, Poller& poller, BackgroundPump& job);
  ~IoThread() { stop(); }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Game thread. Starts the thread when a role needs it first; it does nothing before the first note_tick and wake, since no
  // time is known before the first frame. False: no thread or descriptor to be had.
  bool set_role(Role role, int64_t takeover_us);
  void stop();

  // Game thread: it has just ticked, or is inside wait_until, which counts as ticking all the time.
  enum class Waiting : uint8_t { no, yes };
  void note_tick() { last_tick_us_.store(monotonic_now_us(), std::memory_order_relaxed); }
  void note_waiting(Waiting waiting) {
    note_tick();
    game_waits_.store(waiting == Waiting::yes, std::memory_order_relaxed);
  }
  // Ends its sleep. Any thread.
  void wake() {
    if (may_wake_.load(std::memory_order_acquire)) wake_.raise();
  }

 private:
  static void body(void* self);
  static int64_t monotonic_now_us();
  void loop();
  bool is_time_to_guard(int64_t& wait_us);
  void pump_once();

  const Host& host_;
  PumpToken& token_;
  Poller& poller_;
  BackgroundPump& job_;
  WaitSet* wait_set_ = nullptr;
  WakeSignal wake_;
  Thread thread_;
  std::atomic<bool> may_wake_{false};  // it was started
  bool took_over_ = false;  // this thread only
  std::atomic<Role> role_{Role::off};
  std::atomic<int64_t> takeover_us_{0};
  std::atomic<int64_t> last_tick_us_{0};
  std::atomic<bool> game_waits_{false};
  std::atomic<bool> stop_{false};
};

}  // namespace framepump
