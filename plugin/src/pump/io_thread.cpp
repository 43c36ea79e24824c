// SPDX-License-Identifier: MIT
#include "pump/io_thread.h"

#include <algorithm>

#include "platform/clock.h"
#include "pump/source.h"

namespace framepump {
namespace {

// How long a helper keeps away from a token that the game thread wants. The game takes it at its next tick and then wakes nobody, so
// this is also how late background work goes on; a frame at 200 Hz.
constexpr int64_t kKeepAwayUs = 5000;

}  // namespace

IoThread::IoThread(const Host& host, PumpToken& token, Poller& poller, BackgroundPump& job)
    : host_(host), token_(token), poller_(poller), job_(job) {}

int64_t IoThread::monotonic_now_us() { return monotonic_us(); }

bool IoThread::set_role(Role role, int64_t takeover_us) {
  takeover_us_.store(takeover_us, std::memory_order_relaxed);
  if (role != Role::off && !thread_.is_started()) {
    wait_set_ = poller_.make_wait_set();
    stop_.store(false);
    role_.store(role);
    if (wait_set_ == nullptr || !wake_.open() || !thread_.start("framepump-io", body, this)) {
      role_.store(Role::off);
      delete wait_set_;
      wait_set_ = nullptr;
      return false;
    }
    may_wake_.store(true, std::memory_order_release);
    return true;
  }
  role_.store(role);
  if (thread_.is_started()) wake_.raise();
  return true;
}

void IoThread::stop() {
  if (!thread_.is_started()) return;
  stop_.store(true);
  wake_.raise();
  thread_.join();
  delete wait_set_;
  wait_set_ = nullptr;
}

void IoThread::body(void* self) {
  IoThread* thread = static_cast<IoThread*>(self);
  thread->host_.thread_started("framepump-io");
  thread->loop();
}

void IoThread::loop() {
  while (!stop_.load()) {
    const Role role = role_.load();
    int64_t wait_us = -1;
    const bool is_early = last_tick_us_.load(std::memory_order_relaxed) == 0;
    if (role == Role::off || is_early || (role == Role::guard && !is_time_to_guard(wait_us))) {
      took_over_ = false;
      wake_.sleep(wait_us);
    } else {
      pump_once();
    }
  }
}

// The guard takes over when no tick came for a while. False: not yet, look again in `wait_us`.
bool IoThread::is_time_to_guard(int64_t& wait_us) {
  const int64_t takeover_us = takeover_us_.load(std::memory_order_relaxed);
  const int64_t quiet_us = game_waits_.load(std::memory_order_relaxed) ? 0 : monotonic_us() - last_tick_us_.load(std::memory_order_relaxed);
  wait_us = std::max<int64_t>(takeover_us - quiet_us, 1000);
  if (quiet_us < takeover_us) return false;
  token_.forget_want();  // whoever wanted it has been away for as long
  return true;
}

void IoThread::pump_once() {
  if (!token_.try_acquire_for_helper()) {
    wake_.sleep(kKeepAwayUs);
    return;
  }
  if (role_.load() == Role::guard && !took_over_) {
    took_over_ = true;
    job_.on_takeover();
  }
  job_.pump_in_background();
  const int64_t timer_us = job_.next_timer_us();
  const bool may_sleep = job_.may_sleep();
  if (may_sleep) poller_.prepare_wait(*wait_set_);
  token_.release();
  if (!may_sleep) return;
  // The guard looks up now and then, since the game's return wakes nobody.
  int64_t timeout_us = role_.load() == Role::guard ? takeover_us_.load(std::memory_order_relaxed) : -1;
  if (timer_us != kNever) {
    const int64_t until_timer_us = std::max<int64_t>(timer_us - monotonic_us(), 0);
    timeout_us = timeout_us < 0 ? until_timer_us : std::min(timeout_us, until_timer_us);
  }
  poller_.wait(*wait_set_, wake_, timeout_us);
}

}  // namespace framepump
