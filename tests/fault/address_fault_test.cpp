// SPDX-License-Identifier: MIT
//
// Addresses and ports that cannot be had, and the two families of addresses.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "sources/resolver.h"
#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

bool has_ipv6() {
  framepump_handle listener = 0;
  TestNetwork net;
  const framepump_endpoint endpoint = {sizeof(endpoint), 0, "::1", 0, 1, 0};
  return api().listen(net.handle(), &endpoint, &listener) == FRAMEPUMP_OK;
}

uint32_t error_of_listen(TestNetwork& net, const char* host, uint32_t port, uint32_t flags = 0) {
  const framepump_endpoint endpoint = {sizeof(endpoint), flags, host, port, 1, 0};
  framepump_handle listener = 1;
  const uint32_t error = api().listen(net.handle(), &endpoint, &listener);
  if (error != FRAMEPUMP_OK) CHECK_EQ(listener, 0);
  return error;
}

uint32_t error_of_connect(TestNetwork& net, const char* host, uint32_t port) {
  const framepump_endpoint endpoint = {sizeof(endpoint), 0, host, port, 1, 0};
  framepump_handle stream = 1;
  const uint32_t error = api().connect(net.handle(), &endpoint, &stream);
  if (error != FRAMEPUMP_OK) CHECK_EQ(stream, 0);
  return error;
}

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a port that another listener has is in use, and free again once that one closes") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    const framepump_handle first = net.listen();
    net.frame();
    const uint32_t port = net.port_of(first);
    CHECK_EQ(error_of_listen(net, "127.0.0.1", port), FRAMEPUMP_ERROR_ADDRESS_IN_USE);
    CHECK(contains(net.last_error(), "127.0.0.1:" + std::to_string(port)));
    REQUIRE_EQ(api().close(first), FRAMEPUMP_OK);
    CHECK(run_until({&net}, [&] { return error_of_listen(net, "127.0.0.1", port) == FRAMEPUMP_OK; }));
  });
}

TEST_CASE("a port whose old connections linger can be listened on at once") {
  TestNetwork net;
  uint32_t port = 0;
  {
    TestNetwork old;
    const framepump_handle listener = old.listen();
    port = old.port_of(listener);
    PlainSocket peer = PlainSocket::connect(port);
    REQUIRE(run_until({&old}, [&] { return old.count(FRAMEPUMP_EVENT_ACCEPTED) == 1; }));
    const framepump_handle stream = old.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
    REQUIRE_EQ(api().close(stream), FRAMEPUMP_OK);  // who closes first is left in TIME_WAIT
    old.frame();
    int error = 0;
    peer.receive_to_end(error);
    peer.close();
    REQUIRE_EQ(reason_of_close(old, stream), FRAMEPUMP_REASON_CLOSED_HERE);
  }
  CHECK_EQ(error_of_listen(net, "127.0.0.1", port), FRAMEPUMP_OK);
}

TEST_CASE("an address of another machine is not available to listen on") {
  TestNetwork net;
  CHECK_EQ(error_of_listen(net, "192.0.2.1", 0), FRAMEPUMP_ERROR_ADDRESS_NOT_AVAILABLE);  // of RFC 5737, nobody's
  CHECK(contains(net.last_error(), "192.0.2.1"));
}

TEST_CASE("what is neither an address nor a name is refused, with a text that names it and says what is allowed") {
  TestNetwork net;
  for (const char* name : {"local host", "-example.com", "127.0.0.1:80", "127.0.0.256", "127.1", "", " 127.0.0.1", "[::1]", "::g"}) {
    CAPTURE(name);
    CHECK_EQ(error_of_connect(net, name, 80), FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC);
    CHECK(contains(net.last_error(), "connect: host is \"" + std::string(name) + "\""));
    CHECK(contains(net.last_error(), "numeric IPv4 or IPv6 address"));
    CHECK_EQ(error_of_listen(net, name, 0), FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC);
    CHECK(contains(net.last_error(), "names are not looked up"));
  }
  CHECK_EQ(error_of_connect(net, std::string(100'000, 'a').c_str(), 80), FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC);
  CHECK_EQ(error_of_listen(net, "localhost", 0), FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC);
  if (!framepump::has_names()) {
    CHECK_EQ(error_of_connect(net, "localhost", 80), FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC);
    CHECK(contains(net.last_error(), "this plugin was built without names"));
  }
  net.frame();
  CHECK_EQ(net.totals().streams, 0);
}

TEST_CASE("a port out of range is refused, 0 is for listeners only") {
  TestNetwork net;
  CHECK_EQ(error_of_connect(net, "127.0.0.1", 0), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(contains(net.last_error(), "port is 0, allowed is 1 to 65535"));
  CHECK_EQ(error_of_connect(net, "127.0.0.1", 65536), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(error_of_listen(net, "127.0.0.1", 65536), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(contains(net.last_error(), "port is 65536, allowed is 0 to 65535"));
  CHECK_EQ(error_of_listen(net, "127.0.0.1", 0), FRAMEPUMP_OK);
}

TEST_CASE("an address that no connection can reach closes the stream as unreachable") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    // TCP goes to one machine: the system refuses a broadcast address without sending anything.
    CHECK_EQ(reason_of_close(net, net.connect(9, "255.255.255.255")), FRAMEPUMP_REASON_UNREACHABLE);
    CHECK(contains(net.find(FRAMEPUMP_EVENT_CLOSED)->text, "255.255.255.255:9: "));
  });
}

TEST_CASE("streams work over IPv6, and addresses are written with brackets") {
  if (!has_ipv6()) {
    std::puts("SKIP: needs ::1");
    return;
  }
  TestNetwork net;
  const Pair pair = connect_pair(net, net, 0, "::1");
  net.write(pair.client, "six");
  CHECK(run_until({&net}, [&] { return net.available(pair.server) == 3; }));
  CHECK_EQ(net.read_all(pair.server), "six");
  CHECK_EQ(std::string(net.info(pair.client).peer_address), "[::1]:" + std::to_string(net.port_of(pair.listener)));
  CHECK_EQ(std::string(net.info(pair.server).local_address), "[::1]:" + std::to_string(net.port_of(pair.listener)));
}

TEST_CASE("an IPv6 listener takes IPv4 with FRAMEPUMP_LISTEN_DUAL_STACK only") {
  if (!has_ipv6()) {
    std::puts("SKIP: needs ::1");
    return;
  }
  TestNetwork net;
  const framepump_handle six = net.listen("::");
  const framepump_handle both = net.listen("::", 0, FRAMEPUMP_LISTEN_DUAL_STACK);
  const framepump_handle refused = net.connect(net.port_of(six));
  const framepump_handle taken = net.connect(net.port_of(both));
  CHECK_EQ(reason_of_close(net, refused), FRAMEPUMP_REASON_REFUSED);
  CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, taken) != nullptr; }));
  const framepump_handle also_taken = net.connect(net.port_of(both), "::1");
  CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, also_taken) != nullptr; }));
  // What IPV6_V6ONLY is for: the same port for IPv4. It may be somebody else's already, so more than one is tried.
  bool has_both = false;
  for (int i = 0; i < 10 && !has_both; ++i) has_both = error_of_listen(net, "0.0.0.0", net.port_of(net.listen("::"))) == FRAMEPUMP_OK;
  CHECK(has_both);
}
