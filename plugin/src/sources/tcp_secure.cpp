// SPDX-License-Identifier: MIT
//
// What is different for a TCP stream with TLS: a handshake before it is open, at bulk priority, and an end that is said, not only seen. While
// the handshake lasts the state is `connecting`, for an accepted stream too.
#include <algorithm>
#include <cstdio>

#include "sources/stream_extension.h"
#include "sources/tcp_stream.h"
#include "sources/tls_session.h"

namespace framepump {

bool TcpStream::secure(TlsContext& context, const char* server_name) {
  const Host& host = environment_.host;
  StreamExtension* extension = gate.extension.load(std::memory_order_relaxed);
  if (extension == nullptr) extension = host.create<StreamExtension>(host);
  if (extension == nullptr) return false;
  gate.extension.store(extension, std::memory_order_release);
  extension->tls = host.create<TlsSession>(host, context, server_name);
  return extension->tls != nullptr;
}

// The connection is there, or its socket was accepted: from here on bulk, until the handshake is over.
void TcpStream::begin_handshake(TlsSession& session) {
  session.begin();
  on_commands(kCommandPriority, active_at_us_);
}

Turn TcpStream::handshake_turn(TlsSession& session, const TurnContext& context) {
  Turn turn;
  IoResult result = {IoStatus::would_block, 0, 0};
  environment_.tls_waiters.leave(session.waiting_place);
  switch (session.context_state()) {
    case TlsContext::State::waiting:
      environment_.tls_waiters.enter(receive_side(), session.waiting_place);
      break;
    case TlsContext::State::failed:
      session.fail_setup();
      return fail_turn(turn, {IoStatus::failed, 0, 0});
    case TlsContext::State::ready:
      result = session.handshake(socket(), gate.peer.port);
      if (result.status == IoStatus::ok) return on_handshake_done(context);
      if (result.status != IoStatus::would_block) return fail_turn(turn, result);
      environment_.pump.poller().arm(socket(), static_cast<Pollable*>(this), session.handshake_waits_for_room() ? kWritable : kReadable);
  }
  watch_deadlines(turn, context.now_us);
  return turn;
}

// What came behind the handshake may be in OpenSSL's buffer already, so the turn goes on reading. A turn of its own for that, at the stream's
// priority now, would be one more for the streams that are there to wait for, and a crowd that joins many.
Turn TcpStream::on_handshake_done(const TurnContext& context) {
  add<uint64_t>(environment_.counters.tls_handshakes, 1);
  const bool is_accepted = gate.listener != 0;
  state_ = State::open;
  active_at_us_ = context.now_us;
  on_commands(kCommandPriority, context.now_us);
  if (!is_accepted) note_connected(context.now_us);
  post(is_accepted ? kNoticeAccepted : kNoticeConnected);
  if (has_to_send()) environment_.pump.make_ready(send_side());  // what was written meanwhile
  return receive_turn(context);
}

void TcpStream::on_ready_secure(TlsSession& session, uint32_t readiness) {
  if (state_ == State::connecting) {
    if (!session.is_handshaking()) {
      if ((readiness & kWritable) != 0) environment_.pump.make_ready(send_side());
    } else if ((readiness & (session.handshake_waits_for_room() ? kWritable : kReadable)) != 0) {
      environment_.pump.make_ready(receive_side());
    }
    return;
  }
  if (state_ != State::open) return;
  if ((readiness & receiving_waits_for(session)) != 0) environment_.pump.make_ready(receive_side());
  if ((readiness & sending_waits_for(session)) != 0 && has_to_send()) environment_.pump.make_ready(send_side());
}

// What reading waits for once it found nothing; with TLS that can be room to write, and the reverse. Only that is asked for: the other may be
// there all the time.
uint32_t TcpStream::receiving_waits_for(const TlsSession& session) { return session.receive_waits_for_room() ? kWritable : kReadable; }
uint32_t TcpStream::sending_waits_for(const TlsSession& session) { return session.send_waits_for_bytes() ? kReadable : kWritable; }

// Our own end is on its way, so that what is missing of the peer's answer harms nobody.
IoResult TcpStream::discard_secure(TlsSession& session, std::span<const ReceiveBuffer> buffers) {
  IoResult result = session.receive(socket(), buffers, nullptr);
  if (session.reason() == FRAMEPUMP_REASON_TLS_TRUNCATED) result.status = IoStatus::end_of_stream;
  return result;
}

// The peer has ended, and ours has been sent where it has to be; a socket that is full takes it later.
bool TcpStream::is_end_said() {
  TlsSession* const session = tls();
  return session == nullptr || session->send_end(socket()).status != IoStatus::would_block;
}

Turn TcpStream::fail_turn(Turn turn, const IoResult& result) {
  const TlsSession* session = tls();
  const uint8_t reason = session == nullptr || session->reason() == 0 ? reason_of(result.status) : session->reason();
  return finish_turn(turn, reason, result.system_code);
}

// The words go to the extension, which lives until gameplay has read them; OpenSSL's memory is free at once.
void TcpStream::end_session(TlsSession& session, uint8_t reason) {
  environment_.tls_waiters.leave(session.waiting_place);
  if (!session.is_done()) add<uint64_t>(environment_.counters.tls_failures, session.is_handshaking() ? 1 : 0);
  if (session.is_handshaking() && reason == FRAMEPUMP_REASON_CONNECT_TIMED_OUT) session.fail_late();
  if (reason == FRAMEPUMP_REASON_CLOSED_BY_PEER || reason == FRAMEPUMP_REASON_CLOSED_HERE) (void)session.send_end(socket());
  StreamExtension& extension = *gate.extension.load(std::memory_order_relaxed);
  const bool is_explained = (reason == session.reason() || session.is_handshaking()) && session.text()[0] != '\0';
  if (is_explained) {
    char peer[kAddressTextBytes];
    format_address(gate.peer, peer);
    char text[kAddressTextBytes + TlsSession::kTextBytes + 2];
    std::snprintf(text, sizeof(text), "%s: %s", peer, session.text());
    extension.set_closing_text(text);
  }
  session.release();
}

}  // namespace framepump
