// SPDX-License-Identifier: MIT
//
// What is the same on all systems: their form of an address, and what is asked by it. Not for other rooms: it brings the system's headers
// in.
#pragma once

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

#include <span>

#include "platform/address.h"
#include "platform/socket.h"

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

// False: it is not connected.
bool peer_address(Socket socket, SocketAddress& out);
// The port one connects to may be picked as the local port too, if it is of the ephemeral range, and TCP's simultaneous open then succeeds:
// a client that retries while its local server is down would talk to itself, and keep the server from coming back.
bool is_connected_to_itself(Socket socket, const SocketAddress& peer);
// Of a receive that brought no bytes: without room the answer is 0, too, and would pass for the end.
IoResult nothing_received(std::span<const ReceiveBuffer> buffers);

}  // namespace framepump
