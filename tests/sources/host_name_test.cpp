// SPDX-License-Identifier: MIT
#include "sources/host_name.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sources/hosts_table.h"

using namespace framepump;

namespace {

std::vector<std::string> names_asked_for(std::string_view name, const SearchList& search) {
  std::vector<std::string> names;
  char one[kNameBytes] = {};
  for (uint32_t attempt = 0; name_to_ask_for(name, search, attempt, one); ++attempt) names.emplace_back(one);
  return names;
}

std::vector<std::string> found(const HostsTable& table, std::string_view name, AddressFamily family) {
  SocketAddress addresses[4];
  std::vector<std::string> texts;
  for (uint32_t i = 0, count = table.find(name, family, addresses); i < count; ++i) {
    char text[kAddressTextBytes];
    format_address(addresses[i], text);
    texts.emplace_back(text);
  }
  return texts;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("what may be a host name is taken, and what cannot is told what is wrong with it") {
  const std::string label(63, 'a');
  for (const std::string& name : {std::string("localhost"), std::string("a"), std::string("play.example.com"), std::string("Play.EXAMPLE.com."),
                                  std::string("xn--bcher-kva.example"), std::string("_sip.a-b.example"), std::string("1.example"), label,
                                  label + "." + label + "." + label + "." + std::string(61, 'a')}) {
    CAPTURE(name);
    CHECK(wrong_in_host_name(name.c_str()) == nullptr);
  }
  const auto says = [](const std::string& name, std::string_view what) {
    CAPTURE(name);
    const char* wrong = wrong_in_host_name(name.c_str());
    REQUIRE(wrong != nullptr);
    CHECK(std::string_view(wrong).find(what) != std::string_view::npos);
  };
  says("", "empty");
  says(".", "empty");
  says("a..b", "empty label");
  says(".a", "empty label");
  says("a..", "empty label");
  says(std::string(64, 'a'), "63");
  says(label + "." + label + "." + label + "." + std::string(62, 'a'), "253");
  says(std::string(100'000, 'a'), "253");
  says("-a.example", "begins or ends with -");
  says("a-.example", "begins or ends with -");
  says("a b", "letters, digits");
  says("127.0.0.1:80", "letters, digits");
  says("[::1]", "letters, digits");
  says("b\xc3\xbc" "cher.example", "xn--");
  says("127.0.0.256", "numeric address");
  says("127.1", "numeric address");
  says("1", "numeric address");
}

TEST_CASE("localhost and what ends in it is this machine, and nothing else") {
  for (const char* name : {"localhost", "localhost.", "a.localhost", "a.b.localhost."}) CHECK(is_localhost(name));
  for (const char* name : {"alocalhost", "localhost.example", "localhost.com.", ""}) CHECK_FALSE(is_localhost(name));
}

TEST_CASE("a name with few dots is asked for under the search list first, one with many as it is, one with a final dot only so") {
  SearchList search;
  CHECK_EQ(names_asked_for("host", search), Names{"host"});
  search.add("one.example");
  search.add(".");  // as systemd-resolved writes it
  search.add("Two.Example.");
  CHECK_EQ(names_asked_for("host", search), Names{"host.one.example", "host.two.example", "host"});
  CHECK_EQ(names_asked_for("a.host", search), Names{"a.host", "a.host.one.example", "a.host.two.example"});
  CHECK_EQ(names_asked_for("host.", search), Names{"host"});
  search.dots_at_least = 2;
  CHECK_EQ(names_asked_for("a.host", search), Names{"a.host.one.example", "a.host.two.example", "a.host"});
  search.dots_at_least = 0;
  CHECK_EQ(names_asked_for("host", search), Names{"host", "host.one.example", "host.two.example"});
  // Too long for a name: left out.
  const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(61, 'd');
  CHECK_EQ(names_asked_for(longest, search), Names{longest, "", ""});
}

TEST_CASE("a hosts file is read as everybody reads it: comments, blanks, several names and addresses, capitals, and nonsense skipped") {
  const Host host;
  HostsTable table(host);
  REQUIRE(table.read("# comment\n"
                     "127.0.0.1\tlocalhost loopback # ip6\n"
                     "  10.0.0.1   Server.Example  server\r\n"
                     "10.0.0.2 server.example\n"
                     "fe80::1%lo zone\n"
                     "2001:db8::1 server.example#glued\n"
                     "nonsense server.example\n"
                     "10.0.0.300 server.example\n"
                     "10.0.0.9\n"
                     "\n"
                     "10.0.0.3 last"));
  CHECK_EQ(found(table, "server.example", AddressFamily::ipv4), Names{"10.0.0.1:0", "10.0.0.2:0"});
  CHECK_EQ(found(table, "server.example", AddressFamily::ipv6), Names{"[2001:db8::1]:0"});
  CHECK_EQ(found(table, "server", AddressFamily::ipv4), Names{"10.0.0.1:0"});
  CHECK_EQ(found(table, "loopback", AddressFamily::ipv4), Names{"127.0.0.1:0"});
  CHECK_EQ(found(table, "last", AddressFamily::ipv4), Names{"10.0.0.3:0"});
  for (const char* name : {"", "#", "serve", "serverx", "ip6", "glued", "zz"}) {
    CHECK(found(table, name, AddressFamily::ipv4).empty());
    CHECK(found(table, name, AddressFamily::ipv6).empty());
  }
  REQUIRE(table.read(""));
  CHECK(found(table, "server", AddressFamily::ipv4).empty());
}

TEST_CASE("a hosts file with more names than are kept leaves out the last ones and takes no longer") {
  const Host host;
  HostsTable table(host);
  std::string text;
  for (uint32_t i = 0; i < HostsTable::kMostNames + 10; ++i) text += "0.0.0.0 n" + std::to_string(i) + "\n";
  REQUIRE(text.size() < HostsTable::kMostBytes);
  REQUIRE(table.read(text));
  CHECK_EQ(found(table, "n" + std::to_string(HostsTable::kMostNames - 1), AddressFamily::ipv4), Names{"0.0.0.0:0"});
  CHECK(found(table, "n" + std::to_string(HostsTable::kMostNames), AddressFamily::ipv4).empty());
}
