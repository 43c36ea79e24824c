// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "config/config.h"
#include "framepump/framepump_types.h"
#include "platform/file.h"
#include "platform/thread.h"
#include "platform/wake_signal.h"

namespace framepump {

// What became of one edit of the file.
struct ConfigChange {
  bool accepted = false;
  KeySet changed = 0;              // accepted: keys whose value in the file differs from the file before
  framepump_config config = {};    // accepted: what the file says now
  framepump_message message = {};  // refused: why
};

// The file thread: watches one config file and hands each edit over. A half-written file is read again before it is refused, and the
// same refusal is told once. start and stop are for the owner's thread; take may be called by any one thread at a time.
class ConfigWatcher {
 public:
  ConfigWatcher() = default;
  ~ConfigWatcher() { stop(); }
  ConfigWatcher(const ConfigWatcher&) = delete;
  ConfigWatcher& operator=(const ConfigWatcher&) = delete;

  // `initial` is what the file said when it was loaded. `thread_started` may be null; it is called first on the new thread.
  bool start(const char* path, const framepump_config& initial, void (*thread_started)(void* user, const char* name), void* user);
  void stop();

  // The oldest change not yet taken. False: none. Never blocks; costs one atomic load when there is none.
  bool take(ConfigChange& out);

 private:
  // private parts are the implementer's to choose
};

}  // namespace framepump
