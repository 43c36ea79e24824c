// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "config/change_queue.h"
#include "config/config.h"
#include "config/config_file.h"
#include "platform/file.h"
#include "platform/file_thread.h"

namespace framepump {

// Watches one config file from the file thread and hands each edit over. A half-written file is read again before it is believed, and
// the same refusal is told once. A change that finds no room in the queue is told later, merged with what came after it. start
// is for the owner's thread; take may be called by any one thread at a time.
class ConfigWatcher final : public FileWork {
 public:
  ConfigWatcher() = default;
  ConfigWatcher(const ConfigWatcher&) = delete;
  ConfigWatcher& operator=(const ConfigWatcher&) = delete;

  // Once. `initial` is what the file said when it was loaded. The thread must stop before the watcher goes.
  // False: no memory, thread or descriptor to be had, or the path is longer than any can be.
  bool start(const char* path, const framepump_config& initial, FileThread& thread);

  // The oldest change not yet taken. False: none. Never blocks; costs one atomic load when there is none.
  bool take(ConfigChange& out) { return queue_.take(out); }

 private:
  int64_t work() override;
  intptr_t descriptor() const override { return watch_.descriptor(); }
  int64_t look();
  void judge(ConfigChange& verdict) const;
  bool is_news(const ConfigChange& verdict) const;
  bool hand_over(const ConfigChange& verdict);

  char path_[4096] = {};  // the longest that Linux takes

  // The file thread's own.
  FileWatch watch_;
  ConfigFile latest_;
  ConfigFile before_;
  ConfigChange verdict_;                     // on `before_`
  bool is_done_ = true;                      // nothing of `before_` is left to tell
  int64_t look_at_us_ = kNotBefore;          // the next reading; kNotBefore: what the file says was told
  // The newest good file that was handed over, and the newest refusal, if one came after it.
  framepump_config told_ = {};
  char told_refusal_[sizeof(framepump_message::text)] = {};

  ChangeQueue queue_;
};

}  // namespace framepump
