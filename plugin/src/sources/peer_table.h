// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "framepump/framepump_datagram.h"
#include "gate/atomic_bitmap.h"
#include "gate/peer_gate.h"
#include "platform/host.h"
#include "sources/environment.h"

namespace framepump {

// The peers of one datagram host. A connect takes a slot on the game thread, an accepted peer on whichever thread pumps;
// gameplay gives it back once it has heard of the end.
class PeerTable {
 public:
  explicit PeerTable(const Host& host) : host_(host) {}
  ~PeerTable() { free_slots(); }
  PeerTable(const PeerTable&) = delete;
  PeerTable& operator=(const PeerTable&) = delete;

  // When nobody uses the slots of before any more. False: out of memory.
  bool open(uint32_t count);

  PeerGate* take();  // null: all are in use
  void give_back(PeerGate& gate);
  PeerGate* at(uint32_t index) { return index < count_ ? &slots_[index] : nullptr; }
  std::span<PeerGate> all() { return {slots_, count_}; }

 private:
  void free_slots();

  const Host& host_;
  PeerGate* slots_ = nullptr;
  AtomicBitmap* free_ = nullptr;
  uint32_t count_ = 0;
};

// ---- The queue of one peer's messages to gameplay, as the pump keeps count of it. ----

// `datagram` is on its way. Unreliable ones can be dropped as long as gameplay has not taken them.
inline void note_queued(PeerGate& gate, Datagram& datagram) {
  add(gate.queued_bytes, datagram.charged_bytes());
  if (datagram.delivery == FRAMEPUMP_RELIABLE) return;
  (gate.first_droppable == nullptr ? gate.first_droppable : gate.last_droppable->next_droppable) = &datagram;
  gate.last_droppable = &datagram;
}
// Gameplay is done with it. It takes them in order, so this is the first droppable one or was passed over before.
inline void note_done(PeerGate& gate, Datagram& datagram) {
  add(gate.queued_bytes, uint64_t{0} - datagram.charged_bytes());
  if (gate.first_droppable == &datagram) gate.first_droppable = datagram.next_droppable;
}
// The oldest message that could be dropped, which now is: it needs its packet taken away. Null: there is none.
Datagram* drop_oldest(PeerGate& gate);

}  // namespace framepump
