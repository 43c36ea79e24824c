// SPDX-License-Identifier: MIT
//
// Datagrams in C++.
#include <doctest/doctest.h>

#include <framepump/framepump.hpp>

#include <string>
#include <type_traits>

#include "support/test_network.h"

namespace fp = framepump;
using framepump::test::now_us;

TEST_CASE("hosts and peers are borrowed values of 16 bytes, a message 48") {
  static_assert(std::is_trivially_copyable_v<fp::Host> && sizeof(fp::Host) == 16);
  static_assert(std::is_trivially_copyable_v<fp::Peer> && sizeof(fp::Peer) == 16);
  CHECK_EQ(sizeof(framepump_received), 48);
}

TEST_CASE("every call on a default-made host or peer says that it is stale") {
  const fp::Host host;
  const fp::Peer peer;
  const auto is_stale = [](const fp::Status& status) { return status.error().code() == fp::ErrorCode::stale_handle; };
  CHECK_EQ(host.port(), 0);
  CHECK_EQ(host.connect("127.0.0.1", 1).error().code(), fp::ErrorCode::stale_handle);
  CHECK(is_stale(host.broadcast("x")));
  CHECK(is_stale(host.close()));
  CHECK(is_stale(host.abort()));
  CHECK(is_stale(host.set_user_data(1)));
  CHECK(is_stale(host.set_priority(fp::Priority::bulk)));
  CHECK_EQ(host.info().error().code(), fp::ErrorCode::stale_handle);
  CHECK(is_stale(peer.send("x")));
  CHECK(is_stale(peer.close()));
  CHECK(is_stale(peer.abort()));
  CHECK(is_stale(peer.set_user_data(1)));
  CHECK_EQ(peer.info().error().code(), fp::ErrorCode::stale_handle);
}

TEST_CASE("a conversation over datagrams in C++ reads as the header says") {
  for (const fp::Mode mode : {fp::Mode::frame_locked, fp::Mode::threaded}) {
    fp::Network net = fp::Network::create(fp::Api::linked()).value();
    REQUIRE(net.set_mode(mode));
    const fp::Host server = net.open_host(fp::HostOptions("127.0.0.1", 0)).value();
    const fp::Host client = net.open_host().value();
    const fp::Peer peer = client.connect("127.0.0.1", server.port(), 7).value();
    std::string heard;
    bool is_closed = false;
    const int64_t end_us = now_us() + 10'000'000;
    for (uint64_t n = 1; !is_closed && now_us() < end_us; ++n) {
      net.tick({.frame = n, .now_us = now_us()});
      for (const fp::Event& event : net.events()) {
        if (event.what() == fp::EventKind::connected) CHECK(peer.send("hello"));
        if (event.what() == fp::EventKind::accepted) CHECK_EQ(event.value, 7);
        if (event.what() == fp::EventKind::closed && event.handle == peer.value()) is_closed = true;
      }
      for (const fp::Received& message : net.messages()) {
        heard += message.text();
        if (message.host == server.value()) CHECK(net.peer(message.peer).send(" and good bye", fp::Delivery::unreliable, 1));
        if (message.host == client.value()) CHECK(net.peer(message.peer).close());
      }
      net.flush();
      net.wait_until(now_us() + 5'000, fp::Until::first_data);
    }
    CHECK(is_closed);
    CHECK_EQ(heard, "hello and good bye");
    CHECK_EQ(client.info().value().sent_messages, 1);
    CHECK_GT(server.info().value().received_packets, 0);
    CHECK(server.close());
  }
}
