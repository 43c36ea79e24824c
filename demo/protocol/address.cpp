// SPDX-License-Identifier: MIT
#include "demo/protocol/address.h"

#include <charconv>

namespace demo {
namespace {

// What addresses are written with; whether they are right, the plugin says. A name fails there too, but only once the demo runs.
constexpr const char* kNumeric = "0123456789abcdefABCDEF.:";

}  // namespace

std::optional<HostPort> parse_host_port(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  HostPort address;
  address.host = text.substr(0, colon);
  if (address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (address.host.find(':') != std::string::npos) {
    return std::nullopt;  // without brackets nobody knows where an IPv6 address ends and the port begins
  }
  if (address.host.find_first_of("[]") != std::string::npos) return std::nullopt;  // nor where brackets in brackets end
  const char* begin = text.data() + colon + 1;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(begin, end, address.port);
  if (begin == end || rest != end || error != std::errc() || address.host.empty()) return std::nullopt;
  const std::string digits = address.host.substr(0, address.host.find('%'));  // behind it is the name of an interface
  if (digits.find_first_not_of(kNumeric) != std::string::npos) return std::nullopt;
  return address;
}

std::string to_text(const HostPort& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace demo
