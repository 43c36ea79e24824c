// SPDX-License-Identifier: MIT
//
// Datagram hosts and peers: opening, connecting, sending, closing, asking.
#include <algorithm>
#include <cstring>

#include "network/network.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

uint64_t kib(uint32_t value) { return uint64_t{value} * 1024; }

template <typename Info>
void fill(Info& out, const Info& all) {
  const uint32_t size = out.struct_size;
  std::memcpy(&out, &all, std::min<size_t>(size, sizeof(all)));
  out.struct_size = size;
}

}  // namespace

uint32_t Network::find_host(framepump_handle handle, Datagrams::HostSlot*& slot) {
  const Handle parts = unpack(handle);
  if (parts.kind != HandleKind::host || parts.index >= Datagrams::kMaxHosts) return stale(handle, "host");
  slot = &datagrams_.hosts[parts.index];
  return slot->state != 0 && slot->host->handle() == handle ? FRAMEPUMP_OK : stale(handle, "host");
}

uint32_t Network::find_peer(framepump_handle handle, PeerPlace& place) {
  const Handle parts = unpack(handle);
  const uint32_t host_index = Datagrams::host_of(parts.index);
  if (parts.kind != HandleKind::peer || host_index >= Datagrams::kMaxHosts) return stale(handle, "peer");
  place.slot = &datagrams_.hosts[host_index];
  if (place.slot->state == 0) return stale(handle, "peer");
  place.gate = place.slot->host->peers().at(Datagrams::peer_of(parts.index));
  const bool is_there = place.gate != nullptr && place.gate->state != 0 && peer_handle(*place.slot, *place.gate) == handle;
  return is_there ? FRAMEPUMP_OK : stale(handle, "peer");
}

uint32_t Network::place_of(const Datagrams::HostSlot& slot, const PeerGate& gate) const {
  return Datagrams::place(static_cast<uint32_t>(&slot - datagrams_.hosts), gate.index);
}

framepump_handle Network::peer_handle(const Datagrams::HostSlot& slot, const PeerGate& gate) {
  return make_handle(HandleKind::peer, place_of(slot, gate), gate.generation.load(kRelaxed));
}

Datagrams::HostSlot* Network::free_host_slot() {
  for (Datagrams::HostSlot& slot : datagrams_.hosts) {
    if (slot.state != 0) continue;
    if (slot.host == nullptr) slot.host = host_.create<EnetHost>(*parts_.environment, datagrams_.gate);
    if (slot.host != nullptr && slot.host->is_closed()) return &slot;
  }
  return nullptr;
}

// ENet 1.3 has 32 bits for an address.
uint32_t Network::check_datagram_address(const framepump_endpoint& endpoint, uint32_t lowest_port, const char* what,
                                         SocketAddress& address) {
  if (const uint32_t error = check_endpoint(endpoint, lowest_port, what, address); error != FRAMEPUMP_OK) return error;
  if (address.family == AddressFamily::ipv4) return FRAMEPUMP_OK;
  return fail(FRAMEPUMP_ERROR_UNSUPPORTED, "%s: host is \"%.200s\", allowed is an IPv4 address: ENet speaks no IPv6", what,
              endpoint.host);
}

uint32_t Network::check_host_options(const framepump_host_options& options, EnetOptions& wanted) {
  const char* address = options.host != nullptr ? options.host : "0.0.0.0";
  const framepump_endpoint endpoint = {sizeof(endpoint), 0, address, options.port, options.priority, options.user_data, nullptr};
  const uint32_t error = check_datagram_address(endpoint, 0, "host_open", wanted.address);
  if (error != FRAMEPUMP_OK) return error;
  if (options.peers > 4095) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "host_open: peers is %u, allowed is 0 to 4095", options.peers);
  }
  if (options.channels > 255) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "host_open: channels is %u, allowed is 0 to 255", options.channels);
  }
  wanted.peers = options.peers != 0 ? options.peers : config_.datagram_peers;
  wanted.channels = options.channels != 0 ? options.channels : config_.datagram_channels;
  wanted.peers_per_address = config_.datagram_peers_per_address;
  wanted.message_limit_bytes = kib(config_.datagram_message_limit_kib);
  wanted.queue_limit_bytes = kib(config_.datagram_queue_limit_kib);
  wanted.receive_buffer_bytes = kib(config_.datagram_receive_buffer_kib);
  return FRAMEPUMP_OK;
}

uint32_t Network::host_open(const framepump_host_options& options, framepump_handle* handle) {
  *handle = 0;
  EnetOptions wanted;
  if (const uint32_t error = check_host_options(options, wanted); error != FRAMEPUMP_OK) return error;
  char origin[600];
  if (!check_enet_origin(origin)) return fail(FRAMEPUMP_ERROR_UNSUPPORTED, "host_open: %s", origin);
  Datagrams::HostSlot* slot = free_host_slot();
  if (slot == nullptr) {
    return fail(FRAMEPUMP_ERROR_LIMIT_REACHED, "host_open: %u hosts are open, which is the most there can be",
                Datagrams::kMaxHosts);
  }
  EnetHost& host = *slot->host;
  const uint32_t index = static_cast<uint32_t>(slot - datagrams_.hosts);
  const framepump_handle made = make_handle(HandleKind::host, index, slot->generation + 1);
  const IoResult result = host.open(wanted, made);
  if (result.status != IoStatus::ok) return fail_socket("host_open on", wanted.address, result);
  if (!reserve_peer_lists(index)) {  // what is listed there may not be lost for lack of memory
    host.cancel_open();
    return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "host_open: the allocator returned null");
  }
  *slot = {.host = &host, .generation = slot->generation + 1, .state = FRAMEPUMP_STATE_OPEN};
  slot->allocations_before = host.counters().allocations.load(kRelaxed);
  host.set_user_data(options.user_data);
  host.set_wanted_priority(options.priority);
  command(host, kCommandOpen | kCommandPriority);
  *handle = made;
  return FRAMEPUMP_OK;
}

bool Network::reserve_peer_lists(uint32_t opening) {
  uint32_t places = 0;
  for (uint32_t i = 0; i < Datagrams::kMaxHosts; ++i) {
    const Datagrams::HostSlot& slot = datagrams_.hosts[i];
    if (slot.state != 0 || i == opening) places += static_cast<uint32_t>(slot.host->peers().all().size());
  }
  return datagrams_.closed_peers.reserve(places) && datagrams_.waiting_peers.reserve(places);
}

uint32_t Network::host_port(framepump_handle handle, uint32_t* port) {
  Datagrams::HostSlot* slot = nullptr;
  if (const uint32_t error = find_host(handle, slot); error != FRAMEPUMP_OK) return error;
  *port = slot->host->address().port;
  return FRAMEPUMP_OK;
}

// A command to the host that the holder of the token carries out in the order of these calls. Null: no memory.
Datagram* Network::take_command(DatagramKind kind) {
  Datagram* next = nullptr;
  for (Datagram* done = datagrams_.gate.commands_done.take_all(); done != nullptr; done = next) {
    next = done->next;
    datagrams_.gate.command_pool.put_back(*done);
  }
  Datagram* made = datagrams_.gate.command_pool.take();
  if (made != nullptr) made->kind = kind;
  return made;
}

void Network::give_command(EnetHost& host, Datagram& given) {
  host.send(given);
  command(host, kCommandSend);
}

uint32_t Network::peer_connect(framepump_handle handle, const framepump_endpoint& endpoint, uint32_t data,
                               framepump_handle* peer) {
  *peer = 0;
  Datagrams::HostSlot* slot = nullptr;
  SocketAddress address;
  if (const uint32_t error = find_host(handle, slot); error != FRAMEPUMP_OK) return error;
  if (const uint32_t error = check_datagram_address(endpoint, 1, "peer_connect", address); error != FRAMEPUMP_OK) return error;
  if (slot->state != FRAMEPUMP_STATE_OPEN) return fail(FRAMEPUMP_ERROR_CLOSED, "peer_connect: the host is closed");
  Datagram* connect = take_command(DatagramKind::connect);
  if (connect == nullptr) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "peer_connect: the allocator returned null");
  PeerGate* gate = slot->host->peers().take();
  if (gate == nullptr) {
    datagrams_.gate.command_pool.put_back(*connect);
    return fail(FRAMEPUMP_ERROR_LIMIT_REACHED, "peer_connect: the host has its %u peers: raise datagram.peers",
                slot->host->options().peers);
  }
  gate->state = FRAMEPUMP_STATE_CONNECTING;
  gate->address = address;
  gate->user_data = endpoint.user_data;
  gate->wants_room = false;
  connect->peer = gate->index;
  connect->value = data;
  *peer = peer_handle(*slot, *gate);
  give_command(*slot->host, *connect);
  return FRAMEPUMP_OK;
}

// What both kinds of sending refuse.
uint32_t Network::check_message(const EnetHost& host, uint32_t channels, const Message& message) {
  if (message.delivery > FRAMEPUMP_UNSEQUENCED) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "delivery is %u, allowed is 0 (unreliable), 1 (reliable), 2 (unsequenced)",
                message.delivery);
  }
  if (message.channel >= channels) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "channel is %u, allowed is 0 to %u", message.channel, channels - 1);
  }
  const uint64_t limit_bytes = host.options().message_limit_bytes;
  if (message.size_bytes <= limit_bytes) return FRAMEPUMP_OK;
  return fail(FRAMEPUMP_ERROR_TOO_LARGE, "a message of %llu bytes, allowed are at most %llu: datagram.message_limit_kib",
              static_cast<unsigned long long>(message.size_bytes), static_cast<unsigned long long>(limit_bytes));
}

// One message always fits, whatever its size.
uint32_t Network::check_room(const EnetHost& host, const SendLedger& ledger, const Message& message) {
  const uint64_t unsent_bytes = ledger.unsent_bytes.load(kRelaxed);
  const uint64_t limit_bytes = host.options().queue_limit_bytes;
  if (unsent_bytes == 0 || unsent_bytes + message.size_bytes + kMessageOverheadBytes <= limit_bytes) return FRAMEPUMP_OK;
  return fail(FRAMEPUMP_ERROR_NO_ROOM, "%llu bytes are not acknowledged, allowed are at most %llu: datagram.queue_limit_kib",
              static_cast<unsigned long long>(unsent_bytes), static_cast<unsigned long long>(limit_bytes));
}

uint32_t Network::queue_message(EnetHost& host, SendLedger& ledger, const PeerGate* to, const Message& message) {
  Datagram* send = take_command(to != nullptr ? DatagramKind::send : DatagramKind::broadcast);
  void* packet = send == nullptr ? nullptr : make_packet(message.bytes, message.size_bytes, message.delivery, ledger);
  if (packet == nullptr) {
    if (send != nullptr) datagrams_.gate.command_pool.put_back(*send);
    return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "a message of %llu bytes: the allocator returned null",
                static_cast<unsigned long long>(message.size_bytes));
  }
  send->packet = packet;
  send->channel = static_cast<uint8_t>(message.channel);
  if (to != nullptr) {
    send->peer = to->index;
    send->serial = to->generation.load(kRelaxed);
  }
  give_command(host, *send);
  return FRAMEPUMP_OK;
}

uint32_t Network::send(framepump_handle peer, const Message& message) {
  PeerPlace place;
  if (const uint32_t error = find_peer(peer, place); error != FRAMEPUMP_OK) return error;
  PeerGate& gate = *place.gate;
  EnetHost& host = *place.slot->host;
  if (gate.state == FRAMEPUMP_STATE_CONNECTING) return fail(FRAMEPUMP_ERROR_NOT_YET, "send: the peer is not connected yet");
  if (gate.state != FRAMEPUMP_STATE_OPEN) return fail(FRAMEPUMP_ERROR_CLOSED, "send: the peer is closed");
  if (const uint32_t error = check_message(host, gate.channels, message); error != FRAMEPUMP_OK) return error;
  if (const uint32_t error = check_room(host, gate.ledger, message); error != FRAMEPUMP_OK) {
    if (!gate.wants_room) gate.wants_room = datagrams_.waiting_peers.push(place_of(*place.slot, gate));
    return error;
  }
  return queue_message(host, gate.ledger, &gate, message);
}

uint32_t Network::broadcast(framepump_handle handle, const Message& message) {
  Datagrams::HostSlot* slot = nullptr;
  if (const uint32_t error = find_host(handle, slot); error != FRAMEPUMP_OK) return error;
  EnetHost& host = *slot->host;
  if (slot->state != FRAMEPUMP_STATE_OPEN) return fail(FRAMEPUMP_ERROR_CLOSED, "broadcast: the host is closed");
  if (const uint32_t error = check_message(host, host.options().channels, message); error != FRAMEPUMP_OK) return error;
  if (const uint32_t error = check_room(host, host.broadcast_ledger(), message); error != FRAMEPUMP_OK) return error;
  return queue_message(host, host.broadcast_ledger(), nullptr, message);
}

// Closing a second time changes nothing, but giving up on it does.
bool Network::is_leaving(uint8_t state, DatagramKind how) {
  const bool is_graceful = how == DatagramKind::close_peer || how == DatagramKind::close_host;
  return state == FRAMEPUMP_STATE_CLOSED || (state == FRAMEPUMP_STATE_CLOSING && is_graceful);
}

uint32_t Network::leave_peer(framepump_handle handle, DatagramKind how) {
  PeerPlace place;
  if (const uint32_t error = find_peer(handle, place); error != FRAMEPUMP_OK) return error;
  PeerGate& gate = *place.gate;
  if (is_leaving(gate.state, how)) return FRAMEPUMP_OK;
  Datagram* leave = take_command(how);
  if (leave == nullptr) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "close: the allocator returned null");
  gate.state = FRAMEPUMP_STATE_CLOSING;
  leave->peer = gate.index;
  leave->serial = gate.generation.load(kRelaxed);
  give_command(*place.slot->host, *leave);
  return FRAMEPUMP_OK;
}

uint32_t Network::leave_host(framepump_handle handle, DatagramKind how) {
  Datagrams::HostSlot* slot = nullptr;
  if (const uint32_t error = find_host(handle, slot); error != FRAMEPUMP_OK) return error;
  if (is_leaving(slot->state, how)) return FRAMEPUMP_OK;
  Datagram* leave = take_command(how);
  if (leave == nullptr) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "close: the allocator returned null");
  slot->state = FRAMEPUMP_STATE_CLOSING;
  for (PeerGate& gate : slot->host->peers().all()) {
    if (gate.state != 0 && gate.state != FRAMEPUMP_STATE_CLOSED) gate.state = FRAMEPUMP_STATE_CLOSING;
  }
  give_command(*slot->host, *leave);
  return FRAMEPUMP_OK;
}

uint32_t Network::peer_info(framepump_handle handle, framepump_peer_info& info) {
  PeerPlace place;
  if (const uint32_t error = find_peer(handle, place); error != FRAMEPUMP_OK) return error;
  const PeerGate& gate = *place.gate;
  framepump_peer_info all = {};
  all.state = gate.state;
  all.rtt_us = int64_t{gate.rtt_ms.load(kRelaxed)} * 1000;
  all.jitter_us = int64_t{gate.jitter_ms.load(kRelaxed)} * 1000;
  all.received_messages = gate.received_messages.load(kRelaxed);
  all.received_bytes = gate.received_bytes.load(kRelaxed);
  all.sent_messages = gate.sent_messages.load(kRelaxed);
  all.sent_bytes = gate.sent_bytes.load(kRelaxed);
  all.unsent_bytes = gate.ledger.unsent_bytes.load(kRelaxed);
  all.waiting_bytes = gate.queued_bytes.load(kRelaxed);
  all.queue_drops = gate.queue_drops.load(kRelaxed);
  all.throttled = gate.ledger.throttled.load(kRelaxed);
  all.throttle_percent = gate.throttle_percent.load(kRelaxed);
  all.loss_permille = gate.loss_permille.load(kRelaxed);
  all.held = gate.is_held.load(kRelaxed) ? 1 : 0;
  if (gate.state == FRAMEPUMP_STATE_OPEN) all.channels = gate.channels;
  format_address(gate.address, all.address);
  fill(info, all);
  return FRAMEPUMP_OK;
}

uint32_t Network::host_info(framepump_handle handle, framepump_host_info& info) {
  Datagrams::HostSlot* slot = nullptr;
  if (const uint32_t error = find_host(handle, slot); error != FRAMEPUMP_OK) return error;
  EnetHost& host = *slot->host;
  const HostCounters& counters = host.counters();
  framepump_host_info all = {};
  all.priority = host.priority();
  all.peers = counters.connected.load(kRelaxed);
  all.peer_limit = host.options().peers;
  all.received_packets = counters.received_packets.load(kRelaxed);
  all.received_bytes = counters.received_bytes.load(kRelaxed);
  all.sent_packets = counters.sent_packets.load(kRelaxed);
  all.sent_bytes = counters.sent_bytes.load(kRelaxed);
  all.received_messages = counters.received_messages.load(kRelaxed);
  all.sent_messages = counters.sent_messages.load(kRelaxed);
  all.queue_drops = counters.queue_drops.load(kRelaxed);
  all.throttled = counters.throttled.load(kRelaxed);
  all.kernel_drops = counters.kernel_drops.load(kRelaxed);
  all.refused_peers = counters.refused_peers.load(kRelaxed);
  all.socket_errors = counters.socket_errors.load(kRelaxed);
  all.enet_allocations = counters.allocations.load(kRelaxed);
  all.tick_allocations = slot->tick_allocations;
  all.receive_buffer_bytes = host.granted_buffer_bytes();
  all.dwell_us = slot->dwell_us;
  all.dwell_max_us = slot->dwell_max_us;
  format_address(host.address(), all.address);
  fill(info, all);
  return FRAMEPUMP_OK;
}

}  // namespace framepump
