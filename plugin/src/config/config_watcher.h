// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "config/change_queue.h"
#include "config/config.h"
#include "config/config_file.h"
#include "platform/file.h"
#include "platform/thread.h"
#include "platform/wake_signal.h"

namespace framepump {

// The file thread: watches one config file and hands each edit over. A half-written file is read again before it is believed, and
// the same refusal is told once. A change that finds no room in the queue is told later, merged with what came after it. start
// and stop are for the owner's thread; take may be called by any one thread at a time.
class ConfigWatcher {
 public:
  ConfigWatcher() = default;
  ~ConfigWatcher() { stop(); }
  ConfigWatcher(const ConfigWatcher&) = delete;
  ConfigWatcher& operator=(const ConfigWatcher&) = delete;

  // Once. `initial` is what the file said when it was loaded. `thread_started` may be null; it is called first on the new thread.
  // False: no memory, thread or descriptor to be had, or the path is longer than any can be.
  bool start(const char* path, const framepump_config& initial, void (*thread_started)(void* user, const char* name), void* user);
  void stop();

  // The oldest change not yet taken. False: none. Never blocks; costs one atomic load when there is none.
  bool take(ConfigChange& out) { return queue_.take(out); }

 private:
  static void body(void* self);
  void loop();
  void look();
  void judge(ConfigChange& verdict) const;
  bool is_news(const ConfigChange& verdict) const;
  bool hand_over(const ConfigChange& verdict);

  char path_[4096] = {};  // the longest that Linux takes
  void (*thread_started_)(void* user, const char* name) = nullptr;
  void* user_ = nullptr;

  // The file thread's own.
  FileWatch watch_;
  ConfigFile latest_;
  ConfigFile before_;
  // Nothing of `before_` is left to tell.
  bool is_done_ = false;
  // The newest good file that was handed over, and the newest refusal, if one came after it.
  framepump_config told_ = {};
  char told_refusal_[sizeof(framepump_message::text)] = {};

  ChangeQueue queue_;
  WakeSignal wake_;
  Thread thread_;
  std::atomic<bool> stop_{false};
};

}  // namespace framepump
