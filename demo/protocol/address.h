// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace demo {

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

// "127.0.0.1:7777" or "[::1]:7777". Nothing: it is neither; a name is not looked up.
std::optional<HostPort> parse_host_port(const std::string& text);
std::string to_text(const HostPort& address);

}  // namespace demo
