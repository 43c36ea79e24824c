// SPDX-License-Identifier: MIT
//
// The receiving side of a TCP stream.
#include <algorithm>
#include <span>
#include <utility>

#include "platform/clock.h"
#include "platform/prefetch.h"
#include "sources/stream_extension.h"
#include "sources/tcp_stream.h"
#include "sources/tls_session.h"

namespace framepump {
namespace {

constexpr int64_t kLookForResetUs = 1'000'000;
constexpr uint32_t kRttSampleMs = 500;  // at most; a getsockopt takes 1 to 2 us

// The acknowledgement rule.
constexpr uint64_t kTalkBytes = 1'024;      // less than a full segment, mostly
constexpr uint8_t kTalkTurns = 16;          // by then the kernel has given the quick acknowledgements that a new connection begins with
constexpr uint8_t kAskAgainTurns = 32;      // a burst that the kernel acknowledged by itself turns the quick ones on again
constexpr uint32_t kCrowd = 64;             // open streams: with fewer there is little to save
constexpr int64_t kAckMayBeOutUs = 20'000;  // the timer's 40 ms run from the arrival, which was up to a frame before the turn

}  // namespace

Turn TcpStream::receive_turn(const TurnContext& context) {
  if (state_ == State::finished || state_ == State::idle) return {};
  if (state_ == State::connecting) return connecting_turn(context);
  if (is_closing_) return discard_input(context);
  return peer_ended_ ? look_for_reset(context) : read_into_queue(context);
}

// A plain stream's timer brings it here.
Turn TcpStream::connecting_turn(const TurnContext& context) {
  TlsSession* const session = tls();
  if (session != nullptr && session->is_handshaking()) return handshake_turn(*session, context);
  Turn turn;
  watch_deadlines(turn, context.now_us);
  return turn;
}

// After its end of stream the peer can still reset the connection, or die. epoll announces it; for poll(), whose levels say "readable" all
// the time then, it is looked up now and then.
Turn TcpStream::look_for_reset(const TurnContext& context) {
  Turn turn;
  const IoResult result = pending_error(socket());
  if (result.status != IoStatus::ok) return finish_turn(turn, reason_of(result.status), result.system_code);
  if (check_deadlines(context.now_us)) turn.outcome = Outcome::closed;
  turn.wake_at_us = std::min(next_deadline_us(), context.now_us + kLookForResetUs);
  return turn;
}

Turn TcpStream::read_into_queue(const TurnContext& context) {
  Turn turn;
  int64_t first_arrival_ns = 0;
  bool may_retry = true;
  TlsSession* const session = tls();
  ArrivalLog* const log = arrivals();
  const bool is_watched = log != nullptr || gate.watched_turns.load(std::memory_order_relaxed) > 0;
  if (is_watched && !has_stamps_) {
    set_arrival_stamps(socket());
    has_stamps_ = true;
  }
  delay_ack(context.now_us);
  while (true) {
    // A block holds a little less than 64 KiB, so the last few bytes of a quantum would cost a system call of their own.
    if (turn.bytes > context.quantum_bytes - context.quantum_bytes / 32) {
      turn.outcome = Outcome::more;
      break;
    }
    uint64_t offered_bytes = 0;
    int64_t arrival_ns = 0;
    int64_t* const stamp = log != nullptr || (is_watched && turn.bytes == 0) ? &arrival_ns : nullptr;
    const IoResult result = read_once({session, log}, context.quantum_bytes - turn.bytes, offered_bytes, stamp);
    if (turn.bytes == 0) first_arrival_ns = arrival_ns;
    if (offered_bytes == 0) {
      block_receiving();
      // Gameplay may have made room before it could see the mark, and would then not say so: look once more.
      if (std::exchange(may_retry, false)) continue;
      turn.outcome = Outcome::blocked;
      break;
    }
    unblock_receiving();
    if (result.size_bytes > 0) {
      turn.bytes += result.size_bytes;
      is_bulky_ = turn.bytes >= kSmallPayloadBytes;
    }
    if (session != nullptr && result.status == IoStatus::ok && result.size_bytes < offered_bytes) {
      turn.outcome = Outcome::more;
      break;
    }
    if (result.size_bytes > 0) {
      const bool may_be_more = result.size_bytes == offered_bytes || end_is_announced_ || hot_.index != HotMember::kCold;
      if (result.status == IoStatus::ok && may_be_more) continue;  // with TLS a result can have bytes and say what came after them
    }
    // A short read is as good as EWOULDBLOCK: whatever comes later, even the end of the stream, is a new edge. Not so for an end that was
    // announced already, nor while a mark holds edges back.
    if (turn.bytes > 0) on_received(turn.bytes, first_arrival_ns, context);
    if (result.status == IoStatus::end_of_stream) return on_peer_end(turn, context);
    if (result.status != IoStatus::ok && result.status != IoStatus::would_block) return fail_turn(turn, result);
    arm(session == nullptr ? uint32_t{kReadable} : receiving_waits_for(*session));
    watch_deadlines(turn, context.now_us);
    return turn;
  }
  if (turn.bytes > 0) on_received(turn.bytes, first_arrival_ns, context);
  watch_deadlines(turn, context.now_us);
  return turn;
}

// One system call into the rest of the last block and, where that is not enough, fresh ones. `offered_bytes` 0: there is no room.
// `arrival_ns` null: nobody asks when it came.
IoResult TcpStream::read_once(const Extras& extras, uint64_t wanted_bytes, uint64_t& offered_bytes, int64_t* arrival_ns) {
  ByteQueue& queue = gate.received;
  const uint64_t queued_bytes = queue.queued_bytes();
  wanted_bytes = std::min(wanted_bytes, receive_room(queued_bytes));
  if (wanted_bytes == 0) return {};
  if (queued_bytes == 0) queue.rewind();
  const ReadSpace space = find_space(queued_bytes, wanted_bytes);
  if (space.count == 0) return {};
  offered_bytes = space.offered_bytes;
  const std::span<const ReceiveBuffer> buffers(space.buffers, space.count);
  TlsSession* const session = extras.session;
  const IoResult result = session != nullptr      ? session->receive(socket(), buffers, arrival_ns)
                          : arrival_ns == nullptr ? receive(socket(), buffers)
                                                  : receive_stamped(socket(), buffers, *arrival_ns);
  if (extras.log != nullptr && result.size_bytes > 0) {
    // TLS reads the socket several times for one result, and may have had bytes in its buffer.
    const bool is_exact = session != nullptr ? session->is_newest_arrival_exact() : result.size_bytes < offered_bytes;
    int64_t newest_ns = session != nullptr ? session->newest_arrival_ns() : *arrival_ns;
    const uint32_t stamped = newest_ns != 0 ? FRAMEPUMP_ARRIVAL_STAMPED : 0;
    if (newest_ns == 0) newest_ns = realtime_ns();
    if (*arrival_ns == 0) *arrival_ns = newest_ns;
    extras.log->note(queue.produced(), queue.produced() + result.size_bytes, newest_ns, (is_exact ? FRAMEPUMP_ARRIVAL_EXACT : 0) | stamped);
  }
  keep(space, result.size_bytes);
  return result;
}

// Where the next `wanted_bytes` can go. A few bytes that would need a block of their own are left for the next read.
TcpStream::ReadSpace TcpStream::find_space(uint64_t queued_bytes, uint64_t wanted_bytes) {
  ReadSpace space;
  const std::span<std::byte> room = gate.received.room();
  if (!room.empty()) {
    space.add(room, wanted_bytes);
    space.in_room_bytes = space.offered_bytes;
    prefetch_to_write(room.data(), kCacheLineBytes);  // so that the kernel copies a small message into the cache
    if (!is_bulky_) return space;
  }
  while (space.fresh_count < ReadSpace::kMostFresh && wanted_bytes - space.offered_bytes > wanted_bytes / 32) {
    const bool is_first = space.fresh_count == 0;
    Block* const block = is_first ? take_receive_block(queued_bytes) : environment_.pool.take_large(space.fresh[0]->account);
    if (block == nullptr) return space;
    space.fresh[space.fresh_count++] = block;
    space.add({block->data(), block->capacity}, wanted_bytes);
    if (block->capacity < kLargePayloadBytes) return space;  // a message needs no more, or memory is short
    // What is free is less by the block, and by that the stream's share.
    wanted_bytes = std::min(wanted_bytes, space.offered_bytes + receive_room(queued_bytes + space.offered_bytes));
  }
  return space;
}

// Counts the first `size_bytes` of it as received, and gives back what they left empty.
void TcpStream::keep(const ReadSpace& space, uint64_t size_bytes) {
  ByteQueue& queue = gate.received;
  uint64_t in_room_bytes = std::min(size_bytes, space.in_room_bytes);
  uint64_t left_bytes = size_bytes - in_room_bytes;
  // With a fresh block one counter step for both, so that it is linked before any of its bytes count.
  if (left_bytes == 0 && in_room_bytes > 0) queue.produce(in_room_bytes);
  for (uint32_t i = 0; i < space.fresh_count; ++i) {
    Block* const block = space.fresh[i];
    const uint64_t filled_bytes = std::min<uint64_t>(left_bytes, block->capacity);
    if (filled_bytes == 0) {
      environment_.pool.put_back_unused(block);
      continue;
    }
    queue.append(std::exchange(in_room_bytes, 0), block, static_cast<uint32_t>(filled_bytes));
    left_bytes -= filled_bytes;
  }
}

// How many more bytes this stream may hold: its own limit and as much as is free (dynamic thresholds, Choudhury and Hahne 1998): one alone
// may have half of what there is, and n that nobody reads leave room for another as large as each of them. The guaranteed block and a
// granted peek are beyond that.
uint64_t TcpStream::receive_room(uint64_t queued_bytes) const {
  const BlockPool& pool = environment_.pool;
  uint64_t free_bytes = pool.free_bytes(Account::receive);
  if (receive_side().priority() == FRAMEPUMP_PRIORITY_REALTIME) free_bytes += pool.free_bytes(Account::realtime);
  uint64_t allowed_bytes = std::min(environment_.settings.receive_limit_bytes.load(std::memory_order_relaxed), free_bytes);
  const uint64_t granted_bytes = gate.peek_grant_bytes.load(std::memory_order_relaxed);
  allowed_bytes = std::max(allowed_bytes, granted_bytes);
  // What is in the queue's last block already is paid for.
  allowed_bytes = std::max<uint64_t>(allowed_bytes, kSmallPayloadBytes);
  return allowed_bytes - std::min(allowed_bytes, queued_bytes);
}

Block* TcpStream::take_receive_block(uint64_t queued_bytes) {
  BlockPool& pool = environment_.pool;
  if (!gate.received.guaranteed_in_use() && !is_bulky_) {
    Block* block = pool.take_small(Account::guaranteed);
    if (block != nullptr) return block;
  }
  Block* block = nullptr;
  if (receive_side().priority() == FRAMEPUMP_PRIORITY_REALTIME) {
    block = is_bulky_ ? pool.take_large(Account::realtime) : pool.take_small(Account::realtime);
  }
  if (block == nullptr) block = is_bulky_ ? pool.take_large(Account::receive) : pool.take_small(Account::receive);
  if (block == nullptr && queued_bytes < gate.peek_grant_bytes.load(std::memory_order_relaxed)) {
    block = pool.take_large(Account::peek_reserve);
  }
  if (block == nullptr && !gate.received.guaranteed_in_use()) block = pool.take_small(Account::guaranteed);
  return block;
}

// Parks the receiving side: consume() posts kCommandRoom for a stream so marked. Memory that comes free anywhere wakes it too, unless it is at
// its own limit, where that is no help.
void TcpStream::block_receiving() {
  gate.receive_blocked.store(true);
  const uint64_t own_limit_bytes = environment_.settings.receive_limit_bytes.load(std::memory_order_relaxed);
  const bool is_own_limit = gate.received.queued_bytes() >= own_limit_bytes;
  if (!is_own_limit) environment_.memory_waiters.enter(receive_side(), memory_place_);
  if (is_blocked_) return;
  is_blocked_ = true;
  add<uint32_t>(environment_.counters.blocked, 1);
  add<uint32_t>(gate.back_pressure, 1);
  environment_.counters.hints.fetch_or(is_own_limit ? kHintReceiveLimit : kHintBudget, std::memory_order_relaxed);
}

void TcpStream::unblock_receiving() {
  if (!is_blocked_) return;
  is_blocked_ = false;
  gate.receive_blocked.store(false);
  add(environment_.counters.blocked, uint32_t{0} - 1);
  environment_.memory_waiters.leave(memory_place_);
}

void TcpStream::on_received(uint64_t bytes, int64_t arrival_ns, const TurnContext& context) {
  active_at_us_ = context.now_us;
  add(environment_.counters.received_bytes, bytes);
  if (context.tick_serial != 0) environment_.hot.count(hot_, receive_side(), bytes, context.tick_serial);
  if (gate.watched_turns.load(std::memory_order_relaxed) > 0) measure(arrival_ns, context);
  post(kNoticeData);
  note_talk(bytes);
}

// The acknowledgement rule. Where nothing was sent lately, the kernel acknowledges a small message within the call that takes it, and that
// costs as much as the taking. In a crowd, a stream that brings little in each turn has its acknowledgements delayed. When the kernel's
// timer runs out it goes back to quick ones, so it is asked again before a turn that comes long after the last bytes. On the IO thread a
// stream without a crowd that sends nothing is acknowledged as soon as gameplay can have the message, instead of before. A turn that brings
// more ends it at once: the sender's window may depend on that.
void TcpStream::delay_ack(int64_t now_us) {
  if (hot_.talk_turns >= kTalkTurns && is_in_crowd() && now_us - active_at_us_ >= kAckMayBeOutUs) set_quick_acks(socket(), false);
}

void TcpStream::note_talk(uint64_t bytes) {
  const LiveSettings& settings = environment_.settings;
  const bool is_small = bytes < kTalkBytes && settings.delayed_acks.load(std::memory_order_relaxed);
  const bool is_crowd = is_in_crowd();
  // Not with TLS, where a turn may read a part of a record and bring nothing; and after its own end of stream the kernel does not do it.
  const bool may_follow = !settings.is_frame_locked.load(std::memory_order_relaxed) && tls() == nullptr && !is_write_shut_;
  if (!is_small || !(is_crowd || may_follow)) return end_talk();
  if (hot_.talk_turns < kTalkTurns) {
    if (++hot_.talk_turns == kTalkTurns) set_quick_acks(socket(), false);
    return;
  }
  if (!is_crowd) {
    acknowledge_now(socket());
    ++hot_.talk_turns;
  }
  const uint8_t most_turns = is_crowd ? kTalkTurns : kAskAgainTurns;
  if (hot_.talk_turns <= most_turns) return;
  set_quick_acks(socket(), false);
  hot_.talk_turns = kTalkTurns;
}

void TcpStream::end_talk() {
  if (hot_.talk_turns >= kTalkTurns) set_quick_acks(socket(), true);
  hot_.talk_turns = 0;
}

bool TcpStream::is_in_crowd() const { return environment_.counters.open_streams.load(std::memory_order_relaxed) >= kCrowd; }

// What costs system calls is measured only while somebody looks at this stream.
void TcpStream::measure(int64_t arrival_ns, const TurnContext& context) {
  // Gameplay may begin anew meanwhile; its next look does then.
  const uint8_t left = gate.watched_turns.load(std::memory_order_relaxed);
  gate.watched_turns.store(static_cast<uint8_t>(left - 1), std::memory_order_relaxed);
  int64_t none = 0;
  gate.arrival_ns.compare_exchange_strong(none, arrival_ns == 0 ? realtime_ns() : arrival_ns, std::memory_order_release);
  if (milliseconds(context.now_us) - rtt_sampled_ms_ >= kRttSampleMs) sample_rtt(context.now_us);
}

void TcpStream::sample_rtt(int64_t now_us) {
  rtt_sampled_ms_ = milliseconds(now_us);
  const KernelRtt rtt = kernel_rtt(socket());
  gate.rtt_us.store(rtt.smoothed_us, std::memory_order_relaxed);
  if (ArrivalLog* const log = arrivals(); log != nullptr) log->rtt_jitter_us.store(rtt.deviation_us, std::memory_order_relaxed);
}

// Null: nobody wants arrivals written down.
ArrivalLog* TcpStream::arrivals() const {
  const StreamExtension* const extension = gate.extension.load(std::memory_order_acquire);
  ArrivalLog* const log = extension == nullptr ? nullptr : extension->arrivals.load(std::memory_order_acquire);
  return log != nullptr && log->is_on.load(std::memory_order_acquire) ? log : nullptr;
}

Turn TcpStream::on_peer_end(Turn turn, const TurnContext& context) {
  peer_ended_ = true;
  environment_.hot.remove(hot_);
  if ((gate.flags & FRAMEPUMP_STREAM_HALF_OPEN) != 0 && !is_write_shut_) {
    post(kNoticePeerHalfClosed);
    turn.wake_at_us = std::min(next_deadline_us(), context.now_us + kLookForResetUs);
    return turn;
  }
  // Nobody asked for half-open streams: what is queued still leaves, then this side ends too.
  shutdown_wanted_ = true;
  if (gate.unsent.queued_bytes() == 0 && is_end_said()) return finish_turn(turn, FRAMEPUMP_REASON_CLOSED_BY_PEER, 0);
  is_lingering_ = true;
  active_at_us_ = context.now_us;
  environment_.pump.make_ready(send_side());
  turn.wake_at_us = next_deadline_us();
  return turn;
}

// Graceful close: one unread byte at close() would make the kernel reset the connection and lose what was written.
Turn TcpStream::discard_input(const TurnContext& context) {
  Turn turn;
  TlsSession* const session = tls();
  while (turn.bytes < context.quantum_bytes) {
    const ReceiveBuffer buffer = {environment_.scratch, kLargeBlockBytes};
    const IoResult result = session == nullptr ? receive(socket(), {&buffer, 1}) : discard_secure(*session, {&buffer, 1});
    turn.bytes += result.size_bytes;
    if (session != nullptr && result.status == IoStatus::ok && result.size_bytes < buffer.size_bytes) break;
    if (result.status == IoStatus::ok && (result.size_bytes == buffer.size_bytes || end_is_announced_)) continue;
    if (result.status == IoStatus::end_of_stream) {
      peer_ended_ = true;
      if (is_write_shut_) return finish_turn(turn, FRAMEPUMP_REASON_CLOSED_HERE, 0);
    } else if (result.status != IoStatus::ok && result.status != IoStatus::would_block) {
      return fail_turn(turn, result);
    } else {
      arm(session == nullptr ? uint32_t{kReadable} : receiving_waits_for(*session));
    }
    watch_deadlines(turn, context.now_us);
    return turn;
  }
  turn.outcome = Outcome::more;
  turn.wake_at_us = next_deadline_us();
  return turn;
}

}  // namespace framepump
