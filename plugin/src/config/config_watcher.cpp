// SPDX-License-Identifier: MIT
#include "config/config_watcher.h"

#include <cstring>

namespace framepump {
namespace {

constexpr char kThreadName[] = "framepump-file";

// A file is believed when two readings this far apart are equal, since some editors write in several steps. What an edit may take
// in all is half a second.
constexpr int64_t kSettleUs = 50'000;
// A file that is missing or empty is most likely being replaced at this moment.
constexpr int64_t kSettleEmptyUs = 200'000;
// The queue is full only while nobody ticks, so that there is no haste.
constexpr int64_t kRetryUs = 100'000;

}  // namespace

bool ConfigWatcher::start(const char* path, const framepump_config& initial, void (*thread_started)(void* user, const char* name),
                          void* user) {
  const size_t path_bytes = std::strlen(path) + 1;
  if (thread_.is_started() || path_bytes > sizeof(path_)) return false;
  std::memcpy(path_, path, path_bytes);
  thread_started_ = thread_started;
  user_ = user;
  told_ = initial;
  return latest_.open() && before_.open() && wake_.open() && watch_.open(path) && thread_.start(kThreadName, body, this);
}

void ConfigWatcher::stop() {
  if (!thread_.is_started()) return;
  stop_.store(true);
  wake_.raise();
  thread_.join();
}

void ConfigWatcher::body(void* self) {
  ConfigWatcher* watcher = static_cast<ConfigWatcher*>(self);
  if (watcher->thread_started_ != nullptr) watcher->thread_started_(watcher->user_, kThreadName);
  watcher->loop();
}

// The first wait returns at once, so an edit between the loading of the file and now is seen, too.
void ConfigWatcher::loop() {
  while (!stop_.load()) {
    if (watch_.wait(wake_)) look();
  }
}

// Reads the file until two readings are equal and what they say is handed over. To go back to what was told last is no change,
// and neither is a comment or a new time stamp.
void ConfigWatcher::look() {
  ConfigChange verdict;
  while (!stop_.load()) {
    latest_.read(path_);
    if (!latest_.same_as(before_)) {
      latest_.swap(before_);
      judge(verdict);
      is_done_ = !is_news(verdict);
      if (is_done_) return;
      wake_.sleep(before_.is_empty_or_missing() ? kSettleEmptyUs : kSettleUs);
    } else {
      is_done_ = is_done_ || hand_over(verdict);
      if (is_done_) return;
      wake_.sleep(kRetryUs);
    }
  }
}

void ConfigWatcher::judge(ConfigChange& verdict) const {
  verdict.accepted = before_.parse(path_, verdict.config, verdict.message);
  verdict.changed = verdict.accepted ? differing_keys(verdict.config, told_) : 0;
}

// A good file after a refused one is news even if it changes nothing: from then on the same refusal is told again.
bool ConfigWatcher::is_news(const ConfigChange& verdict) const {
  if (verdict.accepted) return verdict.changed != 0 || told_refusal_[0] != '\0';
  return std::strcmp(verdict.message.text, told_refusal_) != 0;
}

// False: the queue is full.
bool ConfigWatcher::hand_over(const ConfigChange& verdict) {
  const bool is_for_owner = !verdict.accepted || verdict.changed != 0;
  if (is_for_owner && !queue_.put(verdict)) return false;
  if (verdict.accepted) {
    told_ = verdict.config;
    told_refusal_[0] = '\0';
  } else {
    std::memcpy(told_refusal_, verdict.message.text, sizeof(told_refusal_));
  }
  return true;
}

}  // namespace framepump
