// SPDX-License-Identifier: MIT
//
// The one file that knows ENet. What is said of it here was read in and tried on 1.3.17.
#ifndef FRAMEPUMP_WITHOUT_ENET  // then sources/enet_absent.cpp
#include "sources/enet_host.h"

#include <enet/enet.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "framepump/framepump_datagram.h"
#include "platform/clock.h"
#include "platform/datagram_socket.h"
#include "platform/loaded_object.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Pings go out twice a second.
constexpr int64_t kIdleStepUs = 50'000;
constexpr int64_t kFiguresStepUs = 100'000;
// After a gap like this, what peers have answered meanwhile still waits in the socket: service looks at the clock before it
// reads.
constexpr int64_t kOwnStallUs = 250'000;
// What was lost in a stall has to be resent and answered before a peer may be blamed.
constexpr int64_t kForgiveUs = 500'000;
// More than any peer's waiting data: with that on its account ENet takes nothing more from it, and acknowledges nothing.
constexpr size_t kHold = SIZE_MAX / 2;
// Messages that have begun to arrive when an earlier one is missing: ENet's window for one peer, and the overhead of many small.
constexpr size_t kWindowBytes = 2 * ENET_PROTOCOL_MAXIMUM_WINDOW_SIZE;

PeerGate* gate_of(const ENetPeer& peer) { return static_cast<PeerGate*>(peer.data); }
ENetPeer* peer_of(const PeerGate& gate) { return static_cast<ENetPeer*>(gate.peer); }
std::span<ENetPeer> peers_of(ENetHost& host) { return {host.peers, host.peerCount}; }

// ENet's addresses hold the host in network byte order.
ENetAddress to_enet(const SocketAddress& address) {
  ENetAddress out = {ENET_HOST_ANY, address.port};
  if (address.family == AddressFamily::ipv4) std::memcpy(&out.host, address.bytes, sizeof(out.host));
  return out;
}

SocketAddress from_enet(const ENetAddress& address) {
  SocketAddress out;
  out.family = AddressFamily::ipv4;
  out.port = address.port;
  std::memcpy(out.bytes, &address.host, sizeof(address.host));
  return out;
}

// Without UNRELIABLE_FRAGMENT a message above the MTU would travel as reliable pieces.
uint32_t flags_of(uint32_t delivery) {
  if (delivery == FRAMEPUMP_RELIABLE) return ENET_PACKET_FLAG_RELIABLE;
  const uint32_t unsequenced = delivery == FRAMEPUMP_UNSEQUENCED ? uint32_t{ENET_PACKET_FLAG_UNSEQUENCED} : 0;
  return unsequenced | ENET_PACKET_FLAG_UNRELIABLE_FRAGMENT;
}

uint8_t delivery_of(const ENetPacket& packet) {
  if ((packet.flags & ENET_PACKET_FLAG_RELIABLE) != 0) return FRAMEPUMP_RELIABLE;
  return (packet.flags & ENET_PACKET_FLAG_UNSEQUENCED) != 0 ? FRAMEPUMP_UNSEQUENCED : FRAMEPUMP_UNRELIABLE;
}

// Commands that ENet makes of a message: one, or one for each piece.
uint64_t pieces_of(const ENetPeer& peer, uint64_t size_bytes) {
  const uint64_t piece_bytes = peer.mtu - sizeof(ENetProtocolHeader) - sizeof(ENetProtocolSendFragment);
  return std::max<uint64_t>((size_bytes + piece_bytes - 1) / piece_bytes, 1);
}

void ENET_CALLBACK on_packet_done(ENetPacket* packet) {
  SendLedger& ledger = *static_cast<SendLedger*>(packet->userData);
  ledger.unsent_bytes.fetch_sub(packet->dataLength + kMessageOverheadBytes, kRelaxed);
  constexpr uint32_t kDone = ENET_PACKET_FLAG_RELIABLE | ENET_PACKET_FLAG_SENT;
  if ((packet->flags & kDone) != 0) return;
  ledger.throttled.fetch_add(1, kRelaxed);
  ledger.throttled_sum->fetch_add(1, kRelaxed);
}

}  // namespace

void* make_packet(const void* bytes, uint64_t size_bytes, uint32_t delivery, SendLedger& ledger) {
  ENetPacket* packet = enet_packet_create(bytes, size_bytes, flags_of(delivery));
  if (packet == nullptr) return nullptr;
  packet->userData = &ledger;
  packet->freeCallback = on_packet_done;
  ledger.unsent_bytes.fetch_add(size_bytes + kMessageOverheadBytes, kRelaxed);
  return packet;
}

void destroy_packet(void* packet) {
  if (packet == nullptr) return;
  ENetPacket* ours = static_cast<ENetPacket*>(packet);
  ours->flags |= ENET_PACKET_FLAG_SENT;  // it was not the throttle
  enet_packet_destroy(ours);
}

// An executable that exports ENet's names takes the place of the library, whatever the plugin was loaded with.
bool check_enet_origin(std::span<char> text) {
  const void* const functions[] = {
      reinterpret_cast<const void*>(&enet_initialize),      reinterpret_cast<const void*>(&enet_linked_version),
      reinterpret_cast<const void*>(&enet_time_get),        reinterpret_cast<const void*>(&enet_host_create),
      reinterpret_cast<const void*>(&enet_host_destroy),    reinterpret_cast<const void*>(&enet_host_service),
      reinterpret_cast<const void*>(&enet_host_flush),      reinterpret_cast<const void*>(&enet_host_check_events),
      reinterpret_cast<const void*>(&enet_host_connect),    reinterpret_cast<const void*>(&enet_host_broadcast),
      reinterpret_cast<const void*>(&enet_packet_create),   reinterpret_cast<const void*>(&enet_packet_destroy),
      reinterpret_cast<const void*>(&enet_peer_send),       reinterpret_cast<const void*>(&enet_peer_timeout),
      reinterpret_cast<const void*>(&enet_peer_disconnect), reinterpret_cast<const void*>(&enet_peer_disconnect_now),
      reinterpret_cast<const void*>(&enet_peer_disconnect_later),
  };
  const CodeOrigin origin = find_code_origin(functions, "libenet");
  if (origin.is_foreign) {
    std::snprintf(text.data(), text.size(),
                  "ENet's functions come from %s instead of %s: that file must not export its own copy (enet_* symbols)",
                  origin.found, origin.expected);
    return false;
  }
  const ENetVersion linked = enet_linked_version();
  if (ENET_VERSION_GET_MAJOR(linked) == ENET_VERSION_MAJOR && ENET_VERSION_GET_MINOR(linked) == ENET_VERSION_MINOR) return true;
  std::snprintf(text.data(), text.size(), "ENet in %s is version %u.%u, wanted is %d.%d", origin.found,
                static_cast<unsigned>(ENET_VERSION_GET_MAJOR(linked)), static_cast<unsigned>(ENET_VERSION_GET_MINOR(linked)),
                ENET_VERSION_MAJOR, ENET_VERSION_MINOR);
  return false;
}

// ---- life ----

EnetHost::EnetHost(Environment& environment, DatagramGate& gate)
    : environment_(environment), gate_(gate), peers_(environment.host) {}

// The network is being destroyed. Peers learn of it, as those of a stream do from the kernel.
EnetHost::~EnetHost() {
  drop_commands();
  if (host_ == nullptr) return;
  for (ENetPeer& peer : peers_of(*host_)) enet_peer_disconnect_now(&peer, 0);
  enet_host_destroy(host_);
}

IoResult EnetHost::open(const EnetOptions& options, framepump_handle handle) {
  static const int initialized = enet_initialize();
  const uint32_t slots = std::min<uint32_t>(options.peers * 2, 4096);  // a place is taken until gameplay has heard of the end
  if (initialized != 0 || !peers_.open(slots)) return {IoStatus::out_of_memory, 0, 0};
  const ENetAddress address = to_enet(options.address);
  host_ = enet_host_create(&address, options.peers, options.channels, 0, 0);
  if (host_ == nullptr) return last_failure();
  host_->duplicatePeers = options.peers_per_address != 0 ? options.peers_per_address : size_t{ENET_PROTOCOL_MAXIMUM_PEER_ID};
  host_->intercept = before_datagram;
  host_->maximumPacketSize = options.message_limit_bytes;
  // What has begun to arrive must be able to end, however much it is; gameplay's queue has its own limit.
  host_->maximumWaitingData = 2 * options.message_limit_bytes + kWindowBytes;
  for (PeerGate& gate : peers_.all()) gate.ledger.throttled_sum = &counters_.throttled;
  broadcast_ledger_.throttled_sum = &counters_.throttled;
  options_ = options;
  socket_ = Socket{host_->socket};
  keep_from_children(socket_);
  granted_buffer_bytes_ = set_receive_buffer(socket_, options.receive_buffer_bytes);
  local_address(socket_, address_);
  ReceiveSource::set_handle(handle);
  SendSource::set_handle(handle);
  empty_at_us_ = serviced_at_us_ = monotonic_us();
  forgiving_until_us_ = 0;
  closing_until_us_ = kNever;
  is_closing_ = has_peers_ = false;
  seen_drops_ = 0;
  counters_.reset();
  is_closed_.store(false, kRelaxed);
  return {};
}

void EnetHost::cancel_open() {
  enet_host_destroy(host_);
  host_ = nullptr;
  is_closed_.store(true, kRelaxed);
}

void EnetHost::attach(PeerGate& gate, _ENetPeer& peer) {
  peer.data = &gate;
  gate.peer = &peer;
  gate.serial = next_serial_++;
  if (gate.serial == 0) gate.serial = next_serial_++;
  gate.queued_bytes.store(0, kRelaxed);
  gate.dropped = 0;
  gate.first_droppable = gate.last_droppable = nullptr;
  gate.is_held.store(false, kRelaxed);
  set_time_out(peer);
  has_peers_ = true;
}

void EnetHost::set_time_out(_ENetPeer& peer) {
  const enet_uint32 timeout_ms = static_cast<enet_uint32>(environment_.settings.datagram_timeout_ms.load(kRelaxed));
  enet_peer_timeout(&peer, ENET_PEER_TIMEOUT_LIMIT, timeout_ms, timeout_ms);
}

void EnetHost::finish_peer(PeerGate& gate, uint8_t reason, uint32_t data) {
  if (gate.peer != nullptr) peer_of(gate)->data = nullptr;
  gate.peer = nullptr;
  gate.serial = 0;
  gate.is_held.store(false, kRelaxed);
  gate.reason = reason;
  gate.closed.value = data;
  tell(gate.closed, DatagramKind::peer_closed, &gate);
}

bool EnetHost::has_live_peers() const {
  return std::ranges::any_of(peers_of(*host_), [](const ENetPeer& peer) { return peer.state != ENET_PEER_STATE_DISCONNECTED; });
}

// True: the host has closed. Peers that do not answer are not waited for longer than streams are.
bool EnetHost::check_closing(int64_t now_us) {
  if (!is_closing_ || (has_live_peers() && now_us < closing_until_us_)) return false;
  for (PeerGate& gate : peers_.all()) {
    if (gate.peer == nullptr) continue;
    enet_peer_disconnect_now(peer_of(gate), 0);
    finish_peer(gate, FRAMEPUMP_REASON_CLOSED_HERE, 0);
  }
  finish(FRAMEPUMP_REASON_CLOSED_HERE);
  return true;
}

void EnetHost::finish(uint8_t reason) {
  Pump& pump = environment_.pump;
  pump.forget(receive_side());
  pump.forget(send_side());
  pump.poller().remove(socket_, static_cast<Pollable*>(this));
  enet_host_destroy(host_);
  host_ = nullptr;
  socket_ = {};
  has_peers_ = false;
  counters_.connected.store(0, kRelaxed);
  drop_commands();
  environment_.descriptor_waiters.wake_all();
  closed_.value = reason;
  tell(closed_, DatagramKind::host_closed, nullptr);
  chain_.hand_over(gate_.arrivals);
}

// ---- receiving ----

// With nothing queued in ENet, service reads on until a connection begins or ends, or 256 datagrams were read: so a new peer's
// first messages, which ENet refuses until its beginning was passed on, find it begun.
Turn EnetHost::receive_turn(const TurnContext& context) {
  Turn turn = {.is_enet = true};
  const int64_t now_us = monotonic_us();
  events_left_ = kEventsPerTurn;
  take_back_messages();
  forgive_own_stall(now_us);
  bool is_all_passed_on = pass_events_on();
  bool is_input_left = true;
  if (is_all_passed_on) {
    const bool is_cut_short = service();
    serviced_at_us_ = now_us;
    is_all_passed_on = pass_events_on();
    is_input_left = is_cut_short || has_input(socket_);
  }
  hold_full_peers();
  if (!is_input_left) {
    empty_at_us_ = now_us;
    end_forgiveness(now_us);
    environment_.pump.poller().arm(socket_, static_cast<Pollable*>(this), kReadable);
  }
  turn.bytes = count_traffic().received_bytes;
  renew_figures(now_us);
  if (check_closing(context.now_us)) {
    turn.outcome = Outcome::closed;
    return turn;
  }
  const bool has_memory = gate_.arrival_pool.has_two();
  if (has_memory && (is_input_left || !is_all_passed_on)) turn.outcome = Outcome::more;
  chain_.hand_over(gate_.arrivals);
  if (turn.outcome == Outcome::more) return turn;
  // To look at all peers for it is dear, and the next tick comes here anyway; whoever pumps before that finds out the first time.
  const bool is_looked_after = has_peers_ && context.tick_serial != 0;
  const int64_t step_us = has_memory && !is_looked_after ? wake_step_us() : kBusyStepUs;
  if (step_us != kNever) turn.wake_at_us = context.now_us + step_us;
  return turn;
}

// The event of a service call, which ENet hands to before_datagram.
struct EnetHost::ServiceCall : ENetEvent {
  EnetHost* self = nullptr;
};

// True: it stopped in the middle for a connection's beginning or end, and has more to do. It also stops for errors: a datagram
// larger than any of ENet's, or a send that failed; the next call goes on behind it.
bool EnetHost::service() {
  ServiceCall event = {};
  event.self = this;
  const enet_uint32 packets_before = host_->totalReceivedPackets;
  const int result = enet_host_service(host_, &event, 0);
  const bool is_cut_short = result > 0 && event.type != ENET_EVENT_TYPE_RECEIVE;
  if (result < 0) add<uint64_t>(counters_.socket_errors, 1);
  if (result > 0) {
    // Only a look at the clock ends a connection before anything is read.
    const bool is_time_out = event.type == ENET_EVENT_TYPE_DISCONNECT && host_->totalReceivedPackets == packets_before;
    pass_on(event, is_time_out ? Cause::timed_out : Cause::peer);
  }
  // Its acknowledgements are left. A connection ends with that of its disconnect, and if the next call sent it before reading
  // anything, it would look like a time-out.
  if (is_cut_short || result < 0) enet_host_flush(host_);
  return is_cut_short;
}

// ENet shows every datagram before it reads it. What the one before brought is passed on now: its peer and packet are in the cache, and
// malloc is given back what it is asked for next. After up to 256 datagrams neither holds, and a message costs a tenth more (measured).
int EnetHost::before_datagram(_ENetHost*, _ENetEvent* event) {
  static_cast<ServiceCall*>(event)->self->pass_events_on();
  return 0;  // ENet reads it
}

// False: some are left, for lack of a turn or of memory.
bool EnetHost::pass_events_on() {
  ENetEvent event = {};
  for (; events_left_ > 0; --events_left_) {
    if (!gate_.arrival_pool.has_two()) return false;  // service may hand out one more
    if (enet_host_check_events(host_, &event) <= 0) return true;
    pass_on(event, Cause::peer);
  }
  return false;
}

void EnetHost::pass_on(const _ENetEvent& event, Cause cause) {
  PeerGate* gate = gate_of(*event.peer);
  if (event.type == ENET_EVENT_TYPE_CONNECT) return meet(*event.peer, event.data);
  if (event.type == ENET_EVENT_TYPE_RECEIVE) {
    if (gate != nullptr && !gate->is_closing) return pass_message_on(*gate, event);
    enet_packet_destroy(event.packet);
    return;
  }
  if (gate == nullptr) return;
  const bool is_time_out = cause == Cause::timed_out;
  uint8_t reason = is_time_out ? FRAMEPUMP_REASON_TIMED_OUT : FRAMEPUMP_REASON_CLOSED_BY_PEER;
  if (!gate->is_announced) reason = is_time_out ? FRAMEPUMP_REASON_CONNECT_TIMED_OUT : FRAMEPUMP_REASON_REFUSED;
  if (gate->was_held) reason = FRAMEPUMP_REASON_OVERLOADED;
  if (gate->is_closing) reason = FRAMEPUMP_REASON_CLOSED_HERE;
  finish_peer(*gate, reason, event.data);
}

void EnetHost::meet(_ENetPeer& peer, uint32_t data) {
  PeerGate* gate = gate_of(peer);
  const bool is_ours = gate != nullptr;
  if (!is_ours) {
    gate = is_closing_ ? nullptr : peers_.take();
    if (gate == nullptr) {
      add<uint64_t>(counters_.refused_peers, 1);
      return enet_peer_disconnect_now(&peer, 0);
    }
    gate->address = from_enet(peer.address);
    gate->user_data = user_data();
    attach(*gate, peer);
  }
  gate->channels = static_cast<uint32_t>(peer.channelCount);
  gate->is_announced = true;
  gate->opened.value = data;
  tell(gate->opened, is_ours ? DatagramKind::connected : DatagramKind::accepted, gate);
}

void EnetHost::count_queue_drop(PeerGate& gate) {
  add<uint64_t>(gate.queue_drops, 1);
  add<uint64_t>(counters_.queue_drops, 1);
}

void EnetHost::pass_message_on(PeerGate& gate, const _ENetEvent& event) {
  ENetPacket& packet = *event.packet;
  const uint64_t charged_bytes = packet.dataLength + kMessageOverheadBytes;
  const uint8_t delivery = delivery_of(packet);
  while (gate.queued_bytes.load(kRelaxed) + charged_bytes > options_.queue_limit_bytes) {
    // A dropped message leaves its Datagram on the way to gameplay. While that does not tick, they must not become ever more.
    if (gate.dropped >= options_.queue_limit_bytes / kMessageOverheadBytes && delivery != FRAMEPUMP_RELIABLE) {
      enet_packet_destroy(&packet);
      return count_queue_drop(gate);
    }
    Datagram* dropped = drop_oldest(gate);
    if (dropped == nullptr) break;
    if (dropped->packet != nullptr) enet_packet_destroy(static_cast<ENetPacket*>(dropped->packet));
    count_queue_drop(gate);
  }
  Datagram& message = *gate_.arrival_pool.take();
  message.size_bytes = static_cast<uint32_t>(packet.dataLength);
  message.serial = gate.serial;
  message.channel = event.channelID;
  message.delivery = delivery;
  message.since_us = empty_at_us_;
  tell(message, DatagramKind::message, &gate);
  note_queued(gate, message);
  gate.was_held = gate.is_held.load(kRelaxed);
  is_one_full_ |= gate.queued_bytes.load(kRelaxed) >= options_.queue_limit_bytes;
  add<uint64_t>(gate.received_messages, 1);
  add<uint64_t>(gate.received_bytes, packet.dataLength);
  add<uint64_t>(counters_.received_messages, 1);
  // To ask the peer for its MTU is to wait for memory, so most do without.
  const bool came_in_pieces = packet.dataLength > ENET_PROTOCOL_MINIMUM_MTU && packet.dataLength > event.peer->mtu;
  const uint64_t extra = (delivery == FRAMEPUMP_RELIABLE ? 1u : 0u) + (came_in_pieces ? 1u : 0u);
  add<uint64_t>(counters_.allocations, 3 + extra);
  keep_payload(message, packet);
}

// The packet is the message's from now on, or gone.
void EnetHost::keep_payload(Datagram& message, _ENetPacket& packet) {
  if (packet.dataLength > Datagram::kSmallBytes) {
    message.packet = &packet;
    message.payload = packet.data;
    return;
  }
  if (packet.dataLength > 0) {
    std::memcpy(message.small, packet.data, packet.dataLength);
    message.payload = message.small;
  }
  enet_packet_destroy(&packet);
}

// Only between service calls: what is refused in the middle of a window is sent again so late that little else gets through.
void EnetHost::hold_full_peers() {
  if (!std::exchange(is_one_full_, false)) return;
  for (ENetPeer& peer : peers_of(*host_)) {
    if (PeerGate* gate = gate_of(peer)) hold_or_release(*gate);
  }
}

// ENet itself then refuses what the peer sends, without an acknowledgement; pings it still answers, so the connection lives.
void EnetHost::hold_or_release(PeerGate& gate) {
  const bool is_full = gate.queued_bytes.load(kRelaxed) >= options_.queue_limit_bytes;
  if (is_full == gate.is_held.load(kRelaxed) || gate.peer == nullptr) return;
  ENetPeer& peer = *peer_of(gate);
  peer.totalWaitingData = is_full ? peer.totalWaitingData + kHold : peer.totalWaitingData - kHold;
  gate.is_held.store(is_full, kRelaxed);
  if (is_full) gate.was_held = true;
}

void EnetHost::forgive_own_stall(int64_t now_us) {
  if (now_us - serviced_at_us_ < kOwnStallUs || !has_peers_) return;
  constexpr enet_uint32 kNotNowMs = 3'600'000;
  for (ENetPeer& peer : peers_of(*host_)) {
    if (peer.data != nullptr) enet_peer_timeout(&peer, ENET_PEER_TIMEOUT_LIMIT, kNotNowMs, kNotNowMs);
  }
  forgiving_until_us_ = now_us + kForgiveUs;
}

void EnetHost::end_forgiveness(int64_t now_us) {
  if (forgiving_until_us_ == 0 || now_us < forgiving_until_us_) return;
  forgiving_until_us_ = 0;
  for (ENetPeer& peer : peers_of(*host_)) {
    if (peer.data != nullptr) set_time_out(peer);
  }
}

int64_t EnetHost::wake_step_us() const {
  int64_t step_us = kNever;
  for (const ENetPeer& peer : peers_of(*host_)) {
    if (peer.state == ENET_PEER_STATE_DISCONNECTED) continue;
    step_us = kIdleStepUs;
    ENetPeer& lists = const_cast<ENetPeer&>(peer);  // the macros know no const
    if (!enet_list_empty(&lists.sentReliableCommands) || !enet_list_empty(&lists.outgoingCommands)) return kBusyStepUs;
  }
  return step_us;
}

// ENet's sums have 32 bits, and may be set back.
EnetHost::Traffic EnetHost::count_traffic() {
  const Traffic traffic = {host_->totalReceivedData, host_->totalSentData};
  add<uint64_t>(counters_.received_bytes, host_->totalReceivedData);
  add<uint64_t>(counters_.received_packets, host_->totalReceivedPackets);
  add<uint64_t>(counters_.sent_bytes, host_->totalSentData);
  add<uint64_t>(counters_.sent_packets, host_->totalSentPackets);
  add<uint64_t>(environment_.counters.received_bytes, host_->totalReceivedData);
  add<uint64_t>(environment_.counters.sent_bytes, host_->totalSentData);
  host_->totalReceivedData = host_->totalReceivedPackets = host_->totalSentData = host_->totalSentPackets = 0;
  return traffic;
}

void EnetHost::renew_figures(int64_t now_us) {
  if (now_us - figures_at_us_ < kFiguresStepUs) return;
  figures_at_us_ = now_us;
  const uint32_t drops = dropped_datagrams(socket_);
  add<uint64_t>(counters_.kernel_drops, drops - seen_drops_);
  seen_drops_ = drops;
  counters_.connected.store(static_cast<uint32_t>(host_->connectedPeers), kRelaxed);
  has_peers_ = has_live_peers();
  for (const ENetPeer& peer : peers_of(*host_)) {
    if (peer.data == nullptr) continue;
    PeerGate& gate = *gate_of(peer);
    gate.rtt_ms.store(peer.roundTripTime, kRelaxed);
    gate.jitter_ms.store(peer.roundTripTimeVariance, kRelaxed);
    gate.throttle_percent.store(peer.packetThrottle * 100 / ENET_PEER_PACKET_THROTTLE_SCALE, kRelaxed);
    gate.loss_permille.store(static_cast<uint32_t>(uint64_t{peer.packetLoss} * 1000 / ENET_PEER_PACKET_LOSS_SCALE), kRelaxed);
  }
}

// ---- sending ----

uint64_t EnetHost::flush_wire() {
  enet_host_flush(host_);
  return count_traffic().sent_bytes;
}

void EnetHost::send_message(const Datagram& command) {
  ENetPacket* packet = static_cast<ENetPacket*>(command.packet);
  PeerGate* gate = attached_peer(command);
  add<uint64_t>(counters_.allocations, 2);  // the packet and its bytes
  if (gate == nullptr || enet_peer_send(peer_of(*gate), command.channel, packet) != 0) return destroy_packet(packet);
  count_sent(*gate, packet->dataLength, pieces_of(*peer_of(*gate), packet->dataLength));
}

void EnetHost::send_to_all(const Datagram& command) {
  ENetPacket* packet = static_cast<ENetPacket*>(command.packet);
  add<uint64_t>(counters_.allocations, 2);
  for (ENetPeer& peer : peers_of(*host_)) {
    PeerGate* gate = gate_of(peer);
    if (gate == nullptr || enet_peer_send(&peer, command.channel, packet) != 0) continue;
    count_sent(*gate, packet->dataLength, pieces_of(peer, packet->dataLength));
  }
  if (packet->referenceCount == 0) destroy_packet(packet);
}

void EnetHost::refuse_newcomers() { host_->duplicatePeers = 0; }

void EnetHost::start_connect(const Datagram& command) {
  PeerGate& gate = *peers_.at(command.peer);
  const ENetAddress address = to_enet(gate.address);
  ENetPeer* peer = is_closing_ ? nullptr : enet_host_connect(host_, &address, options_.channels, command.value);
  if (peer == nullptr) return finish_peer(gate, FRAMEPUMP_REASON_SYSTEM, 0);
  attach(gate, *peer);
  environment_.pump.make_ready(receive_side());
}

// What gameplay sent before still arrives; what the peer sends from now on is thrown away.
void EnetHost::close_peer(PeerGate& gate) {
  ENetPeer& peer = *peer_of(gate);
  gate.is_closing = true;
  enet_peer_disconnect_later(&peer, 0);
  const bool was_no_connection = peer.state == ENET_PEER_STATE_DISCONNECTED;
  if (was_no_connection) finish_peer(gate, FRAMEPUMP_REASON_CLOSED_HERE, 0);
}

void EnetHost::abort_peer(PeerGate& gate) {
  enet_peer_disconnect_now(peer_of(gate), 0);
  finish_peer(gate, FRAMEPUMP_REASON_ABORTED_HERE, 0);
}

}  // namespace framepump
#endif
