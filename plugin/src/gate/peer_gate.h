// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "framepump/framepump_types.h"
#include "gate/datagram.h"
#include "platform/address.h"

namespace framepump {

// What a message costs besides its bytes: the library's packet and command, their headers in malloc, and a Datagram.
constexpr uint64_t kMessageOverheadBytes = 128;

// What was sent and is not yet done. Gameplay adds; whoever holds the token takes away when the library lets go of a packet.
struct SendLedger {
  std::atomic<uint64_t> unsent_bytes{0};
  std::atomic<uint64_t> throttled{0};
  std::atomic<uint64_t>* throttled_sum = nullptr;  // the host's
};

// Everything that gameplay and the pump share of one datagram peer. It is also the slot that its handle names.
struct PeerGate {
  // ---- both sides ----
  SendLedger ledger;
  std::atomic<uint32_t> generation{1};  // of the handle; gameplay raises it when the slot is given back
  std::atomic<uint64_t> received_messages{0};
  std::atomic<uint64_t> received_bytes{0};
  std::atomic<uint64_t> sent_messages{0};
  std::atomic<uint64_t> sent_bytes{0};
  std::atomic<uint64_t> queue_drops{0};
  std::atomic<uint64_t> waiting_bytes{0};
  std::atomic<uint32_t> rtt_ms{0};
  std::atomic<uint32_t> jitter_ms{0};
  std::atomic<uint32_t> throttle_percent{100};
  std::atomic<uint32_t> loss_permille{0};
  std::atomic<bool> is_held{false};

  // ---- set by gameplay before a connect, or by the pump before it tells of the peer ----
  SocketAddress address;
  uint64_t user_data = 0;
  uint32_t channels = 0;

  // ---- gameplay's own ----
  uint8_t state = 0;  // FRAMEPUMP_STATE_*; 0: not open
  bool wants_room = false;

  // ---- the pump's own ----
  void* peer = nullptr;               // the library's; null: not attached
  Datagram* first_droppable = nullptr;
  Datagram* last_droppable = nullptr;
  uint64_t queued_bytes = 0;          // charged for messages on their way to gameplay
  uint32_t serial = 0;                // of the connection; 0: none
  uint32_t index = 0;
  bool is_announced = false;          // gameplay has been told of it
  bool is_closing = false;            // gameplay closed it
  bool was_held = false;              // and no message came through since
  uint8_t reason = 0;                 // read by gameplay with `closed`
  // Always there, so that no lack of memory can keep a life from beginning and ending.
  Datagram opened;
  Datagram closed;
};

}  // namespace framepump
