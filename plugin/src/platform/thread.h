// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace framepump {

// A helper thread that blocks every signal (but those of a crash), so that the host's handlers run on the host's threads.
class Thread {
 public:
  Thread() = default;
  ~Thread() { join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // False: the system has no thread to give, or it runs already. `name` (at most 15 characters) shows in debuggers.
  bool start(const char* name, void (*body)(void* argument), void* argument);
  void join();  // waits for the end of the body; nothing if it was never started
  bool is_started() const { return started_; }

 private:
  void (*body_)(void* argument) = nullptr;
  void* argument_ = nullptr;
  char name_[16] = {};  // the longest that Linux takes
  uintptr_t id_ = 0;
  bool started_ = false;
};

// What tells the threads that live now apart; never null.
inline const void* this_thread_mark() {
  static thread_local const char mark = 0;
  return &mark;
}

}  // namespace framepump
