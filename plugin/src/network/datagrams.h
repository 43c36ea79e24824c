// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "framepump/framepump_datagram.h"
#include "gate/datagram.h"
#include "platform/growable_array.h"
#include "sources/enet_host.h"

namespace framepump {

static_assert(sizeof(framepump_received) == 48, "a message is 48 bytes for ever");

// Gameplay's side of the datagram hosts of one network.
struct Datagrams {
  static constexpr uint32_t kMaxHosts = 16;
  // A handle's index holds both: 8 bits for the host, 12 for the peer.
  static constexpr uint32_t kPeerBits = 12;

  struct HostSlot {
    EnetHost* host = nullptr;
    uint32_t generation = 0;
    uint8_t state = 0;  // FRAMEPUMP_STATE_OPEN, CLOSING, CLOSED; 0: nobody's
    uint64_t allocations_before = 0;
    uint64_t tick_allocations = 0;
    int64_t dwell_us = 0;
    int64_t dwell_max_us = 0;
  };

  explicit Datagrams(const Host& host) : gate(host), published(host), messages(host), closed_peers(host), waiting_peers(host) {}

  static uint32_t place(uint32_t host, uint32_t peer) { return host << kPeerBits | peer; }
  static uint32_t host_of(uint32_t place) { return place >> kPeerBits; }
  static uint32_t peer_of(uint32_t place) { return place & ((1u << kPeerBits) - 1); }
  bool has_arrivals() const { return pending != nullptr || !gate.arrivals.is_empty(); }

  DatagramGate gate;
  HostSlot hosts[kMaxHosts];
  Datagram* pending = nullptr;                  // arrived, and not reached by a tick yet
  GrowableArray<Datagram*> published;           // messages of the last tick, those that were dropped among them
  GrowableArray<framepump_received> messages;   // of the last tick
  GrowableArray<uint32_t> closed_peers;         // places that were published as closed
  GrowableArray<uint32_t> waiting_peers;        // places that were told "no room"
};

}  // namespace framepump
