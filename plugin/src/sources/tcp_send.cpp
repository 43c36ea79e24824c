// SPDX-License-Identifier: MIT
//
// The sending side of a TCP stream, and connecting, whose outcome the poller reports as writability.
#include <algorithm>
#include <span>

#include "sources/tcp_stream.h"

namespace framepump {

Turn TcpStream::send_turn(const TurnContext& context) {
  if (state_ == State::finished || state_ == State::idle) return {.phase = Phase::send};
  if (state_ == State::connecting) return socket().is_open() ? continue_connect(context) : begin_connect(context);
  return write_from_queue(context);
}

Turn TcpStream::begin_connect(const TurnContext& context) {
  Turn turn = {.phase = Phase::send};
  const LiveSettings& settings = environment_.settings;
  StreamOptions options;
  options.no_delay = settings.no_delay.load(std::memory_order_relaxed);
  options.keepalive_s = settings.keepalive_s.load(std::memory_order_relaxed);
  options.dead_after_s = settings.dead_after_s.load(std::memory_order_relaxed);
  IoResult result = open_stream(gate.peer.family, options, socket());
  if (result.status != IoStatus::ok) return finish_turn(turn, reason_of(result.status), result.system_code);
  on_commands(kCommandPriority, context.now_us);
  result = start_connect(socket(), gate.peer);
  if (result.status != IoStatus::ok && result.status != IoStatus::would_block) {
    return finish_turn(turn, reason_of(result.status), result.system_code);
  }
  if (!start_polling()) return finish_turn(turn, FRAMEPUMP_REASON_SYSTEM, 0);
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

Turn TcpStream::on_connected(Turn turn, const TurnContext& context) {
  state_ = State::open;
  active_at_us_ = context.now_us;
  local_address(socket(), gate.local);
  sample_rtt(context.now_us);
  add<uint64_t>(environment_.counters.connects, 1);
  post(kNoticeConnected);
  environment_.pump.make_ready(receive_side());  // sets its timer, and the peer may have spoken first
  turn.outcome = Outcome::more;                 // what was written meanwhile
  return turn;
}

Turn TcpStream::write_from_queue(const TurnContext& context) {
  Turn turn = {.phase = Phase::send};
  ByteQueue& queue = gate.unsent;
  while (true) {
    const uint64_t limit = queue.arrived();
    if (limit == queue.consumed()) return on_all_sent(turn, context);
    if (turn.bytes >= context.quantum_bytes) break;
    std::span<const std::byte> runs[kMaxSendBuffers];
    const uint32_t run_count = queue.runs(limit, runs, environment_.pool);
    SendBuffer buffers[kMaxSendBuffers];
    uint64_t offered_bytes = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < run_count && turn.bytes + offered_bytes < context.quantum_bytes; ++i) {
      const uint64_t size_bytes = std::min<uint64_t>(runs[i].size(), context.quantum_bytes - turn.bytes - offered_bytes);
      buffers[count++] = {runs[i].data(), size_bytes};
      offered_bytes += size_bytes;
    }
    const IoResult result = send(socket(), std::span<const SendBuffer>(buffers, count));
    if (result.status == IoStatus::ok) {
      queue.consume(result.size_bytes, environment_.pool);
      turn.bytes += result.size_bytes;
      add(environment_.counters.sent_bytes, result.size_bytes);
      active_at_us_ = context.now_us;
      if (linger_until_us_ != kNever) {  // somebody still takes it
        linger_until_us_ = context.now_us + environment_.settings.linger_us.load(std::memory_order_relaxed);
      }
      if (result.size_bytes == offered_bytes) continue;
    }
    if (result.status != IoStatus::ok && result.status != IoStatus::would_block) {
      return finish_turn(turn, reason_of(result.status), result.system_code);
    }
    environment_.pump.poller().arm(socket(), static_cast<Pollable*>(this), kWritable);
    return turn;
  }
  turn.outcome = Outcome::more;
  return turn;
}

Turn TcpStream::on_all_sent(Turn turn, const TurnContext& context) {
  if (!shutdown_wanted_ || is_write_shut_) return turn;
  is_write_shut_ = true;
  framepump::shutdown_write(socket());
  if (peer_ended_) {
    return finish_turn(turn, is_closing_ ? FRAMEPUMP_REASON_CLOSED_HERE : FRAMEPUMP_REASON_CLOSED_BY_PEER, 0);
  }
  if (is_closing_) {
    linger_until_us_ = context.now_us + environment_.settings.linger_us.load(std::memory_order_relaxed);
    environment_.pump.make_ready(receive_side());
  }
  return turn;
}

}  // namespace framepump
