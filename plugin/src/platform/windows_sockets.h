// SPDX-License-Identifier: MIT
//
// What the files for Windows share. Not for other rooms: it brings the system's headers in.
#pragma once

#include <winsock2.h>

#include <cstdint>

#include "platform/socket.h"
#include "platform/system_address.h"

namespace framepump {

// `error` is a code of WSAGetLastError or GetLastError.
IoStatus status_of(int error);
IoResult failure_of(int error);

void apply_stream_options(SOCKET socket, const StreamOptions& options);

inline SOCKET system_socket(Socket socket) { return static_cast<SOCKET>(socket.value); }

// WSAPoll(), which counts whole milliseconds: rounded up, or the last part of one would be spent in a loop. `timeout_us` negative: no
// limit. The number of ready sockets; after a failure, which takes a moment so that a caller who loops does not spin, 0.
int poll_sockets(WSAPOLLFD* sockets, uint32_t count, int64_t timeout_us);

// How a connect stands, by select(): before Windows 10 2004 WSAPoll() tells of one that succeeds only.
enum class ConnectState : uint8_t { under_way, connected, failed };
ConnectState connect_state(Socket socket);

}  // namespace framepump
