// SPDX-License-Identifier: MIT
//
// A watch where the system does not tell of changes, or is not asked: the caller looks again and again.
#include "platform/features.h"

#if !defined(FRAMEPUMP_LINUX)

#include <utility>

#include "platform/file.h"

namespace framepump {

FileWatch::~FileWatch() = default;

bool FileWatch::open(const char*) { return true; }

bool FileWatch::wait(WakeSignal& wake) { return std::exchange(watch_is_new_, false) || !wake.sleep(kLookAgainUs); }

}  // namespace framepump

#endif
