// SPDX-License-Identifier: MIT
#if defined(_WIN32)

#include "platform/windows_sockets.h"

#include <algorithm>

namespace framepump {
namespace {

constexpr int64_t kPauseUs = 10'000;

DWORD milliseconds_up(int64_t us) { return static_cast<DWORD>(std::min<int64_t>(us / 1000 + (us % 1000 != 0 ? 1 : 0), INT32_MAX)); }

}  // namespace

IoStatus status_of(int error) {
  switch (error) {
    case 0: return IoStatus::ok;
    case WSAEWOULDBLOCK:
    case WSAEINPROGRESS:
    case WSAEALREADY: return IoStatus::would_block;
    case WSAECONNREFUSED: return IoStatus::refused;
    case WSAECONNRESET:
    case WSAESHUTDOWN:  // sending after this side was shut down, which POSIX calls EPIPE
    case WSAEDISCON: return IoStatus::reset;
    case WSAETIMEDOUT:
    case WSAECONNABORTED:  // bytes were not acknowledged in time
    case WSAENETRESET: return IoStatus::timed_out;  // probes were not answered, though mostly that is told as a reset
    case WSAENETUNREACH:
    case WSAEHOSTUNREACH:
    case WSAENETDOWN:
    case WSAEHOSTDOWN: return IoStatus::unreachable;
    case WSAEADDRINUSE: return IoStatus::address_in_use;
    case WSAEADDRNOTAVAIL: return IoStatus::address_not_available;
    case WSAEACCES: return IoStatus::permission_denied;
    case WSAEMFILE: return IoStatus::descriptors_exhausted;
    case WSAENOBUFS:
    case WSA_NOT_ENOUGH_MEMORY: return IoStatus::out_of_memory;
    case WSAEAFNOSUPPORT:
    case WSAEPROTONOSUPPORT:
    case WSAENOPROTOOPT:
    case WSAEOPNOTSUPP: return IoStatus::unsupported;
    default: return IoStatus::failed;
  }
}

IoResult failure_of(int error) { return {status_of(error), error, 0}; }

int poll_sockets(WSAPOLLFD* sockets, uint32_t count, int64_t timeout_us) {
  if (count == 0) return 0;  // which WSAPoll takes for a mistake; whoever waits has a wake signal
  const int timeout_ms = timeout_us < 0 ? -1 : static_cast<int>(milliseconds_up(timeout_us));
  const int ready = WSAPoll(sockets, count, timeout_ms);
  if (ready >= 0) return ready;
  for (uint32_t i = 0; i < count; ++i) sockets[i].revents = 0;
  if (timeout_us != 0) Sleep(milliseconds_up(timeout_us < 0 ? kPauseUs : std::min(timeout_us, kPauseUs)));
  return 0;
}

ConnectState connect_state(Socket socket) {
  fd_set writable = {1, {system_socket(socket)}};
  fd_set failed = writable;
  timeval at_once = {0, 0};  // not changed, but declared as if
  if (select(0, nullptr, &writable, &failed, &at_once) < 0) return ConnectState::failed;
  if (writable.fd_count > 0) return ConnectState::connected;  // first: "failed" may also mean that urgent data came
  return failed.fd_count > 0 ? ConnectState::failed : ConnectState::under_way;
}

}  // namespace framepump

#endif
