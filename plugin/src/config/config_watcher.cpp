// SPDX-License-Identifier: MIT
#include "config/config_watcher.h"

#include <algorithm>
#include <cstring>

#include "platform/clock.h"

namespace framepump {
namespace {

// A file is believed when two readings this far apart are equal, since some editors write in several steps. What an edit may take
// in all is half a second.
constexpr int64_t kSettleUs = 50'000;
// A file that is missing or empty is most likely being replaced at this moment.
constexpr int64_t kSettleEmptyUs = 200'000;
// The queue is full only while nobody ticks, so that there is no haste.
constexpr int64_t kRetryUs = 100'000;

}  // namespace

bool ConfigWatcher::start(const char* path, const framepump_config& initial, FileThread& thread) {
  const size_t path_bytes = std::strlen(path) + 1;
  if (path_bytes > sizeof(path_)) return false;
  std::memcpy(path_, path, path_bytes);
  told_ = initial;
  return latest_.open() && before_.open() && watch_.open(path) && thread.add(*this);
}

// The first look comes at once, so an edit between the loading of the file and now is seen, too.
int64_t ConfigWatcher::work() {
  const int64_t now_us = monotonic_us();
  if (watch_.may_have_changed() && look_at_us_ == kNotBefore) look_at_us_ = now_us;
  if (now_us >= look_at_us_) look_at_us_ = look();
  return std::min(look_at_us_, watch_.look_again_at_us());
}

// One reading. When two in a row are equal, what they say is handed over. To go back to what was told last is no change,
// and neither is a comment or a new time stamp. Returns when the next reading is due.
int64_t ConfigWatcher::look() {
  latest_.read(path_);
  int64_t next_us = kRetryUs;
  if (!latest_.same_as(before_)) {
    latest_.swap(before_);
    judge(verdict_);
    is_done_ = !is_news(verdict_);
    next_us = before_.is_empty_or_missing() ? kSettleEmptyUs : kSettleUs;
  } else {
    is_done_ = is_done_ || hand_over(verdict_);
  }
  return is_done_ ? kNotBefore : monotonic_us() + next_us;
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
