// SPDX-License-Identifier: MIT
//
// What datagram hosts brought, turned into events and messages, and given back a tick later.
#include <algorithm>
#include <span>

#include "network/network.h"
#include "platform/clock.h"
#include "platform/prefetch.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// One tick's list has an end, whatever comes in; the rest waits. 60 frames a second of it are 240,000 messages.
constexpr uint32_t kMessagesPerTick = 4096;
constexpr uint32_t kDatagramsPerLook = 256;  // 4 us between looks at the clock
// Progress even when the slice is used up: 15 us (measured), much less than a turn of a stream.
constexpr uint32_t kDatagramsAtLeast = 1024;

// A frame has passed since these messages were touched, and freeing one that was not copied touches four places of memory: our note of it, the
// packet, its bytes, and what malloc keeps before them. Asked for while earlier ones are freed, they are there in time.
void prefetch_release(std::span<Datagram* const> messages, size_t next) {
  constexpr size_t kNoteAhead = 8;
  constexpr size_t kPacketAhead = 4;
  if (next + kNoteAhead < messages.size()) prefetch(messages[next + kNoteAhead]);
  if (next + kPacketAhead >= messages.size()) return;
  const Datagram& ahead = *messages[next + kPacketAhead];
  if (ahead.packet == nullptr) return;
  prefetch(ahead.packet);
  if (ahead.payload != nullptr) prefetch(static_cast<const std::byte*>(ahead.payload) - sizeof(size_t));
}

}  // namespace

// Payloads end here, and what ended before can be used anew.
void Network::release_datagrams() {
  DatagramChain done;
  const std::span<Datagram*> published = datagrams_.published.span();
  for (size_t i = 0; i < published.size(); ++i) {
    prefetch_release(published, i);
    if (published[i]->state.load(kRelaxed) == Datagram::State::taken) destroy_packet(published[i]->packet);
    done.add(*published[i]);
  }
  done.hand_over(datagrams_.gate.arrivals_done);
  datagrams_.published.clear();
  datagrams_.messages.clear();
  for (uint32_t place : datagrams_.closed_peers.span()) {
    PeerTable& peers = datagrams_.hosts[Datagrams::host_of(place)].host->peers();
    PeerGate& gate = *peers.at(Datagrams::peer_of(place));
    gate.state = 0;
    if (gate.wants_room) datagrams_.waiting_peers.remove_if([place](uint32_t other) { return other == place; });
    gate.wants_room = false;
    peers.give_back(gate);
  }
  datagrams_.closed_peers.clear();
  for (Datagrams::HostSlot& slot : datagrams_.hosts) {
    if (slot.state != FRAMEPUMP_STATE_CLOSED) continue;
    slot.state = 0;
    command(*slot.host, kCommandRelease);
  }
}

Datagram* Network::next_arrival() {
  if (datagrams_.pending == nullptr) datagrams_.pending = datagrams_.gate.arrivals.take_all();
  return datagrams_.pending;
}

void Network::publish_datagrams(Slice& slice, RunReport& run) {
  const int64_t now_us = monotonic_us();
  for (uint32_t n = 1; Datagram* datagram = next_arrival(); ++n) {
    if (datagrams_.messages.size() == kMessagesPerTick) break;
    if (!datagrams_.messages.make_room() || !datagrams_.published.make_room()) break;  // no memory: next time
    datagrams_.pending = datagram->next;
    prefetch(datagrams_.pending);
    publish_datagram(*datagram, now_us);
    if (n % kDatagramsPerLook != 0) continue;
    parts_.pump->charge(Phase::publish, slice, run);
    if (n >= kDatagramsAtLeast && slice.is_over(0)) break;
  }
  serve_waiting_peers();
  for (Datagrams::HostSlot& slot : datagrams_.hosts) {
    if (slot.state == 0) continue;
    const uint64_t allocations = slot.host->counters().allocations.load(kRelaxed);
    slot.tick_allocations = allocations - slot.allocations_before;
    slot.allocations_before = allocations;
  }
}

void Network::publish_datagram(Datagram& datagram, int64_t now_us) {
  Datagrams::HostSlot& slot = datagrams_.hosts[unpack(datagram.host->handle()).index];
  if (datagram.kind == DatagramKind::host_closed) {
    slot.state = FRAMEPUMP_STATE_CLOSED;
    add_event(FRAMEPUMP_EVENT_CLOSED, slot.host->handle(), slot.host->user_data()).reason = datagram.value;
    return;
  }
  PeerGate& gate = *slot.host->peers().at(datagram.peer);
  switch (datagram.kind) {
    case DatagramKind::message:
      publish_message(datagram, slot, gate, now_us);
      return;
    case DatagramKind::accepted: {
      gate.state = slot.state == FRAMEPUMP_STATE_OPEN ? FRAMEPUMP_STATE_OPEN : FRAMEPUMP_STATE_CLOSING;
      framepump_event& event = add_event(FRAMEPUMP_EVENT_ACCEPTED, peer_handle(slot, gate), gate.user_data);
      event.other = slot.host->handle();
      event.value = datagram.value;
      return;
    }
    case DatagramKind::connected:
      if (gate.state != FRAMEPUMP_STATE_CONNECTING) return;  // gameplay wants to hear of the end only
      gate.state = FRAMEPUMP_STATE_OPEN;
      add_event(FRAMEPUMP_EVENT_CONNECTED, peer_handle(slot, gate), gate.user_data).other = slot.host->handle();
      return;
    default:
      publish_peer_closed(datagram, slot, gate);
  }
}

void Network::publish_message(Datagram& datagram, Datagrams::HostSlot& slot, PeerGate& gate, int64_t now_us) {
  const bool is_taken = datagram.change_state(Datagram::State::taken);  // else the pump dropped it
  datagrams_.published.push(&datagram);
  if (!is_taken || gate.state != FRAMEPUMP_STATE_OPEN) return;
  slot.dwell_us = std::max<int64_t>(now_us - datagram.since_us, 0);
  slot.dwell_max_us = std::max(slot.dwell_max_us, slot.dwell_us);
  framepump_received& message = *datagrams_.messages.add();  // there is room
  message = {};
  message.peer = peer_handle(slot, gate);
  message.host = slot.host->handle();
  message.user_data = gate.user_data;
  message.payload = datagram.payload;
  message.size_bytes = datagram.size_bytes;
  message.channel = datagram.channel;
  message.delivery = datagram.delivery;
  message.dwell_us = static_cast<uint32_t>(std::min<int64_t>(slot.dwell_us, UINT32_MAX));
  if (host_.is_traced()) [[unlikely]] trace_published(message.peer, publish_began_us_ - slot.dwell_us, message.size_bytes, 0);
  published_bytes_ += datagram.size_bytes;
}

void Network::publish_peer_closed(const Datagram& datagram, Datagrams::HostSlot& slot, PeerGate& gate) {
  gate.state = FRAMEPUMP_STATE_CLOSED;
  datagrams_.closed_peers.push(place_of(slot, gate));
  framepump_event& event = add_event(FRAMEPUMP_EVENT_CLOSED, peer_handle(slot, gate), gate.user_data);
  event.reason = gate.reason;
  event.other = slot.host->handle();
  event.value = datagram.value;
  char address[kAddressTextBytes];
  format_address(gate.address, address);
  event.text = events_.text("%s", address);
}

// Whoever was told "no room" hears of it once half of the limit is free.
void Network::serve_waiting_peers() {
  datagrams_.waiting_peers.remove_if([this](uint32_t place) {
    Datagrams::HostSlot& slot = datagrams_.hosts[Datagrams::host_of(place)];
    PeerGate& gate = *slot.host->peers().at(Datagrams::peer_of(place));
    const bool is_open = gate.state == FRAMEPUMP_STATE_OPEN;
    if (is_open && gate.ledger.unsent_bytes.load(kRelaxed) > slot.host->options().queue_limit_bytes / 2) return false;
    gate.wants_room = false;
    if (is_open) add_event(FRAMEPUMP_EVENT_WRITABLE, peer_handle(slot, gate), gate.user_data);
    return true;
  });
}

uint32_t Network::messages(const framepump_received** messages, uint32_t* count) {
  *messages = datagrams_.messages.data();
  *count = datagrams_.messages.size();
  return FRAMEPUMP_OK;
}

// When nobody pumps any more: what arrived and was not looked at goes, then the hosts.
void Network::destroy_hosts() {
  for (Datagram* datagram = next_arrival(); datagram != nullptr; datagram = next_arrival()) {
    datagrams_.pending = datagram->next;
    const bool has_packet = datagram->kind == DatagramKind::message && datagram->change_state(Datagram::State::taken);
    if (has_packet) destroy_packet(datagram->packet);
  }
  for (Datagram* datagram : datagrams_.published.span()) {
    if (datagram->state.load(kRelaxed) == Datagram::State::taken) destroy_packet(datagram->packet);
  }
  for (Datagrams::HostSlot& slot : datagrams_.hosts) host_.destroy(slot.host);
}

}  // namespace framepump
