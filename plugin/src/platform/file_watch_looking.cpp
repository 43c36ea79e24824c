// SPDX-License-Identifier: MIT
//
// A watch where the system does not tell of changes, or is not asked: the caller looks again and again.
#include "platform/features.h"

#if !defined(FRAMEPUMP_LINUX)

#include <utility>

#include "platform/clock.h"
#include "platform/file.h"

namespace framepump {

FileWatch::~FileWatch() = default;

bool FileWatch::open(const char*) { return true; }

bool FileWatch::may_have_changed() {
  const int64_t now_us = monotonic_us();
  if (!std::exchange(watch_is_new_, false) && now_us < look_again_at_us_) return false;
  look_again_at_us_ = now_us + kLookAgainUs;
  return true;
}

}  // namespace framepump

#endif
