// SPDX-License-Identifier: MIT
//
// Rules of host names: what is one, and under which names it is looked for.
#pragma once

#include <cstdint>
#include <string_view>

namespace framepump {

constexpr uint32_t kNameBytes = 256;  // 253 letters (RFC 1035 leaves no room for more), perhaps a dot at the end, and the zero

// Null when `name` may be looked up, else what is wrong with it. Letters, digits, - and _; what is not ASCII must come in its xn-- form.
// A name whose last label is a number is no name but a numeric address with a mistake.
const char* wrong_in_host_name(const char* name);

// "localhost" and whatever ends in ".localhost" is this machine (RFC 6761) and never asked for.
bool is_localhost(std::string_view name);

// A copy in small letters, which is how names are kept and compared. `name` has passed wrong_in_host_name.
void copy_in_small_letters(std::string_view name, char (&out)[kNameBytes]);

// The domains of resolv.conf under which names with few dots are looked for.
struct SearchList {
  static constexpr uint32_t kMostDomains = 8;
  char domains[kMostDomains][kNameBytes] = {};
  uint32_t count = 0;
  uint32_t dots_at_least = 1;  // ndots: a name with as many is tried as it is first

  // Left out when it is none, or one too many; a leading or final dot is dropped.
  void add(std::string_view domain);
};

// The name to ask for at the `attempt`th try, counted from 0; false: there are no more. What would be too long is left out by an empty `out`.
bool name_to_ask_for(std::string_view name, const SearchList& search, uint32_t attempt, char (&out)[kNameBytes]);

}  // namespace framepump
