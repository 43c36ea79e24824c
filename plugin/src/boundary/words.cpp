// SPDX-License-Identifier: MIT
#include "boundary/words.h"

#include <cstddef>

#include "framepump/framepump_download.h"

namespace framepump {
namespace {

template <size_t N>
const char* pick(const char* const (&names)[N], uint32_t i) {
  return i < N ? names[i] : "unknown";
}

}  // namespace

const char* error_name(uint32_t error) {
  static constexpr const char* kNames[] = {
      "ok",
      "invalid argument",
      "stale handle",
      "foreign handle",
      "overlapping call",
      "closed",
      "no room",
      "not yet",
      "too large",
      "address not numeric",
      "address in use",
      "address not available",
      "permission denied",
      "limit reached",
      "out of memory",
      "descriptors exhausted",
      "config",
      "needs restart",
      "unsupported",
      "system",
  };
  return pick(kNames, error);
}

const char* reason_name(uint32_t reason) {
  static constexpr const char* kNames[] = {
      "none",
      "closed here",
      "closed by peer",
      "refused",
      "reset",
      "connect timed out",
      "idle timed out",
      "peer dead",
      "linger timed out",
      "aborted here",
      "unreachable",
      "descriptors exhausted",
      "system",
      "timed out",
      "overloaded",
      "name not found",
      "name timed out",
      "name failed",
  };
  static constexpr const char* kDownloadNames[] = {
      "download: name",   "download: connect", "download: tls",  "download: status",    "download: redirect", "download: broken",
      "download: stalled", "download: size",    "download: hash", "download: disk full", "download: file",     "download: memory",
  };
  if (reason >= FRAMEPUMP_REASON_DOWNLOAD_NAME) return pick(kDownloadNames, reason - FRAMEPUMP_REASON_DOWNLOAD_NAME);
  return pick(kNames, reason);
}

const char* event_name(uint32_t kind) {
  static constexpr const char* kNames[] = {
      "none",     "connected",       "accepted",       "peer half-closed", "closed",
      "writable", "config reloaded", "config refused", "mode switched",    "overrun",
      "download finished", "download failed",
  };
  return pick(kNames, kind);
}

}  // namespace framepump
