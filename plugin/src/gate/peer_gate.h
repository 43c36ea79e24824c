// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "framepump/framepump_types.h"
#include "gate/datagram.h"
#include "platform/address.h"

namespace framepump {

// What was sent and is not yet done. Gameplay adds; whoever holds the token takes away when the library lets go of a packet.
struct SendLedger {
  std::atomic<uint64_t> unsent_bytes{0};
  std::atomic<uint64_t> throttled{0};
  std::atomic<uint64_t>* throttled_sum = nullptr;  // the host's
};

// Everything that gameplay and the pump share of one datagram peer. It is also the slot that its handle names.
struct alignas(kCacheLineBytes) PeerGate {
  // ---- all that a received message touches, in one cache line: with hundreds of peers none of it is in the cache ----
  Datagram* first_droppable = nullptr;         // the pump's
  Datagram* last_droppable = nullptr;          // the pump's
  std::atomic<uint64_t> queued_bytes{0};       // charged for messages on their way to gameplay; the pump writes
  std::atomic<uint64_t> received_messages{0};  // the pump writes
  std::atomic<uint64_t> received_bytes{0};     // the pump writes
  uint64_t user_data = 0;                      // set by gameplay before a connect, or by the pump before it tells of the peer
  std::atomic<uint32_t> generation{1};         // of the handle; gameplay raises it when the slot is given back
  uint32_t serial = 0;                         // the pump's: of the connection; 0: none
  uint32_t index = 0;
  uint8_t state = 0;                           // gameplay's: FRAMEPUMP_STATE_*; 0: not open
  std::atomic<bool> is_held{false};            // the pump writes
  bool was_held = false;                       // the pump's: and no message came through since
  bool is_closing = false;                     // the pump's: gameplay closed it

  // ---- both sides ----
  SendLedger ledger;
  std::atomic<uint64_t> sent_messages{0};
  std::atomic<uint64_t> sent_bytes{0};
  std::atomic<uint64_t> queue_drops{0};
  std::atomic<uint32_t> rtt_ms{0};
  std::atomic<uint32_t> jitter_ms{0};
  std::atomic<uint32_t> throttle_percent{100};
  std::atomic<uint32_t> loss_permille{0};

  // ---- set by gameplay before a connect, or by the pump before it tells of the peer ----
  SocketAddress address;
  uint32_t channels = 0;

  // ---- gameplay's own ----
  bool wants_room = false;

  // ---- the pump's own ----
  void* peer = nullptr;       // the library's; null: not attached
  uint32_t dropped = 0;       // messages that were dropped and that gameplay has not passed over yet
  bool is_announced = false;  // gameplay has been told of it
  uint8_t reason = 0;         // read by gameplay with `closed`
  // Always there, so that no lack of memory can keep a life from beginning and ending.
  Datagram opened;
  Datagram closed;
};
static_assert(offsetof(PeerGate, is_closing) < kCacheLineBytes);

}  // namespace framepump
