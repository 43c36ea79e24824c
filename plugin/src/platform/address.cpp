// SPDX-License-Identifier: MIT
#include "platform/address.h"

#if defined(_WIN32)
#include <winsock2.h>
#include <iphlpapi.h>
#else
#include <net/if.h>
#endif

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "platform/system_address.h"

namespace framepump {
namespace {

bool needs_scope(const in6_addr& address) {
  return IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MC_LINKLOCAL(&address) || IN6_IS_ADDR_MC_NODELOCAL(&address);
}

// An interface's name or its number; 0: there is no such interface.
uint32_t parse_scope(const char* text) {
  uint32_t index = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, index);
  if (error == std::errc() && stop == end) return index;
  return if_nametoindex(text);
}

}  // namespace

bool is_same_endpoint(const SocketAddress& a, const SocketAddress& b) {
  return a.port == b.port && a.scope_id == b.scope_id && std::equal(std::begin(a.bytes), std::end(a.bytes), std::begin(b.bytes));
}

bool parse_address(const char* host, uint16_t port, SocketAddress& out) {
  out = {};
  if (host == nullptr) return false;
  in_addr ipv4 = {};
  if (inet_pton(AF_INET, host, &ipv4) == 1) {
    std::memcpy(out.bytes, &ipv4, sizeof(ipv4));
    out.port = port;
    out.family = AddressFamily::ipv4;
    return true;
  }
  const char* percent = std::strchr(host, '%');
  const size_t length = percent == nullptr ? std::strlen(host) : static_cast<size_t>(percent - host);
  char plain[INET6_ADDRSTRLEN] = {};
  if (length >= sizeof(plain)) return false;
  std::memcpy(plain, host, length);
  in6_addr ipv6 = {};
  if (inet_pton(AF_INET6, plain, &ipv6) != 1) return false;
  // An interface means something for link-local addresses only; elsewhere it is a slip, as it is for getaddrinfo.
  const uint32_t scope_id = percent != nullptr && needs_scope(ipv6) ? parse_scope(percent + 1) : 0;
  if (percent != nullptr && scope_id == 0) return false;
  std::memcpy(out.bytes, &ipv6, sizeof(ipv6));
  out.scope_id = scope_id;
  out.port = port;
  out.family = AddressFamily::ipv6;
  return true;
}

bool is_any_address(const SocketAddress& address) {
  constexpr uint8_t kAny[16] = {};
  constexpr uint8_t kMappedAny[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};  // ::ffff:0.0.0.0
  static_assert(sizeof(address.bytes) == sizeof(kAny));
  return std::memcmp(address.bytes, kAny, sizeof(kAny)) == 0 || std::memcmp(address.bytes, kMappedAny, sizeof(kMappedAny)) == 0;
}

void format_address(const SocketAddress& address, char (&out)[kAddressTextBytes]) {
  char text[INET6_ADDRSTRLEN] = {};
  char full[INET6_ADDRSTRLEN + 24] = {};  // and brackets, scope and port
  if (address.family == AddressFamily::ipv4) {
    inet_ntop(AF_INET, address.bytes, text, sizeof(text));
    std::snprintf(full, sizeof(full), "%s:%u", text, unsigned{address.port});
  } else if (address.family == AddressFamily::ipv6) {
    inet_ntop(AF_INET6, address.bytes, text, sizeof(text));
    char scope[12] = {};
    if (address.scope_id != 0) std::snprintf(scope, sizeof(scope), "%%%u", unsigned{address.scope_id});
    std::snprintf(full, sizeof(full), "[%s%s]:%u", text, scope, unsigned{address.port});
  }
  // Only an interface's number of eight digits could make it too long.
  std::memcpy(out, full, kAddressTextBytes - 1);
  out[kAddressTextBytes - 1] = '\0';
}

}  // namespace framepump
