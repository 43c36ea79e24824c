// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "platform/address.h"

namespace framepump {

// An address to connect to, and where packets to it would leave from.
struct Destination {
  SocketAddress to;
  SocketAddress from;
  bool has_way = false;
};

// Sorts by the rules of RFC 6724 that need no more than this: 1 (no way there: last), 2 (equal scopes first), 5 (equal labels first), 6 (the
// table's precedence); what they do not tell apart stays in the order of the name server. Rule 9 (the longest common prefix) is left out, as it
// undoes the order by which servers share the load; rules 3, 4 and 7 need what the system does not tell.
void sort_destinations(std::span<Destination> destinations);

// RFC 8305, section 4: families take turns, the one of the first address first, or `not_first` second when it was tried last.
void interleave_families(std::span<Destination> destinations, AddressFamily not_first);

}  // namespace framepump
