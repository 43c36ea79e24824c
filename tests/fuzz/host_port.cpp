// SPDX-License-Identifier: MIT
//
// An address and port that the demo accepts can be written and read again.
#include "demo/protocol/address.h"

#include <string>

#include "fuzz/target.h"

namespace framepump::fuzz {

void host_port(std::string_view bytes) {
  const std::optional<demo::HostPort> address = demo::parse_host_port(std::string(bytes));
  if (!address.has_value()) return;
  expect(!address->host.empty(), "there is no address without a host");
  const std::optional<demo::HostPort> again = demo::parse_host_port(demo::to_text(*address));
  expect(again.has_value() && again->host == address->host && again->port == address->port, "an address is read as it was written");
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(host_port);
