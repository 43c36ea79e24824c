// SPDX-License-Identifier: MIT
#include "platform/system_address.h"

#include <algorithm>
#include <cstring>

#if defined(_WIN32)
#include "platform/windows_sockets.h"
#else
#include "platform/posix.h"
#endif

namespace framepump {
namespace {

#if defined(_WIN32)
SOCKET handle_of(Socket socket) { return system_socket(socket); }
#else
int handle_of(Socket socket) { return descriptor_of(socket); }
#endif

// `ask` is getsockname or getpeername, whose types are the system's own.
template <typename Ask>
bool ask_address(Ask ask, Socket socket, SocketAddress& out) {
  SystemAddress address = {};
  address.size = sizeof(address.storage);
  if (ask(handle_of(socket), address.pointer(), &address.size) != 0) return false;
  out = from_system(address);
  return true;
}

}  // namespace

SystemAddress to_system(const SocketAddress& address) {
  SystemAddress out = {};
  if (address.family == AddressFamily::ipv4) {
    sockaddr_in system = {};
    system.sin_family = AF_INET;
    system.sin_port = htons(address.port);
    std::memcpy(&system.sin_addr, address.bytes, sizeof(system.sin_addr));
    std::memcpy(&out.storage, &system, sizeof(system));
    out.size = sizeof(system);
  } else if (address.family == AddressFamily::ipv6) {
    sockaddr_in6 system = {};
    system.sin6_family = AF_INET6;
    system.sin6_port = htons(address.port);
    system.sin6_scope_id = address.scope_id;
    std::memcpy(&system.sin6_addr, address.bytes, sizeof(system.sin6_addr));
    std::memcpy(&out.storage, &system, sizeof(system));
    out.size = sizeof(system);
  }
  return out;
}

SocketAddress from_system(const SystemAddress& address) {
  SocketAddress out;
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in system = {};
    std::memcpy(&system, &address.storage, sizeof(system));
    out.family = AddressFamily::ipv4;
    out.port = ntohs(system.sin_port);
    std::memcpy(out.bytes, &system.sin_addr, sizeof(system.sin_addr));
  } else if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 system = {};
    std::memcpy(&system, &address.storage, sizeof(system));
    out.family = AddressFamily::ipv6;
    out.port = ntohs(system.sin6_port);
    out.scope_id = system.sin6_scope_id;
    std::memcpy(out.bytes, &system.sin6_addr, sizeof(system.sin6_addr));
  }
  return out;
}

bool local_address(Socket socket, SocketAddress& out) { return ask_address(getsockname, socket, out); }

bool peer_address(Socket socket, SocketAddress& out) { return ask_address(getpeername, socket, out); }

bool is_connected_to_itself(Socket socket, const SocketAddress& peer) {
  SocketAddress local;
  return local_address(socket, local) && is_same_endpoint(local, peer);
}

IoResult nothing_received(std::span<const ReceiveBuffer> buffers) {
  const bool had_room = std::any_of(buffers.begin(), buffers.end(), [](const ReceiveBuffer& buffer) { return buffer.size_bytes > 0; });
  return {had_room ? IoStatus::end_of_stream : IoStatus::ok, 0, 0};
}

}  // namespace framepump
