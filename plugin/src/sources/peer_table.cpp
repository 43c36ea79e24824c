// SPDX-License-Identifier: MIT
#include "sources/peer_table.h"

#include "framepump/framepump_datagram.h"
#include "sources/environment.h"

namespace framepump {

bool PeerTable::open(uint32_t count) {
  // Handles of the table before must stay stale, so its generations go on.
  uint32_t generation = 0;
  for (PeerGate& gate : all()) {
    const uint32_t used = gate.generation.load(std::memory_order_relaxed);
    if (used > generation) generation = used;
  }
  free_slots();
  free_ = host_.create<AtomicBitmap>();
  slots_ = static_cast<PeerGate*>(host_.allocate(uint64_t{count} * sizeof(PeerGate), alignof(PeerGate)));
  if (slots_ != nullptr) count_ = count;
  for (uint32_t i = 0; i < count_; ++i) {
    PeerGate* gate = new (&slots_[i]) PeerGate;
    gate->index = i;
    gate->generation.store(generation + 1, std::memory_order_relaxed);
  }
  return slots_ != nullptr && free_ != nullptr && free_->open(host_, count, AtomicBitmap::Fill::full);
}

void PeerTable::free_slots() {
  for (PeerGate& gate : all()) gate.~PeerGate();
  host_.release(slots_, uint64_t{count_} * sizeof(PeerGate), alignof(PeerGate));
  host_.destroy(free_);
  slots_ = nullptr;
  free_ = nullptr;
  count_ = 0;
}

PeerGate* PeerTable::take() {
  const uint32_t index = free_->take();
  if (index == AtomicBitmap::kNone) return nullptr;
  PeerGate& gate = slots_[index];
  for (std::atomic<uint64_t>* sum : {&gate.received_messages, &gate.received_bytes, &gate.sent_messages, &gate.sent_bytes,
                                     &gate.queue_drops, &gate.queued_bytes, &gate.ledger.throttled}) {
    sum->store(0, std::memory_order_relaxed);
  }
  gate.rtt_ms.store(0, std::memory_order_relaxed);
  gate.jitter_ms.store(0, std::memory_order_relaxed);
  gate.channels = 0;
  gate.is_announced = gate.is_closing = gate.was_held = false;
  return &gate;
}

void PeerTable::give_back(PeerGate& gate) {
  gate.generation.fetch_add(1, std::memory_order_relaxed);
  free_->insert(gate.index);
}

Datagram* drop_oldest(PeerGate& gate) {
  while (Datagram* oldest = gate.first_droppable) {
    gate.first_droppable = oldest->next_droppable;
    if (!oldest->change_state(Datagram::State::dropped)) continue;  // gameplay has it already
    add(gate.queued_bytes, uint64_t{0} - oldest->charged_bytes());
    ++gate.dropped;
    return oldest;
  }
  return nullptr;
}

}  // namespace framepump
