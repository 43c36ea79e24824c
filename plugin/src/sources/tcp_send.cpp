// SPDX-License-Identifier: MIT
//
// The sending side of a TCP stream, and connecting, whose outcome the poller reports as writability.
#include <algorithm>
#include <span>

#include "sources/tcp_stream.h"
#include "sources/tls_session.h"

namespace framepump {

Turn TcpStream::send_turn(const TurnContext& context) {
  if (state_ == State::finished || state_ == State::idle) return {.phase = Phase::send};
  if (state_ == State::connecting) {
    const TlsSession* session = tls();
    const bool is_handshaking = session != nullptr && session->is_handshaking();  // which has the other side's turns
    if (is_handshaking || connector() != nullptr) return {.phase = Phase::send};
    return socket().is_open() ? continue_connect(context) : begin_connect(context);
  }
  watch_peer(context.now_us);
  Turn turn = write_from_queue(context);
  turn.wake_at_us = watch_peer_at_us(context.now_us);
  return turn;
}

// Linux counts TCP_USER_TIMEOUT against a peer that lives and keeps its window closed because its gameplay is slow, and nobody is to be
// kicked for that. So while bytes are on their way, look four times per time-out: with the window closed and the peer answering probes
// the time-out is off.
void TcpStream::watch_peer(int64_t now_us) {
  const uint32_t dead_after_s = dead_after_s_;
  if (dead_after_s == 0) return;
  const uint32_t next_ms = milliseconds(now_us) + dead_after_s * 1000 / 4;
  if (!is_peer_watched_) {
    is_peer_watched_ = gate.unsent.arrived() != gate.unsent.consumed();
    watch_peer_at_ms_ = next_ms;
    return;
  }
  if (now_us < watch_peer_at_us(now_us)) return;
  const SendProgress progress = send_progress(socket());
  const bool is_closed = progress.in_flight_packets == 0 && progress.unsent_bytes > 0;
  constexpr uint32_t kProbesToDoubt = 2;
  const bool answers = progress.unanswered_probes < kProbesToDoubt || progress.since_answer_ms < dead_after_s * 1000;
  const bool spares = progress.is_known && is_closed && answers;
  if (spares != is_peer_spared_) set_dead_after(socket(), spares ? 0 : dead_after_s);
  is_peer_spared_ = spares;
  is_peer_watched_ = progress.is_known && (progress.in_flight_packets > 0 || progress.unsent_bytes > 0);
  watch_peer_at_ms_ = next_ms;
}

int64_t TcpStream::watch_peer_at_us(int64_t now_us) const {
  if (!is_peer_watched_) return kNever;
  return now_us + int64_t{static_cast<int32_t>(watch_peer_at_ms_ - milliseconds(now_us))} * 1000;
}

IoResult TcpStream::open_to(AddressFamily family, Socket& out) const {
  const LiveSettings& settings = environment_.settings;
  StreamOptions options;
  options.no_delay = settings.no_delay.load(std::memory_order_relaxed);
  options.keepalive_s = settings.keepalive_s.load(std::memory_order_relaxed);
  options.dead_after_s = settings.dead_after_s.load(std::memory_order_relaxed);
  const IoResult result = open_stream(family, options, out);
  if (result.status == IoStatus::ok && environment_.host.is_traced()) set_arrival_stamps(out);  // before the peer can send anything
  return result;
}

// With the socket's options as they are now; should one of them have changed since it was opened, that is for new streams.
void TcpStream::on_opened(int64_t now_us) {
  note_dead_after(environment_.settings.dead_after_s.load(std::memory_order_relaxed));
  has_stamps_ = environment_.host.is_traced();
  on_commands(kCommandPriority, now_us);
}

Turn TcpStream::begin_connect(const TurnContext& context) {
  Turn turn = {.phase = Phase::send};
  IoResult result = open_to(gate.peer.family, socket());
  if (result.status != IoStatus::ok) return finish_turn(turn, reason_of(result.status), result.system_code);
  on_opened(context.now_us);
  result = start_connect(socket(), gate.peer);
  if (result.status != IoStatus::ok && result.status != IoStatus::would_block) {
    return finish_turn(turn, reason_of(result.status), result.system_code);
  }
  if (!start_polling(kReadable | kWritable)) return finish_turn(turn, FRAMEPUMP_REASON_SYSTEM, 0);
  environment_.pump.set_timer(receive_side(), next_deadline_us());
  if (result.status == IoStatus::ok) return on_connected(turn, context);
  return turn;
}

Turn TcpStream::continue_connect(const TurnContext& context) {
  Turn turn = {.phase = Phase::send};
  const IoResult result = finish_connect(socket());
  if (result.status == IoStatus::ok) return on_connected(turn, context);
  if (result.status == IoStatus::would_block) {
    environment_.pump.poller().arm(socket(), static_cast<Pollable*>(this), kWritable);
    return turn;
  }
  const bool timed_out = result.status == IoStatus::timed_out;
  return finish_turn(turn, timed_out ? uint8_t{FRAMEPUMP_REASON_CONNECT_TIMED_OUT} : reason_of(result.status), result.system_code);
}

void TcpStream::take_connection(Socket connected, const SocketAddress& peer, const TurnContext& context) {
  end_connector();
  socket() = connected;
  gate.peer = peer;
  on_opened(context.now_us);
  if (!start_polling(kReadable | kWritable)) return finish(FRAMEPUMP_REASON_SYSTEM, 0);
  on_connected({}, context);
  if (state_ == State::open) environment_.pump.make_ready(send_side());
}

Turn TcpStream::on_connected(Turn turn, const TurnContext& context) {
  if (TlsSession* session = tls(); session != nullptr) {
    local_address(socket(), gate.local);
    begin_handshake(*session);
    environment_.pump.make_ready(receive_side());
    return turn;
  }
  state_ = State::open;
  active_at_us_ = context.now_us;
  local_address(socket(), gate.local);
  note_connected(context.now_us);
  post(kNoticeConnected);
  environment_.pump.make_ready(receive_side());  // sets its timer, and the peer may have spoken first
  turn.outcome = Outcome::more;                 // what was written meanwhile
  return turn;
}

void TcpStream::note_connected(int64_t now_us) {
  sample_rtt(now_us);
  add<uint64_t>(environment_.counters.connects, 1);
  if (!is_closing_) environment_.hot.welcome(hot_);
}

Turn TcpStream::write_from_queue(const TurnContext& context) {
  Turn turn = {.phase = Phase::send};
  waits_for_room_ = false;
  ByteQueue& queue = gate.unsent;
  TlsSession* const session = tls();
  // A record that waits for room must be offered whole.
  const uint64_t least_bytes = session == nullptr ? 0 : TlsSession::kRecordBytes;
  const uint64_t quantum_bytes = std::max(context.quantum_bytes, least_bytes);
  while (true) {
    const uint64_t limit = queue.arrived();
    if (limit == queue.consumed()) return on_all_sent(turn, context);
    if (turn.bytes >= quantum_bytes) break;
    std::span<const std::byte> runs[kMaxSendBuffers];
    const uint32_t run_count = queue.runs(limit, runs, environment_.pool);
    SendBuffer buffers[kMaxSendBuffers];
    uint64_t offered_bytes = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < run_count && turn.bytes + offered_bytes < quantum_bytes; ++i) {
      const uint64_t size_bytes = std::min<uint64_t>(runs[i].size(), quantum_bytes - turn.bytes - offered_bytes);
      buffers[count++] = {runs[i].data(), size_bytes};
      offered_bytes += size_bytes;
    }
    if (hot_.talk_turns > 0 && !is_in_crowd()) end_talk();  // whoever answers acknowledges with the answer: the kernel sees to that
    const std::span<const SendBuffer> offered(buffers, count);
    const IoResult result = session == nullptr ? send(socket(), offered) : session->send(socket(), offered, environment_.scratch);
    if (result.size_bytes > 0) {
      queue.consume(result.size_bytes, environment_.pool);
      turn.bytes += result.size_bytes;
      add(environment_.counters.sent_bytes, result.size_bytes);
      active_at_us_ = context.now_us;
      if (result.size_bytes == offered_bytes) continue;
    }
    if (result.status != IoStatus::ok && result.status != IoStatus::would_block) return fail_turn(turn, result);
    waits_for_room_ = session == nullptr;
    arm(session == nullptr ? uint32_t{kWritable} : sending_waits_for(*session));
    return turn;
  }
  turn.outcome = Outcome::more;
  return turn;
}

Turn TcpStream::on_all_sent(Turn turn, const TurnContext& context) {
  return shutdown_wanted_ && !is_write_shut_ ? end_sending(turn, context) : turn;
}

Turn TcpStream::end_sending(Turn turn, const TurnContext& context) {
  if (TlsSession* session = tls(); session != nullptr && session->send_end(socket()).status == IoStatus::would_block) {
    arm(sending_waits_for(*session));
    return turn;
  }
  is_write_shut_ = true;
  framepump::shutdown_write(socket());
  end_talk();
  if (peer_ended_) {
    return finish_turn(turn, is_closing_ ? FRAMEPUMP_REASON_CLOSED_HERE : FRAMEPUMP_REASON_CLOSED_BY_PEER, 0);
  }
  if (is_closing_) {
    active_at_us_ = context.now_us;  // from here the peer has stream.linger_ms to finish
    environment_.pump.make_ready(receive_side());
  }
  return turn;
}

}  // namespace framepump
