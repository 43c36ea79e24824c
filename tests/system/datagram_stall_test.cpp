// SPDX-License-Identifier: MIT
//
// P8 for datagrams: a game thread that does not tick, and peers that give up on whoever is silent. The times are those of a level
// load of five seconds and peers that wait for two, scaled down; ENet notices up to twice as late as it was told.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "support/plain_enet.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

// More than a busy machine keeps a thread from running; of a stall, twice that and more.
int patience_ms() { return is_sanitized() ? 2'400 : 1'200; }
int stall_ms() { return is_sanitized() ? 6'500 : 3'600; }

struct Outcome {
  bool peer_gave_up = false;
  uint32_t closed_reason = 0;
  uint32_t in_order = 0;  // reliable messages that the peer sent and gameplay got
  uint32_t sent = 0;
};

// A peer sends a reliable message every 20 ms, before, during and after a stall.
Outcome stall(uint32_t takeover_ms, int peer_patience_ms, int own_patience_ms) {
  framepump_config config = default_config();
  config.stall_takeover_ms = takeover_ms;
  config.datagram_timeout_ms = static_cast<uint32_t>(own_patience_ms);
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  ENetPeer* server = plain.connect(net.host_port(host));
  enet_peer_timeout(server, 32, static_cast<enet_uint32>(peer_patience_ms), static_cast<enet_uint32>(peer_patience_ms));
  std::atomic<uint32_t> sent{0};
  std::atomic<bool> gave_up{false};
  std::atomic<bool> is_quiet{false};
  int64_t send_at_us = 0;
  const auto step = [&](PlainEnet& self) {
    gave_up = self.disconnects() > 0;
    if (self.connected().empty() || is_quiet || now_us() < send_at_us) return;
    self.send(self.connected()[0], std::to_string(sent++));
    send_at_us = now_us() + 20'000;
  };
  PlainEnetThread thread(plain, step);
  REQUIRE(run_until({&net}, [&] { return net.messages().size() >= 5; }));
  CHECK_EQ(net.send(net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle, "loading a level"), FRAMEPUMP_OK);
  net.flush();
  std::this_thread::sleep_for(std::chrono::milliseconds(stall_ms()));  // the acknowledgement comes meanwhile
  const uint32_t sent_in_stall = sent;
  const auto has_ended = [&] { return net.find(FRAMEPUMP_EVENT_CLOSED) != nullptr; };
  CHECK(run_until({&net}, [&] { return has_ended() || net.messages().size() >= sent_in_stall + 20; }, 20'000));
  is_quiet = true;
  CHECK(run_until({&net}, [&] { return has_ended() || net.messages().size() >= sent; }, 20'000));
  thread.stop();
  // It may have been about to send one more.
  CHECK(run_until({&net}, [&] {
    plain.service();
    return has_ended() || net.messages().size() >= sent;
  }, 20'000));
  Outcome outcome = {gave_up, 0, 0, sent};
  if (has_ended()) outcome.closed_reason = net.find(FRAMEPUMP_EVENT_CLOSED)->reason;
  while (outcome.in_order < net.messages().size() && net.messages()[outcome.in_order].text == std::to_string(outcome.in_order)) {
    ++outcome.in_order;
  }
  CHECK_EQ(outcome.in_order, net.messages().size());
  CHECK_EQ(net.totals().guard_takeovers > 0, takeover_ms > 0);
  return outcome;
}

}  // namespace

TEST_CASE("with the guard an impatient datagram peer stays through a stall, and every reliable message arrives") {
  const Outcome outcome = stall(100, patience_ms(), patience_ms());
  CHECK_FALSE(outcome.peer_gave_up);
  CHECK_EQ(outcome.closed_reason, 0);
  CHECK_EQ(outcome.in_order, outcome.sent);
}

TEST_CASE("without the guard an impatient datagram peer is lost in a stall, and gameplay hears of it") {
  const Outcome outcome = stall(0, patience_ms(), patience_ms());
  CHECK(outcome.peer_gave_up);
  CHECK_EQ(outcome.closed_reason, FRAMEPUMP_REASON_TIMED_OUT);
}

TEST_CASE("our own stall is not held against a patient peer, whose answers wait in the socket") {
  const Outcome outcome = stall(0, 60'000, is_sanitized() ? 2'000 : 1'000);
  CHECK_FALSE(outcome.peer_gave_up);
  CHECK_EQ(outcome.closed_reason, 0);
  CHECK_EQ(outcome.in_order, outcome.sent);
}
