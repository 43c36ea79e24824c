// SPDX-License-Identifier: MIT
//
// What a UDP socket that a library opened needs besides. Whoever owns the socket.
#pragma once

#include <cstdint>

#include "platform/socket.h"

namespace framepump {

void keep_from_children(Socket socket);  // close-on-exec
// Asks for a receive buffer, beyond net.core.rmem_max where the process may; returns what was granted.
uint64_t set_receive_buffer(Socket socket, uint64_t size_bytes);
// A datagram waits, be it one without a byte, or an error.
bool has_input(Socket socket);
// Datagrams dropped since the socket was made because its buffer was full; 0 where the system does not tell. It wraps.
uint32_t dropped_datagrams(Socket socket);
// The local address from which packets to `to` would leave; nothing is sent. False: there is no way there.
bool source_address(const SocketAddress& to, SocketAddress& from);
// Why the library's newest call for a socket failed, if it did and nothing came in between.
IoResult last_failure();

}  // namespace framepump
