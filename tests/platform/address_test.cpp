// SPDX-License-Identifier: MIT
#include "platform/address.h"

#include <doctest/doctest.h>
#if defined(_WIN32)
#include <winsock2.h>
#include <iphlpapi.h>
#else
#include <net/if.h>
#endif

#include <cstring>
#include <string>

using namespace framepump;

namespace {

bool is_numeric(const char* host) {
  SocketAddress address;
  return parse_address(host, 7777, address);
}

std::string text_of(const char* host, uint16_t port) {
  SocketAddress address;
  REQUIRE(parse_address(host, port, address));
  char text[kAddressTextBytes];
  format_address(address, text);
  return text;
}

}  // namespace

TEST_CASE("only numeric addresses are taken, and no name is ever looked up") {
  for (const char* host : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::7", "::ffff:1.2.3.4", "FE80::1%1",
                           "1:2:3:4:5:6:7:8", "1111:2222:3333:4444:5555:6666:255.255.255.255"}) {
    CAPTURE(host);
    CHECK(is_numeric(host));
  }
  for (const char* host :
       {"localhost", "example.com", "", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "127.0.0.1:80", "127.0.0.1 ", " 127.0.0.1",
        "0x7f.0.0.1", "2130706433", "::1%lo", "::1%1", "[::1]", "::1::", "1:2:3:4:5:6:7:8:9", "12345::", "fe80::1%",
        "fe80::1%no-such-interface", "fe80::1%0", "fe80::1%-1", "fe80::1%99999999999", "%1", ":", "."}) {
    CAPTURE(host);
    CHECK_FALSE(is_numeric(host));
  }
  CHECK_FALSE(is_numeric(nullptr));
}

TEST_CASE("a very long host is refused without reading past its end") {
  CHECK_FALSE(is_numeric(std::string(100'000, '1').c_str()));
  CHECK_FALSE(is_numeric((std::string(100'000, ':') + "%1").c_str()));
  CHECK_FALSE(is_numeric(("fe80::1%" + std::string(100'000, 'x')).c_str()));
}

TEST_CASE("a refused host leaves no address behind") {
  SocketAddress address;
  REQUIRE(parse_address("127.0.0.1", 80, address));
  CHECK_FALSE(parse_address("localhost", 80, address));
  CHECK(address.family == AddressFamily::none);
  CHECK(address.port == 0);
}

TEST_CASE("an address keeps its bytes in network order and its port in host order") {
  SocketAddress address;
  REQUIRE(parse_address("1.2.3.4", 0x1234, address));
  CHECK(address.family == AddressFamily::ipv4);
  CHECK(address.port == 0x1234);
  const uint8_t expected[16] = {1, 2, 3, 4};
  CHECK(std::memcmp(address.bytes, expected, sizeof(expected)) == 0);

  REQUIRE(parse_address("::1", 7, address));
  CHECK(address.family == AddressFamily::ipv6);
  const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  CHECK(std::memcmp(address.bytes, one, sizeof(one)) == 0);
}

TEST_CASE("an address is written as it was read") {
  CHECK(text_of("127.0.0.1", 7777) == "127.0.0.1:7777");
  CHECK(text_of("255.255.255.255", 65535) == "255.255.255.255:65535");
  CHECK(text_of("::1", 7777) == "[::1]:7777");
  CHECK(text_of("2001:DB8:0:0:0:0:0:7", 1) == "[2001:db8::7]:1");
  CHECK(text_of("::ffff:1.2.3.4", 0) == "[::ffff:1.2.3.4]:0");
  CHECK(text_of("fe80::1%1", 7777) == "[fe80::1%1]:7777");
  CHECK(text_of("fe80:1111:2222:3333:4444:5555:6666:7777%1234567", 65535) ==
        "[fe80:1111:2222:3333:4444:5555:6666:7777%1234567]:65535");
}

TEST_CASE("an interface can be given by name or number") {
  char name[256] = {};  // IF_NAMESIZE and more, on every system
  REQUIRE(if_indextoname(1, name) != nullptr);
  SocketAddress by_name;
  SocketAddress by_number;
  REQUIRE(parse_address((std::string("fe80::1%") + name).c_str(), 1, by_name));
  REQUIRE(parse_address("fe80::1%1", 1, by_number));
  CHECK(by_name.scope_id == 1);
  CHECK(by_number.scope_id == 1);
}

TEST_CASE("no address is written as an empty text") {
  char text[kAddressTextBytes] = "something";
  format_address({}, text);
  CHECK(std::string(text).empty());
}

TEST_CASE("any address is known in each of its forms") {
  const auto is_any = [](const char* text) {
    SocketAddress address;
    REQUIRE(parse_address(text, 1, address));
    return is_any_address(address);
  };
  CHECK(is_any("0.0.0.0"));
  CHECK(is_any("::"));
  CHECK(is_any("::ffff:0.0.0.0"));
  CHECK_FALSE(is_any("127.0.0.1"));
  CHECK_FALSE(is_any("::1"));
  CHECK_FALSE(is_any("::ffff:127.0.0.1"));
}
