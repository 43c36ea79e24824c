// SPDX-License-Identifier: MIT
//
// The bare system calls, for senders and for contestants that use nothing else. Failures end the program with a message.
#pragma once

#include <cstdint>
#include <string>

namespace framepump::bench {

[[noreturn]] void die(const std::string& what);      // to stderr, with exit status 1
// As die, when a privilege or a part of the kernel is missing: with exit status 77, which the suite takes for skipped.
[[noreturn]] void cannot_run(const std::string& why);
[[noreturn]] void die_errno(const std::string& what);  // with errno's text

// Raises the limit of descriptors to what is allowed, and with the privilege to `wanted`. False: it stays below.
bool raise_descriptor_limit(uint64_t wanted);

int tcp_listen(const std::string& host, uint16_t port, int backlog = 4096);
uint16_t local_port(int descriptor);
// Blocks until connected; TCP_NODELAY. SO_RCVBUF is set before, when a size is given, since the window's scale is agreed on then.
int tcp_connect(const std::string& host, uint16_t port, int receive_buffer_bytes = 0);
void set_nonblocking(int descriptor);

}  // namespace framepump::bench
