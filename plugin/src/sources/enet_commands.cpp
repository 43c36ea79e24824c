// SPDX-License-Identifier: MIT
//
// What gameplay asks of a datagram host, and what gameplay is done with. Nothing here knows ENet.
#ifndef FRAMEPUMP_WITHOUT_ENET
#include "gate/stream_gate.h"
#include "platform/prefetch.h"
#include "sources/enet_host.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Commands between two looks at the clock: at about 0.3 us each less than reading 256 datagrams costs.
constexpr uint32_t kCommandsPerTurn = 1024;
// How early a peer is asked for: with hundreds of them none is in the cache.
constexpr uint32_t kPeersAhead = 8;

}  // namespace

void EnetHost::on_commands(uint32_t bits, int64_t) {
  Pump& pump = environment_.pump;
  if ((bits & kCommandPriority) != 0 && host_ != nullptr) {
    pump.set_priority(receive_side(), wanted_priority_.load(kRelaxed));
    pump.set_priority(send_side(), wanted_priority_.load(kRelaxed));
  }
  if ((bits & kCommandOpen) != 0) {
    if (pump.poller().add(socket_, static_cast<Pollable*>(this), kReadable) == IoStatus::ok) {
      pump.make_ready(receive_side());
    } else {
      finish(FRAMEPUMP_REASON_SYSTEM);
    }
  }
  if ((bits & kCommandSend) != 0) {
    if (host_ != nullptr) {
      pump.make_ready(send_side());
    } else {
      drop_commands();
    }
  }
  if ((bits & kCommandRelease) == 0) return;
  take_back_messages();
  drop_commands();
  is_closed_.store(true, std::memory_order_release);
}

void EnetHost::on_ready(uint32_t readiness) {
  if ((readiness & kReadable) != 0) environment_.pump.make_ready(receive_side());
}

void EnetHost::on_tick() {
  if (has_peers_) environment_.pump.make_ready(receive_side());
}

// ---- to gameplay ----

// What gameplay has seen, of all hosts.
void EnetHost::take_back_messages() {
  Datagram* next = gate_.arrivals_done.take_all();
  Datagram* ahead = next;
  const auto prefetch_one = [&ahead] {
    if (ahead == nullptr) return;
    prefetch_to_write(ahead->host->peers_.at(ahead->peer), kCacheLineBytes);
    ahead = ahead->next;
  };
  for (uint32_t n = 0; n < kPeersAhead; ++n) prefetch_one();
  while (Datagram* done = next) {
    prefetch_one();
    next = done->next;
    EnetHost& host = *done->host;
    PeerGate* gate = host.peers_.at(done->peer);
    const bool is_of_this_life = gate != nullptr && gate->serial == done->serial;
    if (is_of_this_life && done->state.load(kRelaxed) == Datagram::State::dropped) {
      --gate->dropped;
    } else if (is_of_this_life) {
      note_done(*gate, *done);
      host.hold_or_release(*gate);
    }
    gate_.arrival_pool.put_back(*done);
  }
}

// ---- from gameplay ----

Turn EnetHost::send_turn(const TurnContext& context) {
  Turn turn = {.phase = Phase::send, .is_enet = true};
  Datagram* command = nullptr;
  for (uint32_t n = 0; n < kCommandsPerTurn && (command = next_command()) != nullptr; ++n) {
    carry_out(*command, context.now_us);
    gate_.commands_done.push(*command);
    if (host_ == nullptr) {  // that was the end
      turn.outcome = Outcome::closed;
      return turn;
    }
  }
  turn.bytes = flush_wire();
  if (command != nullptr) turn.outcome = Outcome::more;
  // Flushing may have ended a connection, and what was sent wants looking after.
  environment_.pump.set_timer(receive_side(), context.now_us + kBusyStepUs);
  chain_.hand_over(gate_.arrivals);
  return turn;
}

Datagram* EnetHost::next_command() {
  if (pending_commands_ == nullptr) pending_commands_ = commands_.take_all();
  Datagram* command = pending_commands_;
  if (command != nullptr) pending_commands_ = command->next;
  return command;
}

void EnetHost::drop_commands() {
  while (Datagram* command = next_command()) {
    if (command->packet != nullptr) destroy_packet(command->packet);
    gate_.commands_done.push(*command);
  }
}

void EnetHost::carry_out(Datagram& command, int64_t now_us) {
  switch (command.kind) {
    case DatagramKind::send:
      return send_message(command);
    case DatagramKind::broadcast:
      return send_to_all(command);
    case DatagramKind::connect:
      return start_connect(command);
    case DatagramKind::close_peer:
      if (PeerGate* gate = attached_peer(command)) close_peer(*gate);
      return;
    case DatagramKind::abort_peer:
      if (PeerGate* gate = attached_peer(command)) abort_peer(*gate);
      return;
    case DatagramKind::close_host:
      return begin_closing(now_us);
    case DatagramKind::abort_host:
      for (PeerGate& gate : peers_.all()) {
        if (gate.peer != nullptr) abort_peer(gate);
      }
      return finish(FRAMEPUMP_REASON_ABORTED_HERE);
    default:
      return;
  }
}

// Null: that connection is over, though gameplay may not know yet.
PeerGate* EnetHost::attached_peer(const Datagram& command) {
  PeerGate* gate = peers_.at(command.peer);
  const bool is_there = gate != nullptr && gate->peer != nullptr && gate->generation.load(kRelaxed) == command.serial;
  return is_there ? gate : nullptr;
}

void EnetHost::begin_closing(int64_t now_us) {
  is_closing_ = true;
  closing_until_us_ = now_us + environment_.settings.linger_us.load(kRelaxed);
  refuse_newcomers();
  for (PeerGate& gate : peers_.all()) {
    if (gate.peer != nullptr) close_peer(gate);
  }
  environment_.pump.make_ready(receive_side());
}

void EnetHost::count_sent(PeerGate& gate, uint64_t size_bytes, uint64_t pieces) {
  add<uint64_t>(gate.sent_messages, 1);
  add<uint64_t>(gate.sent_bytes, size_bytes);
  add<uint64_t>(counters_.sent_messages, 1);
  add<uint64_t>(counters_.allocations, pieces);  // a command for each
}

}  // namespace framepump
#endif
