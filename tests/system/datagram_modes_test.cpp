// SPDX-License-Identifier: MIT
//
// P7 for datagrams: who pumps is not for gameplay to see. The other side is a plain ENet program on a thread of its own.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "support/plain_enet.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

enum class Drive { locked, threaded, toggled, guarded };

framepump_config config_of(Drive drive) {
  framepump_config config = default_config();
  config.threaded = drive == Drive::threaded ? 1 : 0;
  if (drive == Drive::guarded) config.stall_takeover_ms = 20;
  return config;
}

// Ends a frame: guarded, the game is away for longer than the guard waits.
void pass_time(Drive drive) {
  std::this_thread::sleep_for(drive == Drive::guarded ? std::chrono::milliseconds(30) : std::chrono::milliseconds(1));
}

// What gameplay saw of one peer: events and messages in order, as one text for each channel, since only these have an order.
using Story = std::map<uint32_t, std::string>;

// The connect data tells the server what to do with a peer.
enum Role : uint32_t { kEchoed = 1, kServerCloses, kAborted, kClosedHere, kRoles };
constexpr uint32_t kMessages = 40;

std::string message_of(uint32_t role, uint32_t number) {
  const uint64_t size_bytes = number % 8 == 7 ? 5'000 : 20;  // some come in pieces
  return std::to_string(role) + ":" + std::to_string(number) + ":" + pattern(number, 0, size_bytes);
}

// Sends every peer its messages as soon as it is there; closes kServerCloses after them; echoes kEchoed.
struct Server {
  std::map<ENetPeer*, uint32_t> roles;
  size_t seen = 0;
  void operator()(PlainEnet& self) {
    for (size_t i = seen; i < self.messages().size(); ++i) {
      const PlainEnet::Message message = self.messages()[i];
      if (roles.count(message.peer) == 0) {
        const uint32_t role = static_cast<uint32_t>(std::stoul(message.text));
        roles[message.peer] = role;
        for (uint32_t n = 0; n < kMessages; ++n) {
          self.send(message.peer, message_of(role, n), ENET_PACKET_FLAG_RELIABLE, static_cast<uint8_t>(n % 3));
        }
        if (role == kServerCloses) enet_peer_disconnect_later(message.peer, 5);
      } else if (roles[message.peer] == kEchoed) {
        self.send(message.peer, message.text, ENET_PACKET_FLAG_RELIABLE, static_cast<uint8_t>(message.channel));
      }
    }
    seen = self.messages().size();
  }
};

std::map<uint64_t, Story> play(Drive drive) {
  TestNetwork net(config_of(drive));
  PlainEnet plain = PlainEnet::server();
  Server server;
  const uint32_t port = plain.port();
  PlainEnetThread thread(plain, server);
  const framepump_handle host = net.open_host(nullptr);
  std::map<uint64_t, Story> stories;
  std::map<uint64_t, uint32_t> received;
  for (uint32_t role = kEchoed; role < kRoles; ++role) net.peer_connect(host, port, role, role);
  uint32_t closed = 0;
  uint32_t frame = 0;
  const auto note_all = [&](uint64_t role, const std::string& what) {
    for (uint32_t channel = 0; channel < 3; ++channel) stories[role][channel] += what + "\n";
  };
  const auto react = [&](const SeenMessage& message) {
    const uint64_t role = message.user_data;
    stories[role][message.channel] += message.text + "\n";
    if (++received[role] == kMessages && role == kEchoed) {
      for (uint32_t n = 0; n < kMessages; ++n) {
        CHECK_EQ(net.send(message.peer, message_of(9, n), FRAMEPUMP_RELIABLE, n % 3), FRAMEPUMP_OK);
      }
    }
    if (received[role] == 2 * kMessages || (received[role] == kMessages && role == kClosedHere)) api().close(message.peer);
    if (received[role] == kMessages && role == kAborted) api().abort(message.peer);
  };
  CHECK(run_until({}, [&] {
    net.forget_events();
    net.forget_messages();
    if (drive == Drive::toggled) api().set_mode(net.handle(), ++frame % 2);
    net.tick();
    for (const SeenEvent& event : net.seen()) {
      if (event.kind != FRAMEPUMP_EVENT_CONNECTED) continue;
      note_all(event.user_data, "connected");
      CHECK_EQ(net.send(event.handle, std::to_string(event.user_data)), FRAMEPUMP_OK);
    }
    for (const SeenMessage& message : net.messages()) react(message);
    for (const SeenEvent& event : net.seen()) {
      if (event.kind != FRAMEPUMP_EVENT_CLOSED) continue;
      note_all(event.user_data, std::string("closed ") + api().reason_name(event.reason) + " " + std::to_string(event.value));
      ++closed;
    }
    net.flush();
    pass_time(drive);
    return closed == kRoles - 1;
  }, 20'000));
  if (drive == Drive::guarded) {
    CHECK(run_until({&net}, [&] {
      pass_time(drive);
      return net.totals().guard_takeovers > 0;
    }));
  }
  return stories;
}

Story expected_story(uint32_t role) {
  Story story;
  for (uint32_t channel = 0; channel < 3; ++channel) story[channel] = "connected\n";
  for (uint32_t n = 0; n < kMessages; ++n) story[n % 3] += message_of(role, n) + "\n";
  for (uint32_t n = 0; role == kEchoed && n < kMessages; ++n) story[n % 3] += message_of(9, n) + "\n";
  const std::map<uint32_t, std::string> ends = {{kEchoed, "closed here 0"}, {kServerCloses, "closed by peer 5"},
                                                {kAborted, "aborted here 0"}, {kClosedHere, "closed here 0"}};
  for (uint32_t channel = 0; channel < 3; ++channel) story[channel] += "closed " + ends.at(role) + "\n";
  return story;
}

}  // namespace

TEST_CASE("the same datagram traffic gives the same messages and events per peer in locked, threaded, toggled and guarded mode") {
  for (Drive drive : {Drive::locked, Drive::threaded, Drive::toggled, Drive::guarded}) {
    CAPTURE(static_cast<int>(drive));
    const std::map<uint64_t, Story> stories = play(drive);
    for (uint32_t role = kEchoed; role < kRoles; ++role) {
      CAPTURE(role);
      REQUIRE(stories.count(role) == 1);
      for (uint32_t channel = 0; channel < 3; ++channel) {
        const std::string& story = stories.at(role).at(channel);
        const std::string ending = story.substr(story.size() - std::min<size_t>(story.size(), 40));
        const bool is_same = story == expected_story(role).at(channel);
        CHECK_MESSAGE(is_same, "it has " << story.size() << " bytes and ends with " << ending);
      }
    }
  }
}

TEST_CASE("200 plain peers each get their own answers, and all hear of the end") {
  for (Drive drive : {Drive::locked, Drive::threaded}) {
    CAPTURE(static_cast<int>(drive));
    TestNetwork net(config_of(drive));
    const framepump_handle host = net.open_host("127.0.0.1", 200);
    constexpr uint32_t kPeers = 200;
    PlainEnet plain = PlainEnet::client(kPeers);
    std::map<ENetPeer*, uint32_t> numbers;
    for (uint32_t i = 0; i < kPeers; ++i) numbers[plain.connect(net.host_port(host), i)] = i;
    std::map<framepump_handle, uint64_t> known;
    const auto serve = [&](const auto& condition) {
      return run_until({&net}, [&] {
        plain.service();
        for (const SeenMessage& message : net.messages()) {
          CHECK_EQ(std::stoull(message.text), known[message.peer]);
          CHECK_EQ(net.send(message.peer, "answer to " + message.text), FRAMEPUMP_OK);
        }
        net.forget_messages();
        for (const SeenEvent& event : net.seen()) {
          if (event.kind == FRAMEPUMP_EVENT_ACCEPTED) known[event.handle] = event.value;
        }
        return condition();
      }, 20'000);
    };
    REQUIRE(serve([&] { return plain.connected().size() == kPeers && known.size() == kPeers; }));
    for (ENetPeer* peer : plain.connected()) plain.send(peer, std::to_string(numbers[peer]));
    REQUIRE(serve([&] { return plain.messages().size() == kPeers; }));
    for (const PlainEnet::Message& message : plain.messages()) {
      CHECK_EQ(message.text, "answer to " + std::to_string(numbers[message.peer]));
    }
    CHECK(serve([&] { return net.host_info(host).peers == kPeers; }));
    CHECK_EQ(api().close(host), FRAMEPUMP_OK);
    CHECK(serve([&] { return net.find(FRAMEPUMP_EVENT_CLOSED, host) != nullptr && plain.disconnects() == kPeers; }));
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), kPeers + 1);
  }
}
