// SPDX-License-Identifier: MIT
#include "sources/address_order.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace framepump;

namespace {

Destination destination(const char* to, const char* from) {
  Destination out;
  REQUIRE(parse_address(to, 0, out.to));
  out.has_way = from != nullptr && parse_address(from, 0, out.from);
  return out;
}

std::vector<std::string> texts(const std::vector<Destination>& destinations) {
  std::vector<std::string> out;
  for (const Destination& one : destinations) {
    char text[kAddressTextBytes];
    format_address(one.to, text);
    const std::string whole = text;
    out.push_back(whole.substr(0, whole.rfind(':')));
  }
  return out;
}

using Names = std::vector<std::string>;

Names sorted(std::vector<Destination> destinations) {
  sort_destinations(destinations);
  return texts(destinations);
}

}  // namespace

// Examples of RFC 6724, section 10.2, as far as their rules are followed.
TEST_CASE("destinations are sorted by the rules of RFC 6724") {
  SUBCASE("rule 1: an address that no packet reaches comes last") {
    CHECK_EQ(sorted({destination("2001:db8::1", nullptr), destination("192.0.2.1", "10.0.0.5")}), Names{"192.0.2.1", "[2001:db8::1]"});
  }
  SUBCASE("rule 2: an address of the scope that we have comes first") {
    CHECK_EQ(sorted({destination("2001:db8:1::1", "fe80::2"), destination("198.51.100.121", "198.51.100.117")}),
             Names{"198.51.100.121", "[2001:db8:1::1]"});
    CHECK_EQ(sorted({destination("198.51.100.121", "169.254.13.78"), destination("2001:db8:1::1", "2001:db8:1::2")}),
             Names{"[2001:db8:1::1]", "198.51.100.121"});
  }
  SUBCASE("rule 5: from 6to4 or Teredo one goes to native IPv6 only if there is nothing better") {
    CHECK_EQ(sorted({destination("2001:db8:1::1", "2002:c633:6401::2"), destination("10.1.2.3", "10.1.2.4")}),
             Names{"10.1.2.3", "[2001:db8:1::1]"});
    CHECK_EQ(sorted({destination("2001:db8:1::1", "2001:0:1::2"), destination("10.1.2.3", "10.1.2.4")}),
             Names{"10.1.2.3", "[2001:db8:1::1]"});
  }
  SUBCASE("rule 6: native IPv6, then IPv4, then 6to4") {
    CHECK_EQ(sorted({destination("2002:c633:6401::1", "2002:c633:6401::2"), destination("10.1.2.3", "10.1.2.4"),
                     destination("2001:db8:1::1", "2001:db8:1::2"), destination("::1", "::1")}),
             Names{"[::1]", "[2001:db8:1::1]", "10.1.2.3", "[2002:c633:6401::1]"});
  }
  SUBCASE("what the rules do not tell apart stays in the order of the server") {
    CHECK_EQ(sorted({destination("10.0.0.3", "10.0.0.9"), destination("10.0.0.1", "10.0.0.9"), destination("10.0.0.2", "10.0.0.9")}),
             Names{"10.0.0.3", "10.0.0.1", "10.0.0.2"});
  }
}

TEST_CASE("families take turns, and what has no way stays behind") {
  const auto interleaved = [](std::vector<Destination> destinations, AddressFamily not_first) {
    interleave_families(destinations, not_first);
    return texts(destinations);
  };
  const std::vector<Destination> four = {destination("2001:db8::1", "2001:db8::9"), destination("2001:db8::2", "2001:db8::9"),
                                         destination("10.0.0.1", "10.0.0.9"), destination("10.0.0.2", "10.0.0.9")};
  CHECK_EQ(interleaved(four, AddressFamily::none), Names{"[2001:db8::1]", "10.0.0.1", "[2001:db8::2]", "10.0.0.2"});
  CHECK_EQ(interleaved(four, AddressFamily::ipv6), Names{"10.0.0.1", "[2001:db8::1]", "10.0.0.2", "[2001:db8::2]"});
  CHECK_EQ(interleaved({four[0], four[1], four[2]}, AddressFamily::none), Names{"[2001:db8::1]", "10.0.0.1", "[2001:db8::2]"});
  CHECK_EQ(interleaved({four[2], four[3], destination("2001:db8::3", nullptr)}, AddressFamily::none),
           Names{"10.0.0.1", "10.0.0.2", "[2001:db8::3]"});
  CHECK(interleaved({}, AddressFamily::none).empty());
}
