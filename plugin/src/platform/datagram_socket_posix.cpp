// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/datagram_socket.h"
#include "platform/features.h"

#include <fcntl.h>
#if defined(FRAMEPUMP_LINUX)
#include <linux/sock_diag.h>
#endif

#include <algorithm>
#include <cerrno>
#include <climits>

#include "platform/posix.h"

namespace framepump {

void keep_from_children(Socket socket) {
  const int flags = fcntl(descriptor_of(socket), F_GETFD);
  if (flags >= 0) fcntl(descriptor_of(socket), F_SETFD, flags | FD_CLOEXEC);
}

uint64_t set_receive_buffer(Socket socket, uint64_t size_bytes) {
  const int descriptor = descriptor_of(socket);
  const int wanted = static_cast<int>(std::min<uint64_t>(size_bytes, INT_MAX / 2));  // Linux doubles it
  bool is_set = false;
#if defined(SO_RCVBUFFORCE)
  is_set = setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) == 0;
#endif
  if (!is_set) setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
  int granted = 0;
  socklen_t size = sizeof(granted);
  return getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &granted, &size) == 0 ? static_cast<uint64_t>(granted) : 0;
}

bool has_input(Socket socket) {
  pollfd descriptor = {descriptor_of(socket), POLLIN, 0};
  return poll_descriptors(&descriptor, 1, 0) > 0;
}

uint32_t dropped_datagrams([[maybe_unused]] Socket socket) {
#if defined(SO_MEMINFO)
  uint32_t values[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof(values);
  if (getsockopt(descriptor_of(socket), SOL_SOCKET, SO_MEMINFO, values, &size) == 0) return values[SK_MEMINFO_DROPS];
#endif
  return 0;
}

bool source_address(const SocketAddress& to, SocketAddress& from) {
  SystemAddress address = to_system(to);
  const int kind = SOCK_DGRAM
#if defined(FRAMEPUMP_LINUX)
                   | SOCK_CLOEXEC
#endif
      ;
  Socket socket = {address.size == 0 ? -1 : ::socket(address.storage.ss_family, kind, 0)};
  if (!socket.is_open()) return false;
  const bool has_way = connect(descriptor_of(socket), address.pointer(), address.size) == 0 && local_address(socket, from);
  close_socket(socket);
  return has_way;
}

IoResult last_failure() { return failure_of(errno); }

}  // namespace framepump

#endif
