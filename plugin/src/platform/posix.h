// SPDX-License-Identifier: MIT
//
// What the files of this room share. Not for other rooms: it brings POSIX headers in.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>

#include "platform/address.h"
#include "platform/socket.h"

namespace framepump {

IoStatus status_of(int error);
IoResult failure_of(int error);

// The system's form of an address. `size` 0: the family is none.
struct SystemAddress {
  sockaddr_storage storage;
  socklen_t size;

  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SystemAddress to_system(const SocketAddress& address);
SocketAddress from_system(const SystemAddress& address);

void apply_stream_options(int descriptor, const StreamOptions& options);

// poll() that sleeps its full time in spite of signals. `timeout_us` negative: no limit. The number of ready descriptors.
int poll_descriptors(pollfd* descriptors, uint32_t count, int64_t timeout_us);

inline int descriptor_of(Socket socket) { return static_cast<int>(socket.value); }

}  // namespace framepump
