// SPDX-License-Identifier: MIT
//
// The system's form of an address, which all systems spell alike. Not for other rooms: it brings the system's headers in.
#pragma once

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

#include "platform/address.h"

namespace framepump {

// `size` 0: the family is none.
struct SystemAddress {
  sockaddr_storage storage;
  socklen_t size;

  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SystemAddress to_system(const SocketAddress& address);
SocketAddress from_system(const SystemAddress& address);

}  // namespace framepump
