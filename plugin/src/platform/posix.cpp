// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "platform/clock.h"
#include "platform/posix.h"

namespace framepump {
namespace {

int poll_once(pollfd* descriptors, uint32_t count, int64_t timeout_us) {
#if defined(FRAMEPUMP_LINUX)
  timespec timeout = {};
  timeout.tv_sec = static_cast<time_t>(timeout_us / 1'000'000);
  timeout.tv_nsec = static_cast<long>(timeout_us % 1'000'000 * 1000);
  return ppoll(descriptors, count, timeout_us < 0 ? nullptr : &timeout, nullptr);
#else
  // Rounded up, or the last part of a millisecond would be spent in a loop.
  const int timeout_ms = timeout_us < 0 ? -1 : static_cast<int>(std::min<int64_t>((timeout_us + 999) / 1000, INT32_MAX));
  return poll(descriptors, count, timeout_ms);
#endif
}

// No memory in the kernel, or more descriptors than RLIMIT_NOFILE, which somebody lowered. A caller who loops must not spin.
int wait_after_failure(int64_t timeout_us) {
  constexpr int64_t kPauseUs = 10'000;
  poll_once(nullptr, 0, timeout_us < 0 ? kPauseUs : std::min(timeout_us, kPauseUs));
  return 0;
}

}  // namespace

IoStatus status_of(int error) {
  switch (error) {
    case 0: return IoStatus::ok;
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
    case EINPROGRESS:
    case EALREADY: return IoStatus::would_block;
    case ECONNREFUSED: return IoStatus::refused;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return IoStatus::reset;
    case ETIMEDOUT: return IoStatus::timed_out;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
#if defined(FRAMEPUMP_LINUX)
    case ENONET:
#endif
    case EHOSTDOWN: return IoStatus::unreachable;
    case EADDRINUSE: return IoStatus::address_in_use;
    case EADDRNOTAVAIL: return IoStatus::address_not_available;
    case EACCES:
    case EPERM: return IoStatus::permission_denied;
    case EMFILE:
    case ENFILE: return IoStatus::descriptors_exhausted;
    case ENOBUFS:
    case ENOMEM: return IoStatus::out_of_memory;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
    case ENOPROTOOPT:
    case EOPNOTSUPP: return IoStatus::unsupported;
    default: return IoStatus::failed;
  }
}

IoResult failure_of(int error) { return {status_of(error), error, 0}; }

ssize_t read_some(int descriptor, char* out, size_t size_bytes) {
  ssize_t taken = 0;
  do {
    taken = read(descriptor, out, size_bytes);
  } while (taken < 0 && errno == EINTR);
  return taken;
}

int poll_descriptors(pollfd* descriptors, uint32_t count, int64_t timeout_us) {
  constexpr int64_t kLongestUs = int64_t{365} * 24 * 3600 * 1'000'000;  // a year, so that adding to the clock cannot overflow
  const bool is_limited = timeout_us > 0;
  const int64_t deadline_us = is_limited ? monotonic_us() + std::min(timeout_us, kLongestUs) : 0;
  int64_t left_us = std::min(timeout_us, kLongestUs);
  while (true) {
    const int ready = poll_once(descriptors, count, left_us);
    if (ready >= 0) return ready;
    if (errno != EINTR) return wait_after_failure(timeout_us);
    if (is_limited) left_us = std::max<int64_t>(deadline_us - monotonic_us(), 0);
  }
}

}  // namespace framepump

#endif
