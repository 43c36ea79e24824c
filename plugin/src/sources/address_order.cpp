// SPDX-License-Identifier: MIT
#include "sources/address_order.h"

#include <algorithm>
#include <cstring>

namespace framepump {
namespace {

// Section 2.1. IPv4 stands in the table as ::ffff:0:0/96.
struct Policy {
  uint8_t prefix[16];
  uint8_t bits;
  uint8_t precedence;
  uint8_t label;
};
constexpr Policy kPolicies[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},  // ::1
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},        // IPv4
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 96, 1, 3},               // IPv4-compatible
    {{0x20, 0x01, 0, 0}, 32, 5, 5},                                 // Teredo
    {{0x20, 0x02}, 16, 30, 2},                                      // 6to4
    {{0x3f, 0xfe}, 16, 1, 12},                                      // 6bone
    {{0xfe, 0xc0}, 10, 1, 11},                                      // site-local
    {{0xfc}, 7, 3, 13},                                             // unique local
    {{}, 0, 40, 1},
};

constexpr uint8_t kLinkLocalScope = 0x2;
constexpr uint8_t kSiteLocalScope = 0x5;
constexpr uint8_t kGlobalScope = 0xe;

struct Mapped {
  uint8_t bytes[16];
};

Mapped mapped(const SocketAddress& address) {
  Mapped out = {};
  if (address.family == AddressFamily::ipv6) {
    std::memcpy(out.bytes, address.bytes, sizeof(out.bytes));
  } else {
    out.bytes[10] = out.bytes[11] = 0xff;
    std::memcpy(out.bytes + 12, address.bytes, 4);
  }
  return out;
}

bool begins_with(const Mapped& address, const Policy& policy) {
  const uint32_t whole = policy.bits / 8;
  if (std::memcmp(address.bytes, policy.prefix, whole) != 0) return false;
  const uint32_t rest = policy.bits % 8;
  const auto mask = static_cast<uint8_t>(0xff00u >> rest);
  return rest == 0 || (address.bytes[whole] & mask) == (policy.prefix[whole] & mask);
}

const Policy& policy_of(const SocketAddress& address) {
  const Mapped bytes = mapped(address);
  return *std::find_if(std::begin(kPolicies), std::end(kPolicies), [&](const Policy& policy) { return begins_with(bytes, policy); });
}

// Section 3.1 and 3.2. Private IPv4 addresses are global there.
uint8_t scope_of(const SocketAddress& address) {
  const uint8_t* bytes = address.bytes;
  if (address.family == AddressFamily::ipv4) {
    const bool is_local = bytes[0] == 127 || (bytes[0] == 169 && bytes[1] == 254);
    return is_local ? kLinkLocalScope : kGlobalScope;
  }
  if (bytes[0] == 0xff) return bytes[1] & 0xf;
  if (policy_of(address).label == 0 || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)) return kLinkLocalScope;
  return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0 ? kSiteLocalScope : kGlobalScope;
}

bool comes_before(const Destination& a, const Destination& b) {
  if (a.has_way != b.has_way) return a.has_way;
  if (a.has_way) {
    const bool a_has_scope = scope_of(a.to) == scope_of(a.from);
    const bool b_has_scope = scope_of(b.to) == scope_of(b.from);
    if (a_has_scope != b_has_scope) return a_has_scope;
    const bool a_has_label = policy_of(a.to).label == policy_of(a.from).label;
    const bool b_has_label = policy_of(b.to).label == policy_of(b.from).label;
    if (a_has_label != b_has_label) return a_has_label;
  }
  return policy_of(a.to).precedence > policy_of(b.to).precedence;
}

}  // namespace

// By insertion: there are few, and std::stable_sort may allocate.
void sort_destinations(std::span<Destination> destinations) {
  for (size_t i = 1; i < destinations.size(); ++i) {
    for (size_t k = i; k > 0 && comes_before(destinations[k], destinations[k - 1]); --k) std::swap(destinations[k], destinations[k - 1]);
  }
}

void interleave_families(std::span<Destination> destinations, AddressFamily not_first) {
  AddressFamily before = not_first;
  for (size_t i = 0; i < destinations.size(); ++i) {
    const auto rest = destinations.subspan(i);
    const auto other = std::find_if(rest.begin(), rest.end(), [&](const Destination& one) { return one.to.family != before; });
    if (other != rest.end() && other->has_way) std::rotate(rest.begin(), other, other + 1);
    before = rest.front().to.family;
  }
}

}  // namespace framepump
