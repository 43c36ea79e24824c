// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace framepump {

enum class AddressFamily : uint8_t { none, ipv4, ipv6 };

// A numeric address and port, in a layout of our own so that no POSIX header leaves this room.
struct SocketAddress {
  uint8_t bytes[16] = {};  // network byte order; IPv4 uses the first four
  uint32_t scope_id = 0;   // IPv6 link-local: the interface
  uint16_t port = 0;       // host byte order
  AddressFamily family = AddressFamily::none;
};

// The same address, interface and port.
bool is_same_endpoint(const SocketAddress& a, const SocketAddress& b);
// True for 0.0.0.0 and ::, and where there is no address.
bool is_any_address(const SocketAddress& address);

constexpr uint32_t kAddressTextBytes = 56;

// True when `host` is a numeric IPv4 or IPv6 address ("127.0.0.1", "::1", "fe80::1%eth0"); never looks a name up.
bool parse_address(const char* host, uint16_t port, SocketAddress& out);

// "127.0.0.1:7777" or "[::1]:7777"; an empty text for no address.
void format_address(const SocketAddress& address, char (&out)[kAddressTextBytes]);

}  // namespace framepump
