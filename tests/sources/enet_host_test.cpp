// SPDX-License-Identifier: MIT
//
// Datagram hosts against programs that know libenet alone, on either side of the wire.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

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

TEST_CASE("a report tells the turns of ENet hosts from those of streams") {
  framepump_services services = {};
  services.struct_size = sizeof(services);
  int64_t clock_us = 0;  // goes on by 1 with each look, so that every turn takes time
  services.user = &clock_us;
  services.now_us = [](void* clock) { return ++*static_cast<int64_t*>(clock); };
  TestNetwork net(default_config(), &services);
  const Pair pair = connect_pair(net, net);
  net.frame();
  net.write(pair.client, "stream");
  REQUIRE(run_until({&net}, [&] { return net.available(pair.server) > 0; }));
  CHECK_GT(net.report().phase_receive_us, 0);
  CHECK_EQ(net.report().phase_enet_receive_us, 0);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  plain.send(plain.connected()[0], "datagram", ENET_PACKET_FLAG_RELIABLE, 0);
  REQUIRE(both_until(net, plain, [&] { return net.last_message_count() == 1; }));
  CHECK_GT(net.report().phase_enet_receive_us, 0);
  CHECK_EQ(net.report().phase_enet_receive_us, net.report().phase_receive_us);
  CHECK_EQ(net.send(peer, "answer"), FRAMEPUMP_OK);
  net.tick();
  CHECK_GT(net.report().phase_enet_send_us, 0);
  CHECK_EQ(net.report().phase_enet_send_us, net.report().phase_send_us);
}

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

TEST_CASE("a snapshot of 4 KB stays unreliable, out and in") {
  TestNetwork net;
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  const std::string snapshot = pattern(2, 0, 4096);
  for (uint32_t delivery : {FRAMEPUMP_UNRELIABLE, FRAMEPUMP_UNSEQUENCED}) {
    CHECK_EQ(net.send(peer, snapshot, delivery, 1), FRAMEPUMP_OK);
    plain.send(plain.connected()[0], snapshot, ENET_PACKET_FLAG_UNRELIABLE_FRAGMENT, 1);
  }
  REQUIRE(both_until(net, plain, [&] { return plain.messages().size() == 2 && net.messages().size() == 2; }));
  for (const PlainEnet::Message& message : plain.messages()) {
    CHECK(message.text == snapshot);
    CHECK_EQ(message.flags & ENET_PACKET_FLAG_RELIABLE, 0);
  }
  for (const SeenMessage& message : net.messages()) {
    CHECK(message.text == snapshot);
    CHECK_EQ(message.delivery, FRAMEPUMP_UNRELIABLE);
  }
}

TEST_CASE("a thousand datagrams of one frame are one tick's messages, in order") {
  framepump_config config = default_config();
  config.slice_us = 1'000'000;
  config.datagram_receive_buffer_kib = 4096;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  accept_plain(net, host, plain);
  // Without privileges the kernel may grant less than it takes.
  constexpr uint64_t kBytesInKernel = 1280;
  const uint64_t fitting = net.host_info(host).receive_buffer_bytes / kBytesInKernel;
  const uint32_t count = static_cast<uint32_t>(std::min<uint64_t>(1000, fitting));
  for (uint32_t i = 0; i < count; ++i) {
    plain.send(plain.connected()[0], std::to_string(i), 0, 0);
    plain.flush();
  }
  net.tick();
  REQUIRE_EQ(net.last_message_count(), count);
  for (uint32_t i = 0; i < count; ++i) REQUIRE_EQ(net.messages()[i].text, std::to_string(i));
  CHECK_EQ(net.host_info(host).queue_drops, 0);
  CHECK_GE(net.host_info(host).tick_allocations, 3 * count);
}

TEST_CASE("payloads stay as they are until the next tick, whatever arrives meanwhile") {
  framepump_config config = config_of(FRAMEPUMP_MODE_THREADED);
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  accept_plain(net, host, plain);
  plain.send(plain.connected()[0], pattern(3, 0, 1000));
  REQUIRE(both_until(net, plain, [&] { return net.last_message_count() == 1; }));
  const framepump_received* messages = nullptr;
  uint32_t count = 0;
  REQUIRE_EQ(api().messages(net.handle(), &messages, &count), FRAMEPUMP_OK);
  for (int i = 0; i < 50; ++i) {
    plain.send(plain.connected()[0], pattern(4, 0, 1000));
    plain.service();
    api().flush(net.handle());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  REQUIRE_EQ(count, 1);
  CHECK(std::string(static_cast<const char*>(messages[0].payload), messages[0].size_bytes) == pattern(3, 0, 1000));
}

TEST_CASE("a broadcast reaches every connected peer, and nobody else") {
  TestNetwork net;
  const framepump_handle host = net.open_host();
  PlainEnet one = PlainEnet::client();
  PlainEnet two = PlainEnet::client();
  PlainEnet gone = PlainEnet::client();
  accept_plain(net, host, one);
  accept_plain(net, host, two);
  const framepump_handle leaving = accept_plain(net, host, gone);
  CHECK_EQ(api().abort(leaving), FRAMEPUMP_OK);
  REQUIRE(both_until(net, gone, [&] { return gone.disconnects() == 1; }));
  CHECK_EQ(api().broadcast(host, 2, "to all", 6, FRAMEPUMP_RELIABLE), FRAMEPUMP_OK);
  REQUIRE(both_until(net, one, [&] {
    two.service();
    gone.service();
    return one.messages().size() == 1 && two.messages().size() == 1;
  }));
  CHECK_EQ(one.messages()[0].text, "to all");
  CHECK_EQ(one.messages()[0].channel, 2);
  CHECK(gone.messages().empty());
  CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, leaving)->reason, FRAMEPUMP_REASON_ABORTED_HERE);
}

TEST_CASE("what cannot be sent, opened or connected is refused with its reason") {
  framepump_config config = default_config();
  config.datagram_message_limit_kib = 1;
  config.datagram_peers = 1;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  CHECK_EQ(net.send(peer, std::string(1025, 'x')), FRAMEPUMP_ERROR_TOO_LARGE);
  CHECK(net.last_error().find("datagram.message_limit_kib") != std::string::npos);
  CHECK_EQ(net.send(peer, std::string(1024, 'x')), FRAMEPUMP_OK);
  CHECK_EQ(net.send(peer, "x", FRAMEPUMP_RELIABLE, 4), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(net.send(peer, "x", 3), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(net.send(host, "x"), FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  CHECK_EQ(net.send(0, "x"), FRAMEPUMP_ERROR_STALE_HANDLE);
  CHECK_EQ(api().broadcast(peer, 0, "x", 1, FRAMEPUMP_RELIABLE), FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  CHECK_EQ(api().set_priority(peer, 1), FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  CHECK_EQ(api().set_priority(host, FRAMEPUMP_PRIORITY_REALTIME), FRAMEPUMP_OK);
  framepump_handle made = 0;
  const auto open = [&](const char* address, uint32_t port, uint32_t peers) {
    framepump_host_options options = {};
    options.struct_size = sizeof(options);
    options.host = address;
    options.port = port;
    options.peers = peers;
    return api().host_open(net.handle(), &options, &made);
  };
  CHECK_EQ(open("::1", 0, 0), FRAMEPUMP_ERROR_UNSUPPORTED);
  CHECK_EQ(open("localhost", 0, 0), FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC);
  CHECK_EQ(open("127.0.0.1", net.host_port(host), 0), FRAMEPUMP_ERROR_ADDRESS_IN_USE);
  CHECK_EQ(open("127.0.0.1", 65536, 0), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(open("127.0.0.1", 0, 4096), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  for (int i = 1; i < 16; ++i) CHECK_EQ(open(nullptr, 0, 1), FRAMEPUMP_OK);
  CHECK_EQ(open(nullptr, 0, 1), FRAMEPUMP_ERROR_LIMIT_REACHED);
  const framepump_endpoint nobody = {sizeof(nobody), 0, "127.0.0.1", 9, 1, 0, nullptr};
  CHECK_EQ(api().peer_connect(made, &nobody, 0, &made), FRAMEPUMP_ERROR_STALE_HANDLE);
}

TEST_CASE("a second peer of one address is left without an answer when only one may come") {
  framepump_config config = default_config();
  config.datagram_peers_per_address = 1;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet first = PlainEnet::client();
  PlainEnet second = PlainEnet::client();
  accept_plain(net, host, first);
  enet_peer_timeout(second.connect(net.host_port(host)), 1, 200, 200);
  REQUIRE(both_until(net, second, [&] { return second.disconnects() == 1; }));
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 1);
}

TEST_CASE("closing a host tells its peers, ends after them, and gives its port and places back") {
  for (uint32_t mode : {FRAMEPUMP_MODE_FRAME_LOCKED, FRAMEPUMP_MODE_THREADED}) {
    CAPTURE(mode);
    TestNetwork net(config_of(mode));
    framepump_handle before = 0;
    for (int round = 0; round < 20; ++round) {
      const framepump_handle host = net.open_host("127.0.0.1", 2);
      CHECK_NE(host, before);
      uint32_t port = 0;
      CHECK_EQ(api().host_port(before, &port), FRAMEPUMP_ERROR_STALE_HANDLE);
      before = host;
      CHECK_EQ(net.host_info(host).received_messages + net.host_info(host).sent_messages, 0);
      PlainEnet one = PlainEnet::client();
      PlainEnet two = PlainEnet::client();
      net.forget_events();
      const framepump_handle first = accept_plain(net, host, one);
      const framepump_handle second = accept_plain(net, host, two);
      CHECK_EQ(net.send(first, "last words"), FRAMEPUMP_OK);
      CHECK_EQ(api().close(host), FRAMEPUMP_OK);
      CHECK_EQ(net.send(first, "too late"), FRAMEPUMP_ERROR_CLOSED);
      REQUIRE(both_until(net, one, [&] {
        two.service();
        return net.find(FRAMEPUMP_EVENT_CLOSED, host) != nullptr;
      }));
      CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, first)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
      CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, second)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
      CHECK_EQ(net.seen().back().handle, host);
      REQUIRE_EQ(one.messages().size(), 1);
      CHECK_EQ(one.messages()[0].text, "last words");
      CHECK_EQ(one.disconnects() + two.disconnects(), 2);
      net.frame();
      CHECK_EQ(api().close(host), FRAMEPUMP_ERROR_STALE_HANDLE);
      CHECK_EQ(api().close(first), FRAMEPUMP_ERROR_STALE_HANDLE);
    }
  }
}

TEST_CASE("a peer closed before it was connected only ends") {
  TestNetwork net;
  PlainEnet plain = PlainEnet::server();
  const framepump_handle host = net.open_host(nullptr);
  const framepump_handle peer = net.peer_connect(host, plain.port());
  CHECK_EQ(api().close(peer), FRAMEPUMP_OK);
  CHECK_EQ(api().close(peer), FRAMEPUMP_OK);
  REQUIRE(both_until(net, plain, [&] { return net.find(FRAMEPUMP_EVENT_CLOSED, peer) != nullptr; }));
  CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->reason, FRAMEPUMP_REASON_CLOSED_HERE);
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CONNECTED), 0);
}

TEST_CASE("a peer that vanishes is timed out, and one that was never there fails to connect") {
  framepump_config config = default_config();
  config.datagram_timeout_ms = 300;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  framepump_handle peer = 0;
  {
    PlainEnet plain = PlainEnet::client();
    peer = accept_plain(net, host, plain);
  }  // its socket closes without a word
  const framepump_handle nobody = net.peer_connect(host, 9);
  REQUIRE(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_CLOSED) == 2; }));
  REQUIRE(net.find(FRAMEPUMP_EVENT_CLOSED, peer) != nullptr);
  REQUIRE(net.find(FRAMEPUMP_EVENT_CLOSED, nobody) != nullptr);
  CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, peer)->reason, FRAMEPUMP_REASON_TIMED_OUT);
  CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, nobody)->reason, FRAMEPUMP_REASON_CONNECT_TIMED_OUT);
}

TEST_CASE("time-outs and pings run on real time though the game's clock stands still") {
  framepump_config config = default_config();
  config.datagram_timeout_ms = 800;
  TestNetwork net(config);
  net.use_clock([] { return int64_t{1000}; });
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  accept_plain(net, host, plain);
  const int64_t end_us = now_us() + 1'800'000;
  CHECK(both_until(net, plain, [&] { return now_us() > end_us; }));
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 0);
  CHECK_EQ(plain.disconnects(), 0);
  CHECK(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_CLOSED) == 1; }));  // nobody serves the client any more
}

TEST_CASE("once its peers are gone, a host costs ticks no turn") {
  TestNetwork net;
  int64_t clock_us = 0;
  net.use_clock([&clock_us] { return clock_us += 50'000; });
  const framepump_handle host = net.open_host();
  {
    PlainEnet plain = PlainEnet::client();
    accept_plain(net, host, plain);
    CHECK_EQ(net.tick().turns, 1);  // pings and time-outs
    enet_peer_disconnect(plain.connected()[0], 0);
    CHECK(both_until(net, plain, [&] { return net.count(FRAMEPUMP_EVENT_CLOSED) == 1; }));
  }
  CHECK(run_until({&net}, [&] { return net.report().turns == 0 && net.frame().turns == 0 && net.frame().turns == 0; }));
}

TEST_CASE("a tick acknowledges what it has read, and wait_until does while it waits") {
  TestNetwork net;
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  accept_plain(net, host, plain);
  ENetPeer* server = plain.connected()[0];
  plain.send(server, "read by a tick");
  plain.flush();
  CHECK_GT(server->reliableDataInTransit, 0);
  net.tick();
  plain.service();
  CHECK_EQ(server->reliableDataInTransit, 0);

  std::atomic<uint32_t> acknowledged{0};
  const auto send_when_acknowledged = [&](PlainEnet& self) {
    if (server->reliableDataInTransit > 0) return;
    self.send(server, "read by wait_until");
    ++acknowledged;
  };
  PlainEnetThread thread(plain, send_when_acknowledged);
  const uint64_t received_before = net.host_info(host).received_messages;
  const int64_t end_us = now_us() + 20'000'000;
  do {
    CHECK_EQ(api().wait_until(net.handle(), now_us() + 300'000, FRAMEPUMP_WAIT_DEADLINE), FRAMEPUMP_OK);
  } while (acknowledged <= 3 && now_us() < end_us);
  thread.stop();
  CHECK_GT(acknowledged, 3);  // 300 ms are enough for hundreds
  CHECK_GT(net.host_info(host).received_messages, received_before);
  CHECK_EQ(net.messages().size(), 1);  // and nothing was published
}

TEST_CASE("waiting for first data ends with a message, in both modes") {
  for (uint32_t mode : {FRAMEPUMP_MODE_FRAME_LOCKED, FRAMEPUMP_MODE_THREADED}) {
    CAPTURE(mode);
    TestNetwork net(config_of(mode));
    const framepump_handle host = net.open_host();
    PlainEnet plain = PlainEnet::client();
    accept_plain(net, host, plain);
    plain.send(plain.connected()[0], "here");
    plain.flush();
    const int64_t begin_us = now_us();
    CHECK_EQ(api().wait_until(net.handle(), begin_us + 20'000'000, FRAMEPUMP_WAIT_FIRST_DATA), FRAMEPUMP_OK);
    CHECK_LT(now_us() - begin_us, 15'000'000);
    net.tick();
    REQUIRE_EQ(net.messages().size(), 1);
    CHECK_EQ(net.messages()[0].text, "here");
  }
}

TEST_CASE("what the kernel drops in a long frame is counted, and nothing is lost uncounted") {
  framepump_config config = default_config();
  config.datagram_receive_buffer_kib = 16;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  accept_plain(net, host, plain);
  constexpr uint32_t kCount = 500;
  for (uint32_t i = 0; i < kCount; ++i) {
    plain.send(plain.connected()[0], std::to_string(i), ENET_PACKET_FLAG_UNSEQUENCED);
    plain.flush();
  }
  CHECK(run_until({&net}, [&] { return net.messages().size() + net.host_info(host).kernel_drops == kCount; }));
  CHECK_GT(net.host_info(host).kernel_drops, 0);
}

TEST_CASE("a message's dwell is a bound: no less than it waited") {
  TestNetwork net;
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  accept_plain(net, host, plain);
  net.tick();
  plain.send(plain.connected()[0], "waits");
  plain.flush();
  const int64_t sent_us = now_us();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  const int64_t waited_us = now_us() - sent_us;
  net.tick();
  REQUIRE_EQ(net.messages().size(), 1);
  CHECK_GE(net.messages()[0].dwell_us, waited_us);
  CHECK_EQ(net.host_info(host).dwell_us, net.messages()[0].dwell_us);
}

TEST_CASE("a peer that leaves in the moment in which another arrives has not timed out") {
  TestNetwork net;
  const framepump_handle host = net.open_host();
  PlainEnet leaving = PlainEnet::client();
  PlainEnet arriving = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, leaving);
  arriving.connect(net.host_port(host));
  arriving.flush();
  net.tick();  // its answer is on its way
  enet_peer_disconnect(leaving.connected()[0], 0);
  leaving.flush();
  arriving.service();  // completes the connection, behind the disconnect
  REQUIRE(both_until(net, leaving, [&] {
    arriving.service();
    return net.find(FRAMEPUMP_EVENT_CLOSED, peer) != nullptr && net.count(FRAMEPUMP_EVENT_ACCEPTED) == 2;
  }));
  CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->reason, FRAMEPUMP_REASON_CLOSED_BY_PEER);
}
