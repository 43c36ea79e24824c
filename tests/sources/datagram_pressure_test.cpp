// SPDX-License-Identifier: MIT
//
// P5 for datagrams: what happens when gameplay, or a peer, is slower than what is sent to it.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "support/counting_services.h"
#include "support/plain_enet.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

constexpr uint64_t kLimitBytes = 16 * 1024;
constexpr uint64_t kWindowBytes = 64 * 1024 * (200 + 128) / 200;  // what ENet lets a peer have on its way, with overhead

framepump_config tight_config(uint32_t mode = FRAMEPUMP_MODE_FRAME_LOCKED, uint64_t limit_bytes = kLimitBytes) {
  framepump_config config = default_config();
  config.threaded = mode;
  config.slice_us = 1'000'000;
  config.datagram_queue_limit_kib = static_cast<uint32_t>(limit_bytes / 1024);
  config.datagram_timeout_ms = 60'000;
  return config;
}

bool both_until(TestNetwork& net, PlainEnet& plain, const std::function<bool()>& condition) {
  const auto serve = [&] {
    plain.service();
    return condition();
  };
  return run_until({&net}, serve);
}

framepump_handle accept_plain(TestNetwork& net, framepump_handle host, PlainEnet& plain) {
  plain.connect(net.host_port(host));
  REQUIRE(both_until(net, plain, [&] { return net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr && plain.connected().size() == 1; }));
  return net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
}

std::string numbered(uint32_t number) { return std::to_string(number) + std::string(200, '.'); }
uint32_t number_of(const SeenMessage& message) { return static_cast<uint32_t>(std::stoul(message.text)); }

}  // namespace

TEST_CASE("beyond the queue limit the oldest unreliable messages are dropped and counted, reliable ones are not") {
  TestNetwork net(tight_config());
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  constexpr uint32_t kCount = 150;  // twice the limit
  for (uint32_t i = 0; i < kCount; ++i) {
    const bool is_reliable = i % 10 == 0;
    plain.send(plain.connected()[0], numbered(i), is_reliable ? ENET_PACKET_FLAG_RELIABLE : 0, is_reliable ? 1 : 0);
  }
  plain.flush();
  net.tick();
  uint32_t reliable = 0;
  uint32_t unreliable = 0;
  uint32_t next_reliable = 0;
  uint32_t last_unreliable = 0;
  for (const SeenMessage& message : net.messages()) {
    if (message.delivery == FRAMEPUMP_RELIABLE) {
      CHECK_EQ(number_of(message), next_reliable);
      next_reliable += 10;
      ++reliable;
    } else {
      CHECK_GE(number_of(message), last_unreliable);
      last_unreliable = number_of(message);
      ++unreliable;
    }
  }
  CHECK_EQ(reliable, kCount / 10);
  CHECK_EQ(last_unreliable, kCount - 1);
  CHECK_LT(unreliable, kLimitBytes / 300);
  CHECK_GT(unreliable, 20);
  CHECK_EQ(unreliable + net.peer_info(peer).queue_drops, kCount - kCount / 10);
  CHECK_EQ(net.host_info(host).queue_drops, net.peer_info(peer).queue_drops);
}

TEST_CASE("while gameplay does not tick, dropped messages take no more memory than the queue's limit") {
  CountingServices counting;
  TestNetwork net(tight_config(FRAMEPUMP_MODE_THREADED), counting.services());
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  const uint64_t before_bytes = counting.live_bytes();
  constexpr uint64_t kMany = 20'000;
  const auto send_many = [&](uint64_t drops) {
    const int64_t end_us = now_us() + 30'000'000;
    while (net.peer_info(peer).queue_drops < drops) {
      REQUIRE_LT(now_us(), end_us);
      for (int i = 0; i < 50; ++i) plain.send(plain.connected()[0], "move", 0, 1);
      plain.service();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  send_many(kMany);
  constexpr uint64_t kDatagramBytes = 192;
  CHECK_LT(counting.live_bytes() - before_bytes, kMany * kDatagramBytes / 10);
  // Once gameplay ticks again, new messages come through, and there is as much room as before.
  net.tick();
  net.tick();
  REQUIRE(both_until(net, plain, [&] {
    plain.send(plain.connected()[0], "now", 0, 1);
    return !net.messages().empty() && net.messages().back().text == "now";
  }));
  const uint64_t drops = net.peer_info(peer).queue_drops;
  send_many(drops + kMany);
  CHECK_LT(counting.live_bytes() - before_bytes, kMany * kDatagramBytes / 10);
}

TEST_CASE("reliable messages beyond the queue limit stay with their sender, and all arrive in the end") {
  // A window that is sent again finds room as a whole, or ENet would wait twice as long for the rest each time, and give up in the end.
  constexpr uint64_t kRoomyLimitBytes = 256 * 1024;
  static_assert(kRoomyLimitBytes > 2 * kWindowBytes);
  TestNetwork net(tight_config(FRAMEPUMP_MODE_THREADED, kRoomyLimitBytes));
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  constexpr uint32_t kCount = 4000;
  for (uint32_t i = 0; i < kCount; ++i) plain.send(plain.connected()[0], numbered(i));
  // The IO thread pumps while gameplay does nothing: it takes no more than it may, and still answers pings.
  const int64_t end_us = now_us() + 600'000;
  while (now_us() < end_us || net.peer_info(peer).held == 0) {
    REQUIRE_LT(now_us(), end_us + 10'000'000);
    plain.service();
    REQUIRE_LE(net.peer_info(peer).waiting_bytes, kRoomyLimitBytes + kWindowBytes);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK_LT(net.peer_info(peer).received_messages, kCount / 2);
  REQUIRE(both_until(net, plain, [&] { return net.messages().size() == kCount; }));
  for (uint32_t i = 0; i < kCount; ++i) REQUIRE_EQ(number_of(net.messages()[i]), i);
  CHECK_EQ(net.peer_info(peer).queue_drops, 0);
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 0);
}

TEST_CASE("a peer that gives up while gameplay takes nothing closes as overloaded, after what it had delivered") {
  framepump_config config = tight_config(FRAMEPUMP_MODE_THREADED);
  config.datagram_timeout_ms = 1'000;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  for (uint32_t i = 0; i < 2000; ++i) plain.send(plain.connected()[0], numbered(i));
  CHECK(run_until({}, [&] {
    plain.service();
    return net.peer_info(peer).held != 0;
  }));
  enet_peer_timeout(plain.connected()[0], 1, 200, 200);
  const int64_t end_us = now_us() + 10'000'000;
  while (plain.disconnects() == 0 && now_us() < end_us) {
    plain.service();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  REQUIRE_EQ(plain.disconnects(), 1);
  REQUIRE(both_until(net, plain, [&] { return net.find(FRAMEPUMP_EVENT_CLOSED, peer) != nullptr; }));
  CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->reason, FRAMEPUMP_REASON_OVERLOADED);
  CHECK_GT(net.messages().size(), 20);
  for (uint32_t i = 0; i < net.messages().size(); ++i) REQUIRE_EQ(number_of(net.messages()[i]), i);
}

TEST_CASE("sending to a peer that acknowledges nothing ends with no room, and a writable event follows") {
  for (uint32_t mode : {FRAMEPUMP_MODE_FRAME_LOCKED, FRAMEPUMP_MODE_THREADED}) {
    CAPTURE(mode);
    TestNetwork net(tight_config(mode));
    const framepump_handle host = net.open_host();
    PlainEnet plain = PlainEnet::client();
    const framepump_handle peer = accept_plain(net, host, plain);
    uint32_t sent = 0;
    while (net.send(peer, numbered(sent)) == FRAMEPUMP_OK) REQUIRE_LT(++sent, 1000);
    CHECK_EQ(net.send(peer, "x" + std::string(500, '.')), FRAMEPUMP_ERROR_NO_ROOM);
    CHECK_LE(net.peer_info(peer).unsent_bytes, kLimitBytes);
    for (int i = 0; i < 10; ++i) net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_WRITABLE), 0);
    REQUIRE(both_until(net, plain, [&] { return net.count(FRAMEPUMP_EVENT_WRITABLE) == 1; }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_WRITABLE)->handle, peer);
    CHECK_EQ(net.send(peer, "again"), FRAMEPUMP_OK);
    REQUIRE(both_until(net, plain, [&] { return plain.messages().size() == sent + 1 && net.peer_info(peer).unsent_bytes == 0; }));
  }
}

TEST_CASE("one tick's list has an end, and the rest comes with the next ones") {
  framepump_config config = default_config();
  config.slice_us = 1'000'000;
  config.datagram_queue_limit_kib = 16 * 1024;
  config.threaded = 1;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  const framepump_handle peer = accept_plain(net, host, plain);
  constexpr uint32_t kCount = 10'000;
  for (uint32_t i = 0; i < kCount; ++i) plain.send(plain.connected()[0], std::to_string(i));
  const int64_t end_us = now_us() + 20'000'000;
  while (net.peer_info(peer).received_messages < kCount) {  // no tick meanwhile
    REQUIRE_LT(now_us(), end_us);
    plain.service();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  uint32_t ticks = 0;
  const int64_t give_up_us = now_us() + 20'000'000;
  while (net.messages().size() < kCount && now_us() < give_up_us) {
    ++ticks;
    net.tick();
    CHECK_LE(net.last_message_count(), 4096);
  }
  CHECK_GE(ticks, 3);
  REQUIRE_EQ(net.messages().size(), kCount);
  for (uint32_t i = 0; i < kCount; ++i) REQUIRE_EQ(number_of(net.messages()[i]), i);
}
