// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace framepump {

// Who may run the pump. Handing it over is the whole mode switch. Nobody ever waits for it: the game thread says that it wants it
// and goes on; a helper stops at the next turn and keeps its hands off until the game thread has had it.
class PumpToken {
 public:
  // Game thread. False: a helper holds it and has been told to let go.
  bool try_acquire_for_game() {
    if (!held_.exchange(true, std::memory_order_acquire)) {
      wanted_.store(false, std::memory_order_relaxed);
      return true;
    }
    wanted_.store(true, std::memory_order_relaxed);
    return false;
  }
  // Game thread, for work that the holder can do as well. It asks nobody to let go: in threaded mode the game thread would not come
  // for the token, and the helper would keep its hands off for ever.
  bool try_acquire_in_passing() { return !held_.exchange(true, std::memory_order_acquire); }
  // A helper. False: it is held, or the game thread wants it.
  bool try_acquire_for_helper() {
    if (wanted_.load(std::memory_order_relaxed)) return false;
    return !held_.exchange(true, std::memory_order_acquire);
  }
  void release() { held_.store(false, std::memory_order_release); }

  // The game thread no longer needs it: it went threaded, or it has not ticked for so long that the guard may go on.
  void forget_want() { wanted_.store(false, std::memory_order_relaxed); }
  const std::atomic<bool>& wanted() const { return wanted_; }

 private:
  std::atomic<bool> held_{false};
  std::atomic<bool> wanted_{false};
};

}  // namespace framepump
