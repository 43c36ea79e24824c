// SPDX-License-Identifier: MIT
#if defined(_WIN32)

#include "platform/datagram_socket.h"

#include <algorithm>
#include <climits>

#include "platform/windows_sockets.h"

namespace framepump {

void keep_from_children(Socket socket) { SetHandleInformation(reinterpret_cast<HANDLE>(socket.value), HANDLE_FLAG_INHERIT, 0); }

uint64_t set_receive_buffer(Socket socket, uint64_t size_bytes) {
  const int wanted = static_cast<int>(std::min<uint64_t>(size_bytes, INT_MAX));
  setsockopt(system_socket(socket), SOL_SOCKET, SO_RCVBUF, reinterpret_cast<const char*>(&wanted), sizeof(wanted));
  int granted = 0;
  int size = sizeof(granted);
  const bool is_told = getsockopt(system_socket(socket), SOL_SOCKET, SO_RCVBUF, reinterpret_cast<char*>(&granted), &size) == 0;
  return is_told && granted > 0 ? static_cast<uint64_t>(granted) : 0;
}

bool has_input(Socket socket) {
  WSAPOLLFD entry = {system_socket(socket), POLLRDNORM, 0};
  return poll_sockets(&entry, 1, 0) > 0;
}

uint32_t dropped_datagrams(Socket) { return 0; }

bool source_address(const SocketAddress& to, SocketAddress& from) {
  SystemAddress address = to_system(to);
  const SOCKET made = address.size == 0 ? INVALID_SOCKET : ::socket(address.storage.ss_family, SOCK_DGRAM, 0);
  if (made == INVALID_SOCKET) return false;
  Socket socket = {static_cast<intptr_t>(made)};
  const bool has_way = connect(made, address.pointer(), address.size) == 0 && local_address(socket, from);
  close_socket(socket);
  return has_way;
}

IoResult last_failure() { return failure_of(WSAGetLastError()); }

}  // namespace framepump

#endif
