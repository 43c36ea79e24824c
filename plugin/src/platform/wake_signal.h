// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace framepump {

// Wakes one sleeping thread: an eventfd on Linux, a pipe on other POSIX systems, a connection to itself on Windows. raise() may be called
// by any thread; a raise with nobody asleep makes the next sleep return at once.
class WakeSignal {
 public:
  WakeSignal() = default;
  ~WakeSignal();
  WakeSignal(const WakeSignal&) = delete;
  WakeSignal& operator=(const WakeSignal&) = delete;

  bool open();  // false: out of descriptors
  void raise();
  void clear();  // takes back every raise so far
  static constexpr size_t kMostOthers = 4;
  // Sleeps until raised, one of at most kMostOthers descriptors is readable, or `timeout_us` has passed (negative: no limit), then clears.
  // True: it was raised.
  bool sleep(int64_t timeout_us, std::span<const intptr_t> others = {});

  // What a poller looks at: a descriptor, on Windows a socket.
  intptr_t read_descriptor() const { return read_fd_; }

 private:
  intptr_t read_fd_ = -1;
  intptr_t write_fd_ = -1;
};

}  // namespace framepump
