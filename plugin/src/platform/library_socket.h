// SPDX-License-Identifier: MIT
//
// Socket calls in the form that c-ares wants them in, which takes sockets of its user's making. Every descriptor is non-blocking and
// close-on-exec, no call raises SIGPIPE, and every call survives EINTR. POSIX only.
#pragma once

#include <cstddef>
#include <cstdint>

struct iovec;
struct sockaddr;

namespace framepump {

int open_library_socket(int domain, int type, int protocol);  // -1: see errno, as in the others
int close_library_socket(int descriptor);
int connect_library_socket(int descriptor, const sockaddr* address, uint32_t address_bytes);
int64_t receive_from(int descriptor, void* out, size_t size_bytes, int flags, sockaddr* from, uint32_t* from_bytes);
int64_t send_parts(int descriptor, const iovec* parts, int count);

// Makes the caller believe that nothing is there (EWOULDBLOCK): it has had enough. Returns -1.
int64_t pretend_would_block();
// Of a call that returned -1 just now.
bool was_would_block();

}  // namespace framepump
