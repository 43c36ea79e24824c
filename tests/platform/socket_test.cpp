// SPDX-License-Identifier: MIT
//
// Connecting, accepting, moving bytes, and every status that can be provoked without root, on every system. What POSIX systems have besides
// is in socket_posix_test.cpp.
#include "platform/socket.h"

#include <doctest/doctest.h>

#include "platform/loopback.h"
#include "platform/system_address.h"

using namespace framepump;
using namespace framepump::test;

namespace {

const AddressFamily kFamilies[] = {AddressFamily::ipv4, AddressFamily::ipv6};

#if defined(_WIN32)
SOCKET system_of(const OwnedSocket& owned) { return static_cast<SOCKET>(owned.socket.value); }
#else
int system_of(const OwnedSocket& owned) { return owned.descriptor(); }
#endif

}  // namespace

TEST_CASE("bytes pass both ways over IPv4 and IPv6, and both ends agree on the addresses") {
  for (const AddressFamily family : kFamilies) {
    CAPTURE(static_cast<int>(family));
    const TestListener listener(family);
    const OwnedSocket client = begin_connect(listener.address);
    OwnedSocket server;
    SocketAddress seen_peer;
    REQUIRE(becomes_true([&] {
      return accept_stream(listener.owned.socket, {}, server.socket, seen_peer).status == IoStatus::ok;
    }));
    REQUIRE(outcome_of(client).status == IoStatus::ok);
    SocketAddress client_address;
    REQUIRE(local_address(client.socket, client_address));
    char expected[kAddressTextBytes];
    char actual[kAddressTextBytes];
    format_address(client_address, expected);
    format_address(seen_peer, actual);
    CHECK(std::string(actual) == expected);

    CHECK(send_text(client, "ping").size_bytes == 4);
    CHECK(send_text(server, "pong").size_bytes == 4);
    std::string at_server;
    std::string at_client;
    CHECK(receive_exactly(server, at_server, 4));
    CHECK(receive_exactly(client, at_client, 4));
    CHECK(at_server == "ping");
    CHECK(at_client == "pong");
  }
}

TEST_CASE("several buffers are sent and filled in order by one call") {
  const SocketPair pair;
  const SendBuffer parts[] = {{"one ", 4}, {"", 0}, {"two ", 4}, {"three", 5}};
  CHECK(send(pair.client.socket, parts).size_bytes == 13);
  REQUIRE(becomes_true([&] {
    char bytes[13];
    return recv(system_of(pair.server), bytes, sizeof(bytes), MSG_PEEK) == 13;
  }));
  char first[5] = {};
  char second[5] = {};
  char third[64] = {};
  const ReceiveBuffer room[] = {{first, 4}, {second, 4}, {third, 63}};
  CHECK(receive(pair.server.socket, room).size_bytes == 13);
  CHECK(std::string(first) == "one ");
  CHECK(std::string(second) == "two ");
  CHECK(std::string(third) == "three");
}

TEST_CASE("more buffers than the most are sent and filled up to the most") {
  const SocketPair pair;
  const std::vector<SendBuffer> parts(kMaxSendBuffers + 3, SendBuffer{"x", 1});
  CHECK(send(pair.client.socket, parts).size_bytes == kMaxSendBuffers);
}

TEST_CASE("receiving without room is not mistaken for the end of the stream") {
  const SocketPair pair;
  REQUIRE(send_text(pair.client, "x").status == IoStatus::ok);
  CHECK(receive(pair.server.socket, {}).status != IoStatus::end_of_stream);
  std::string text;
  CHECK(receive_exactly(pair.server, text, 1));
}

TEST_CASE("a stream with nothing to read or no room to send would block") {
  const SocketPair pair;
  std::string text;
  CHECK(receive_once(pair.server, text).status == IoStatus::would_block);
  const std::string chunk(1 << 20, 'x');
  IoResult result;
  uint64_t sent_bytes = 0;
  CHECK(becomes_true([&] {
    result = send_text(pair.client, chunk);
    sent_bytes += result.size_bytes;
    return result.status != IoStatus::ok;
  }));
  CHECK(result.status == IoStatus::would_block);
  CHECK(result.size_bytes == 0);
  CHECK(sent_bytes > 0);
}

TEST_CASE("after a half-close the peer reads to the end of the stream and can still answer") {
  for (const AddressFamily family : kFamilies) {
    const SocketPair pair(family);
    REQUIRE(send_text(pair.client, "last words").status == IoStatus::ok);
    shutdown_write(pair.client.socket);
    std::string text;
    CHECK(receive_to_the_end(pair.server, text).status == IoStatus::end_of_stream);
    CHECK(text == "last words");
    CHECK(receive_once(pair.server, text).status == IoStatus::end_of_stream);
    CHECK(send_text(pair.server, "answer").status == IoStatus::ok);
    std::string answer;
    CHECK(receive_exactly(pair.client, answer, 6));
    CHECK(send_text(pair.client, "too late").status == IoStatus::reset);
  }
}

TEST_CASE("a closed stream ends for the peer, an aborted one is reset") {
  SocketPair closed;
  close_socket(closed.client.socket);
  CHECK_FALSE(closed.client.socket.is_open());
  std::string text;
  CHECK(receive_to_the_end(closed.server, text).status == IoStatus::end_of_stream);

  SocketPair aborted;
  abort_socket(aborted.client.socket);
  CHECK_FALSE(aborted.client.socket.is_open());
  CHECK(receive_to_the_end(aborted.server, text).status == IoStatus::reset);
}

TEST_CASE("connecting to a port where nobody listens is refused") {
  for (const AddressFamily family : kFamilies) {
    SocketAddress address;
    {
      const TestListener gone(family);
      address = gone.address;
    }
    const OwnedSocket client = begin_connect(address);
    const IoResult result = outcome_of(client);
    CHECK(result.status == IoStatus::refused);
    CHECK(result.system_code != 0);
    // Most systems tell it once. Whoever asks again must not wait for ever.
    const IoStatus again = finish_connect(client.socket).status;
    CHECK((again == IoStatus::failed || again == IoStatus::refused));
  }
}

TEST_CASE("a connect that meets itself is refused") {
  OwnedSocket client;
  REQUIRE(open_stream(AddressFamily::ipv4, {}, client.socket).status == IoStatus::ok);
  const SystemAddress any_port = to_system(loopback(AddressFamily::ipv4));
  REQUIRE(bind(system_of(client), any_port.pointer(), any_port.size) == 0);
  SocketAddress own;
  REQUIRE(local_address(client.socket, own));
  IoResult result = start_connect(client.socket, own);
  if (result.status == IoStatus::would_block) result = outcome_of(client);
  CHECK(result.status == IoStatus::refused);
}

TEST_CASE("a port in use, an address of another machine and a missing family are told apart when listening") {
  for (const AddressFamily family : kFamilies) {
    const TestListener first(family);
    OwnedSocket second;
    CHECK(open_listener(first.address, {}, second.socket).status == IoStatus::address_in_use);
    CHECK_FALSE(second.socket.is_open());
  }
  SocketAddress foreign;
  REQUIRE(parse_address("198.51.100.1", 0, foreign));  // for documentation (RFC 5737)
  OwnedSocket socket;
  CHECK(open_listener(foreign, {}, socket.socket).status == IoStatus::address_not_available);
  CHECK(open_listener({}, {}, socket.socket).status == IoStatus::unsupported);
  CHECK(open_stream(AddressFamily::none, {}, socket.socket).status == IoStatus::unsupported);
  CHECK_FALSE(socket.socket.is_open());
}

TEST_CASE("a listener of IPv6 takes IPv4 only if it is dual-stack") {
  SocketAddress any;
  REQUIRE(parse_address("::", 0, any));
  for (const bool dual_stack : {false, true}) {
    CAPTURE(dual_stack);
    ListenOptions options;
    options.dual_stack = dual_stack;
    OwnedSocket listener;
    REQUIRE(open_listener(any, options, listener.socket).status == IoStatus::ok);
    SocketAddress bound;
    REQUIRE(local_address(listener.socket, bound));
    const OwnedSocket client = begin_connect(loopback(AddressFamily::ipv4, bound.port));
    CHECK(outcome_of(client).status == (dual_stack ? IoStatus::ok : IoStatus::refused));
  }
}

TEST_CASE("a listener gets its port back while its old connections linger") {
  SocketAddress address;
  {
    TestListener listener;
    address = listener.address;
    const OwnedSocket client = begin_connect(address);
    OwnedSocket server = listener.accept();
    close_socket(server.socket);  // closed first, so that TIME_WAIT is on the listener's side
    std::string text;
    REQUIRE(receive_to_the_end(client, text).status == IoStatus::end_of_stream);
  }
  OwnedSocket again;
  CHECK(open_listener(address, {}, again.socket).status == IoStatus::ok);
}

TEST_CASE("accepting empties the queue and then would block") {
  const TestListener listener;
  std::vector<OwnedSocket> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(begin_connect(listener.address));
    REQUIRE(outcome_of(clients.back()).status == IoStatus::ok);
  }
  OwnedSocket accepted;
  SocketAddress peer;
  for (int i = 0; i < 5; ++i) {
    CHECK(accept_stream(listener.owned.socket, {}, accepted.socket, peer).status == IoStatus::ok);
    close_socket(accepted.socket);
  }
  CHECK(accept_stream(listener.owned.socket, {}, accepted.socket, peer).status == IoStatus::would_block);
  CHECK_FALSE(accepted.socket.is_open());
}

TEST_CASE("a connection that died in the queue does not hide the one behind it") {
  const TestListener listener;
  OwnedSocket dead = begin_connect(listener.address);
  REQUIRE(outcome_of(dead).status == IoStatus::ok);
  abort_socket(dead.socket);
  const OwnedSocket living = begin_connect(listener.address);
  REQUIRE(outcome_of(living).status == IoStatus::ok);
  REQUIRE(send_text(living, "x").status == IoStatus::ok);
  // Linux hands the dead one out too, to be found dead when read; others skip it.
  const OwnedSocket first = listener.accept();
  std::string text;
  IoResult result;
  REQUIRE(becomes_true([&] { return (result = receive_once(first, text)).status != IoStatus::would_block; }));
  if (result.status == IoStatus::reset) {
    const OwnedSocket second = listener.accept();
    CHECK(receive_exactly(second, text, 1));
  }
  CHECK(text == "x");
}

TEST_CASE("a call on a closed socket fails and says why") {
  OwnedSocket closed;
  std::string text;
  const IoResult result = receive_once(closed, text);
  CHECK(result.status == IoStatus::failed);
  CHECK(result.system_code != 0);
  CHECK(send_text(closed, "x").status == IoStatus::failed);
  CHECK(finish_connect(closed.socket).status == IoStatus::failed);
  SocketAddress address;
  CHECK_FALSE(local_address(closed.socket, address));
  close_socket(closed.socket);
  abort_socket(closed.socket);
  CHECK(kernel_rtt(closed.socket).smoothed_us == 0);
}
