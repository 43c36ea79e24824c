// SPDX-License-Identifier: MIT
#include "sources/tcp_stream.h"

#include <algorithm>
#include <utility>

#include "sources/connector.h"
#include "sources/stream_extension.h"
#include "sources/stream_table.h"
#include "sources/tls_session.h"

namespace framepump {

namespace {

// Where stream.connect_timeout_ms is 0. The kernel's own time-out, of about as long, ends with the connect; who never finishes a handshake
// must not stay for ever.
constexpr int64_t kLongestHandshakeUs = 120'000'000;

}  // namespace

uint8_t reason_of(IoStatus status) {
  switch (status) {
    case IoStatus::refused: return FRAMEPUMP_REASON_REFUSED;
    case IoStatus::reset: return FRAMEPUMP_REASON_RESET;
    case IoStatus::timed_out: return FRAMEPUMP_REASON_PEER_DEAD;
    case IoStatus::unreachable:
    case IoStatus::address_not_available: return FRAMEPUMP_REASON_UNREACHABLE;
    case IoStatus::descriptors_exhausted: return FRAMEPUMP_REASON_DESCRIPTORS_EXHAUSTED;
    default: return FRAMEPUMP_REASON_SYSTEM;
  }
}

TcpStream::TcpStream(Environment& environment) : environment_(environment) {
  // A trace looks at all streams, from their first byte on.
  if (environment.host.is_traced()) gate.watched_turns.store(StreamGate::kWatchedTurns, std::memory_order_relaxed);
}

void TcpStream::set_handle(framepump_handle handle) {
  receive_side().set_handle(handle);
  send_side().set_handle(handle);
}

void TcpStream::adopt(Socket accepted, const StreamOptions& options, uint32_t priority, HotSetting hot, int64_t now_us) {
  socket() = accepted;
  note_dead_after(options.dead_after_s);
  hot_.is_allowed = hot == HotSetting::allowed;
  TlsSession* const session = tls();
  state_ = session == nullptr ? State::open : State::connecting;
  has_stamps_ = environment_.host.is_traced();  // the listener's, inherited
  active_at_us_ = now_us;
  if (gate.local.family == AddressFamily::none) local_address(socket(), gate.local);
  gate.wanted_priority.store(static_cast<uint8_t>(priority), std::memory_order_relaxed);
  if (session != nullptr) {
    begin_handshake(*session);
  } else {
    if (priority != FRAMEPUMP_PRIORITY_NORMAL) on_commands(kCommandPriority, now_us);
    post(kNoticeAccepted);
  }
  // The poller says at once whether it brought something along, and this run reads that if the slice lasts. A try for each would cost
  // a storm of connects a fifth of its speed.
  if (!start_polling(kReadable)) return finish(FRAMEPUMP_REASON_SYSTEM, 0);
  environment_.pump.set_timer(receive_side(), next_deadline_us());
}

// Null: it connects to an address, or is connected.
Connector* TcpStream::connector() const {
  const StreamExtension* extension = gate.extension.load(std::memory_order_acquire);
  return extension != nullptr ? extension->connector : nullptr;
}

void TcpStream::end_connector() {
  StreamExtension* extension = gate.extension.load(std::memory_order_acquire);
  if (extension != nullptr) environment_.host.destroy(std::exchange(extension->connector, nullptr));
}

bool TcpStream::start_polling(uint32_t directions) {
  return environment_.pump.poller().add(socket(), static_cast<Pollable*>(this), directions) == IoStatus::ok;
}

void TcpStream::on_ready(uint32_t readiness) {
  if ((readiness & kPeerEnded) != 0) end_is_announced_ = true;
  if (TlsSession* session = tls(); session != nullptr) return on_ready_secure(*session, readiness);
  if ((readiness & kReadable) != 0 && state_ == State::open) environment_.pump.make_ready(receive_side());
  // Data that arrives makes the kernel say "writable" too; a turn for that would cost the others theirs.
  if ((readiness & kWritable) != 0 && (state_ == State::connecting || waits_for_room_)) environment_.pump.make_ready(send_side());
}

bool TcpStream::has_to_send() const {
  return gate.unsent.arrived() != gate.unsent.consumed() || (shutdown_wanted_ && !is_write_shut_);
}

void TcpStream::on_commands(uint32_t bits, int64_t now_us) {
  if ((bits & kCommandPriority) != 0 && state_ != State::finished) {
    const TlsSession* session = tls();
    const bool is_handshake = session != nullptr && state_ == State::connecting && session->is_handshaking();
    const uint32_t priority = is_handshake ? FRAMEPUMP_PRIORITY_BULK : gate.wanted_priority.load(std::memory_order_relaxed);
    environment_.pump.set_priority(receive_side(), priority);
    environment_.pump.set_priority(send_side(), priority);
    if (connector() != nullptr) environment_.pump.set_priority(*connector(), priority);
    // A realtime stream wants the kernel's queue short: bytes there can no longer be overtaken.
    constexpr uint32_t kRealtimeUnsentBytes = 16 * 1024;
    const bool wants_short_queue = priority == FRAMEPUMP_PRIORITY_REALTIME;
    if (socket().is_open() && wants_short_queue != has_short_queue_) {
      has_short_queue_ = wants_short_queue;
      set_unsent_low(socket(), wants_short_queue ? kRealtimeUnsentBytes : UINT32_MAX);
    }
  }
  if ((bits & kCommandOpen) != 0) {
    state_ = State::connecting;
    active_at_us_ = now_us;
    if (connector() == nullptr) {
      environment_.pump.make_ready(send_side());
    } else {
      connector()->open(now_us);
      environment_.pump.set_timer(receive_side(), next_deadline_us());
    }
  }
  if (state_ != State::finished) on_live_commands(bits, now_us);
  if ((bits & kCommandReclaim) != 0) gate.received.reclaim(environment_.pool);
  if ((bits & kCommandRelease) != 0) environment_.streams.give_back(*this);
}

// Each may finish the stream, and what is finished must not get a turn any more: its slot may soon be another's.
void TcpStream::on_live_commands(uint32_t bits, int64_t now_us) {
  if ((bits & kCommandAbort) != 0) {
    // First, since poll()'s set knows it by its number, which is the next socket's as soon as this one is closed.
    environment_.pump.poller().remove(socket(), static_cast<Pollable*>(this));
    abort_socket(socket());
    return finish(FRAMEPUMP_REASON_ABORTED_HERE, 0);
  }
  if ((bits & kCommandShutdownWrite) != 0) shutdown_wanted_ = true;
  if ((bits & kCommandClose) != 0) close_by_command(now_us);
  if (state_ == State::finished) return;
  if ((bits & (kCommandSend | kCommandShutdownWrite | kCommandClose)) != 0) environment_.pump.make_ready(send_side());
  if ((bits & kCommandRoom) != 0 && state_ == State::open) environment_.pump.make_ready(receive_side());
}

// From now on: send what was written, then say so to the peer, then throw its input away until it finishes too.
void TcpStream::close_by_command(int64_t now_us) {
  if (state_ == State::connecting && gate.unsent.queued_bytes() == 0) return finish(FRAMEPUMP_REASON_CLOSED_HERE, 0);
  is_closing_ = true;
  shutdown_wanted_ = true;
  is_lingering_ = true;
  active_at_us_ = now_us;
  unblock_receiving();
  environment_.hot.remove(hot_);
  environment_.pump.set_timer(receive_side(), next_deadline_us());
  if (state_ == State::open) environment_.pump.make_ready(receive_side());
}

// At least a moment: with stream.linger_ms 0 the deadline would have passed before sending had its turn.
int64_t TcpStream::linger_us() const { return std::max<int64_t>(environment_.settings.linger_us.load(std::memory_order_relaxed), 1); }

int64_t TcpStream::next_deadline_us() const {
  const LiveSettings& settings = environment_.settings;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const int64_t own_us = (state_ == State::connecting ? settings.connect_timeout_us : settings.idle_timeout_us).load(kRelaxed);
  int64_t timeout_us = own_us;
  if (own_us <= 0) timeout_us = state_ == State::connecting && tls() != nullptr ? kLongestHandshakeUs : kNever;
  if (is_lingering_) timeout_us = std::min(timeout_us, linger_us());
  return timeout_us == kNever ? kNever : active_at_us_ + timeout_us;
}

// True: one of them has passed, and the stream is finished. Call it after input was tried, so that a frame that took long is not
// held against the peer.
bool TcpStream::check_deadlines(int64_t now_us) {
  if (now_us < next_deadline_us()) return false;
  if (is_lingering_ && now_us >= active_at_us_ + linger_us()) {
    finish(FRAMEPUMP_REASON_LINGER_TIMED_OUT, 0);
  } else if (state_ == State::connecting) {
    finish(connector() != nullptr ? connector()->give_up(now_us) : uint8_t{FRAMEPUMP_REASON_CONNECT_TIMED_OUT}, 0);
  } else if (is_blocked_) {
    active_at_us_ = now_us;  // gameplay is slow, which is not the peer's fault
    return false;
  } else {
    finish(FRAMEPUMP_REASON_IDLE_TIMED_OUT, 0);
  }
  return true;
}

// At a turn's end: its timer is the next deadline, unless one has passed.
void TcpStream::watch_deadlines(Turn& turn, int64_t now_us) {
  turn.wake_at_us = next_deadline_us();
  if (now_us < turn.wake_at_us) return;
  if (check_deadlines(now_us)) turn.outcome = Outcome::closed;
  turn.wake_at_us = next_deadline_us();
}

Turn TcpStream::finish_turn(Turn turn, uint8_t reason, int32_t system_code) {
  finish(reason, system_code);
  turn.outcome = Outcome::closed;
  return turn;
}

void TcpStream::finish(uint8_t reason, int32_t system_code) {
  Pump& pump = environment_.pump;
  end_connector();
  if (TlsSession* session = tls(); session != nullptr) end_session(*session, reason);
  unblock_receiving();
  environment_.hot.remove(hot_);
  pump.forget(receive_side());
  pump.forget(send_side());
  if (socket().is_open()) {
    pump.poller().remove(socket(), static_cast<Pollable*>(this));
    close_socket(socket());
  }
  environment_.descriptor_waiters.wake_all();
  add<uint64_t>(environment_.counters.closes, 1);
  state_ = State::finished;
  gate.unsent.consume(gate.unsent.arrived() - gate.unsent.consumed(), environment_.pool);
  gate.reason = reason;
  gate.system_code = static_cast<int16_t>(system_code);
  post(kNoticeClosed);
}

void TcpStream::destroy_now() {
  environment_.pump.forget(receive_side());
  environment_.pump.forget(send_side());
  close_socket(socket());
  BlockPool& pool = environment_.pool;
  gate.received.free_retired(gate.retired, pool);
  if (gate.reserved != nullptr) pool.give_back(gate.reserved);
  gate.reserved = nullptr;
  gate.received.clear(pool);
  gate.unsent.clear(pool);
  environment_.host.destroy(gate.extension.exchange(nullptr, std::memory_order_relaxed));
}

}  // namespace framepump
