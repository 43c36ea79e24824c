// SPDX-License-Identifier: MIT
//
// An address that the plugin accepts is one for the system too, and is written as it was read.
#include <cstring>
#include <memory>
#include <string>

#include <netdb.h>
#include <netinet/in.h>

#include "fuzz/target.h"
#include "platform/address.h"

namespace framepump::fuzz {
namespace {

// What the system's own look-up makes of it, which is asked for numbers only.
bool is_same_for_system(const std::string& host, const SocketAddress& address) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_family = address.family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);
  if (address.family == AddressFamily::ipv4) {
    sockaddr_in system = {};
    std::memcpy(&system, list->ai_addr, sizeof(system));
    return std::memcmp(&system.sin_addr, address.bytes, sizeof(system.sin_addr)) == 0;
  }
  sockaddr_in6 system = {};
  std::memcpy(&system, list->ai_addr, sizeof(system));
  return std::memcmp(&system.sin6_addr, address.bytes, sizeof(system.sin6_addr)) == 0 && system.sin6_scope_id == address.scope_id;
}

std::string without_port(const std::string& text) {
  const std::string host = text.substr(0, text.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

struct Text {
  char bytes[kAddressTextBytes];
};

void check_text(const SocketAddress& address) {
  const auto text = std::make_unique<Text>();  // on the heap: AddressSanitizer sees a byte too many
  std::memset(text->bytes, 'x', sizeof(text->bytes));
  format_address(address, text->bytes);
  if (std::memchr(text->bytes, 0, sizeof(text->bytes)) == nullptr) return fail("a written address ends with a zero");
  if (std::strlen(text->bytes) == sizeof(text->bytes) - 1) return;  // an interface's number of eight digits may have been cut
  SocketAddress again;
  expect(parse_address(without_port(text->bytes).c_str(), address.port, again), "a written address is one");
  expect(is_same_endpoint(address, again) && again.family == address.family, "an address is written as it was read");
}

}  // namespace

// The first two bytes are the port.
void address_text(std::string_view bytes) {
  if (bytes.size() < 2) return;
  uint16_t port = 0;
  std::memcpy(&port, bytes.data(), sizeof(port));
  bytes.remove_prefix(sizeof(port));
  const std::string host(bytes.substr(0, bytes.find('\0')));
  SocketAddress address;
  if (!parse_address(host.c_str(), port, address)) {
    expect(address.family == AddressFamily::none && is_any_address(address), "a refused host leaves no address behind");
    return;
  }
  expect(address.port == port, "an address keeps its port");
  expect(is_same_for_system(host, address), "an address means the same for the system");
  check_text(address);
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(address_text);
