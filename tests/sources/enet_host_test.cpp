// SPDX-License-Identifier: MIT
//
// Datagram hosts against programs that know libenet alone, on either side of the wire.
#include <doctest/doctest.h>

#include <string>

#include "support/plain_enet.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

framepump_config config_of(uint32_t mode) {
  framepump_config config = default_config();
  config.threaded = mode;
  return config;
}

// Frames of the network and services of the plain side until the condition holds.
bool both_until(TestNetwork& net, PlainEnet& plain, const std::function<bool()>& condition, int limit_ms = 10'000) {
  const auto serve = [&] {
    plain.service();
    return condition();
  };
  return run_until({&net}, serve, limit_ms);
}

// The plain client of `host`, connected; the handle that the network has for it.
framepump_handle accept_plain(TestNetwork& net, framepump_handle host, PlainEnet& plain, uint32_t data = 0) {
  const size_t seen_before = net.seen().size();
  plain.connect(net.host_port(host), data);
  framepump_handle peer = 0;
  REQUIRE(both_until(net, plain, [&] {
    for (size_t i = seen_before; i < net.seen().size(); ++i) {
      if (net.seen()[i].kind == FRAMEPUMP_EVENT_ACCEPTED) peer = net.seen()[i].handle;
    }
    return peer != 0 && plain.connected().size() == 1;
  }));
  return peer;
}

}  // namespace

TEST_CASE("a plain ENet client connects, talks on every kind of delivery, and leaves") {
  for (uint32_t mode : {FRAMEPUMP_MODE_FRAME_LOCKED, FRAMEPUMP_MODE_THREADED}) {
    CAPTURE(mode);
    TestNetwork net(config_of(mode));
    const framepump_handle host = net.open_host("127.0.0.1", 0, 77);
    PlainEnet plain = PlainEnet::client();
    const framepump_handle peer = accept_plain(net, host, plain, 4711);
    ENetPeer* server = plain.connected()[0];
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_ACCEPTED)->other, host);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_ACCEPTED)->value, 4711);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_ACCEPTED)->user_data, 77);
    plain.send(server, "first", ENET_PACKET_FLAG_RELIABLE, 0);
    plain.send(server, "second", 0, 1);
    plain.send(server, "third", ENET_PACKET_FLAG_UNSEQUENCED, 2);
    plain.send(server, "", ENET_PACKET_FLAG_RELIABLE, 3);
    REQUIRE(both_until(net, plain, [&] { return net.messages().size() == 4; }));
    SeenMessage of_channel[4];
    for (const SeenMessage& message : net.messages()) {
      CHECK_EQ(message.peer, peer);
      CHECK_EQ(message.host, host);
      CHECK_EQ(message.user_data, 77);
      of_channel[message.channel] = message;
    }
    CHECK_EQ(of_channel[0].text, "first");
    CHECK_EQ(of_channel[0].delivery, FRAMEPUMP_RELIABLE);
    CHECK_EQ(of_channel[1].text, "second");
    CHECK_EQ(of_channel[1].delivery, FRAMEPUMP_UNRELIABLE);
    CHECK_EQ(of_channel[2].text, "third");
    CHECK_EQ(of_channel[2].delivery, FRAMEPUMP_UNSEQUENCED);
    CHECK_EQ(of_channel[3].peer, peer);

    CHECK_EQ(net.send(peer, "one", FRAMEPUMP_RELIABLE, 0), FRAMEPUMP_OK);
    CHECK_EQ(net.send(peer, "two", FRAMEPUMP_UNRELIABLE, 1), FRAMEPUMP_OK);
    CHECK_EQ(net.send(peer, "three", FRAMEPUMP_UNSEQUENCED, 2), FRAMEPUMP_OK);
    REQUIRE(both_until(net, plain, [&] { return plain.messages().size() == 3; }));
    enet_peer_disconnect(server, 9);
    REQUIRE(both_until(net, plain, [&] { return net.find(FRAMEPUMP_EVENT_CLOSED) != nullptr; }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->handle, peer);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->reason, FRAMEPUMP_REASON_CLOSED_BY_PEER);
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->value, 9);
    net.frame();
    CHECK_EQ(net.send(peer, "late"), FRAMEPUMP_ERROR_STALE_HANDLE);
  }
}

TEST_CASE("a plain ENet server is connected to, gets what was sent before close, and hears of the end") {
  for (uint32_t mode : {FRAMEPUMP_MODE_FRAME_LOCKED, FRAMEPUMP_MODE_THREADED}) {
    CAPTURE(mode);
    TestNetwork net(config_of(mode));
    PlainEnet plain = PlainEnet::server();
    const framepump_handle host = net.open_host(nullptr);
    const framepump_handle peer = net.peer_connect(host, plain.port(), 123, 55);
    CHECK_EQ(net.send(peer, "too early"), FRAMEPUMP_ERROR_NOT_YET);
    REQUIRE(both_until(net, plain, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, peer) != nullptr; }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CONNECTED)->user_data, 55);
    REQUIRE(both_until(net, plain, [&] { return plain.connected().size() == 1; }));
    CHECK_EQ(plain.last_data(), 123);
    const std::string large = pattern(1, 0, 200'000);
    CHECK_EQ(net.send(peer, large), FRAMEPUMP_OK);
    CHECK_EQ(net.send(peer, "bye"), FRAMEPUMP_OK);
    CHECK_EQ(api().close(peer), FRAMEPUMP_OK);
    REQUIRE(both_until(net, plain, [&] { return net.find(FRAMEPUMP_EVENT_CLOSED, peer) != nullptr; }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
    REQUIRE_EQ(plain.messages().size(), 2);
    CHECK(plain.messages()[0].text == large);
    CHECK_EQ(plain.messages()[1].text, "bye");
    CHECK_EQ(plain.disconnects(), 1);
  }
}
