// SPDX-License-Identifier: MIT
//
// TLS of one stream. What failed, in words, is in tls_failure.cpp.
#ifdef FRAMEPUMP_WITH_TLS
#include "sources/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "platform/address.h"
#include "sources/tls_openssl.h"

namespace framepump {

// OpenSSL's way into a session.
struct TlsCallbacks {
  static TlsSession& session_of(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }
  static TlsSession& session_of(const SSL* ssl) { return *static_cast<TlsSession*>(SSL_get_app_data(ssl)); }

  static int read(BIO* bio, char* data, int size_bytes) {
    TlsSession& session = session_of(bio);
    BIO_clear_retry_flags(bio);
    const ReceiveBuffer buffer = {data, static_cast<uint64_t>(size_bytes)};
    if (session.reads_left_ == 0) {
      session.is_cut_ = true;
      BIO_set_retry_read(bio);
      return -1;
    }
    --session.reads_left_;
    int64_t arrived_ns = 0;
    const IoResult result = session.arrival_ns_ == nullptr ? receive(session.socket_, {&buffer, 1})
                                                           : receive_stamped(session.socket_, {&buffer, 1}, arrived_ns);
    if (result.status == IoStatus::ok) {
      session.note_arrival(arrived_ns);
      return static_cast<int>(result.size_bytes);
    }
    session.io_ = result;
    if (result.status == IoStatus::end_of_stream) return 0;
    if (result.status == IoStatus::would_block) BIO_set_retry_read(bio);
    return -1;
  }

  static int write(BIO* bio, const char* data, int size_bytes) {
    TlsSession& session = session_of(bio);
    BIO_clear_retry_flags(bio);
    const SendBuffer buffer = {data, static_cast<uint64_t>(size_bytes)};
    const IoResult result = framepump::send(session.socket_, {&buffer, 1});
    if (result.status == IoStatus::ok) return static_cast<int>(result.size_bytes);
    session.io_ = result;
    if (result.status == IoStatus::would_block) BIO_set_retry_write(bio);
    return -1;
  }

  static long control(BIO* bio, int what, long, void*) {
    if (what == BIO_CTRL_FLUSH) return 1;  // nothing is kept back
    return what == BIO_CTRL_EOF && session_of(bio).io_.status == IoStatus::end_of_stream ? 1 : 0;
  }

  static int verification(int is_good, X509_STORE_CTX* chain) {
    const SSL* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (is_good == 0 && ssl != nullptr) session_of(ssl).note_certificate(X509_STORE_CTX_get_error(chain), chain);
    return is_good;
  }

  static int new_session(SSL* ssl, SSL_SESSION* kept) {
    TlsSession& session = session_of(ssl);
    session.context_.keep_session(session.server_name_, session.port_, kept);
    return 1;  // it is the context's now
  }
};

bool fill_socket_method(BIO_METHOD* method) {
  return BIO_meth_set_read(method, TlsCallbacks::read) == 1 && BIO_meth_set_write(method, TlsCallbacks::write) == 1 &&
         BIO_meth_set_ctrl(method, TlsCallbacks::control) == 1;
}
int note_verification(int is_good, X509_STORE_CTX* chain) { return TlsCallbacks::verification(is_good, chain); }
int note_session(SSL* ssl, SSL_SESSION* session) { return TlsCallbacks::new_session(ssl, session); }

TlsSession::TlsSession(const Host& host, TlsContext& context, const char* server_name) : host_(host), context_(context) {
  context_.hold();
  if (server_name == nullptr) return;
  size_t length = std::min<size_t>(std::strlen(server_name), kMaxNameBytes);
  if (length > 1 && server_name[length - 1] == '.') --length;  // the name from the root; certificates do not have that dot
  std::memcpy(server_name_, server_name, length);
}

TlsSession::~TlsSession() {
  release();
  context_.let_go();
}

// A session whose connection ended without a close_notify could not be resumed for that alone, which is history (RFC 5246, 7.2.1).
void TlsSession::release() {
  if (ssl_ == nullptr) return;
  if (!is_broken_) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
  ssl_ = nullptr;
  is_broken_ = true;
}

// Not before there is something to do: who connects and says nothing costs no memory of OpenSSL's.
bool TlsSession::start(uint32_t port) {
  port_ = port;
  ssl_ = SSL_new(context_.handle());
  BIO* const bio = ssl_ == nullptr ? nullptr : BIO_new(context_.socket_method());
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  if (SSL_set_app_data(ssl_, this) != 1) return false;
  if (context_.role() == TlsRole::server) {
    SSL_set_accept_state(ssl_);
    return true;
  }
  SSL_set_connect_state(ssl_);
  if (!set_peer_name()) return false;
  offer_session();
  return true;
}

// Who the certificate must be for, and, if that is a name, whom we ask for.
bool TlsSession::set_peer_name() {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl_);
  SocketAddress address;
  if (!parse_address(server_name_, 0, address)) {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(wanted, server_name_, 0) == 1 && SSL_set_tlsext_host_name(ssl_, server_name_) == 1;
  }
  const size_t size_bytes = address.family == AddressFamily::ipv4 ? 4 : 16;
  return X509_VERIFY_PARAM_set1_ip(wanted, address.bytes, size_bytes) == 1;
}

void TlsSession::offer_session() {
  SSL_SESSION* const session = context_.take_session(server_name_, port_);
  if (session == nullptr) return;
  SSL_set_session(ssl_, session);  // no harm where it cannot be used: then the handshake is a full one
  SSL_SESSION_free(session);
}

void TlsSession::enter(Socket socket, int64_t* arrival_ns) {
  socket_ = socket;
  arrival_ns_ = arrival_ns;
  newest_arrival_ns_ = 0;
  reads_with_bytes_ = 0;
  reads_left_ = UINT32_MAX;
  is_cut_ = false;
  io_ = {};
  ERR_clear_error();
}

void TlsSession::note_arrival(int64_t arrived_ns) {
  ++reads_with_bytes_;
  newest_arrival_ns_ = arrived_ns;
  if (arrival_ns_ != nullptr && *arrival_ns_ == 0) *arrival_ns_ = arrived_ns;
}

bool TlsSession::is_newest_arrival_exact() const { return reads_with_bytes_ == 1 && (ssl_ == nullptr || SSL_has_pending(ssl_) == 0); }

// What a call that did not succeed came to. `usual`: what such a call waits for as a rule; the other thing is noted.
IoResult TlsSession::settle(int result, Phase phase, bool& waits_for_other, int usual) {
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_ZERO_RETURN) return {IoStatus::end_of_stream, 0, 0};
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return fail(error, phase);
  waits_for_other = error != usual;
  return {IoStatus::would_block, 0, 0};
}

IoResult TlsSession::handshake(Socket socket, uint32_t port) {
  enter(socket, nullptr);
  if (ssl_ == nullptr && !start(port)) return fail(SSL_ERROR_SSL, Phase::handshake);
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) return settle(result, Phase::handshake, handshake_waits_for_room_, SSL_ERROR_WANT_READ);
  is_done_ = true;
  note_info();
  return {};
}

IoResult TlsSession::receive(Socket socket, std::span<const ReceiveBuffer> buffers, int64_t* arrival_ns) {
  if (is_broken_) {
    const bool says_nothing = io_.status == IoStatus::ok || io_.status == IoStatus::would_block;
    return {says_nothing ? IoStatus::failed : io_.status, io_.system_code, 0};
  }
  IoResult result;
  enter(socket, arrival_ns);
  reads_left_ = kMostReads;
  for (const ReceiveBuffer& buffer : buffers) {
    for (uint64_t filled = 0; filled < buffer.size_bytes;) {
      size_t taken = 0;
      const int outcome = SSL_read_ex(ssl_, static_cast<std::byte*>(buffer.data) + filled, buffer.size_bytes - filled, &taken);
      filled += taken;
      result.size_bytes += taken;
      if (outcome == 1) continue;
      const IoResult after = settle(outcome, Phase::transfer, receive_waits_for_room_, SSL_ERROR_WANT_READ);
      if (is_cut_ && after.status == IoStatus::would_block) return result;
      // It can say so after a message of its own, with more in its buffer.
      if (after.status == IoStatus::would_block && io_.status == IoStatus::ok) continue;
      result.status = after.status;
      result.system_code = after.system_code;
      return result;
    }
  }
  return result;
}

IoResult TlsSession::send(Socket socket, std::span<const SendBuffer> buffers, std::byte* scratch) {
  IoResult result;
  enter(socket, nullptr);
  send_waits_for_bytes_ = false;
  uint64_t left_bytes = 0;
  for (const SendBuffer& buffer : buffers) left_bytes += buffer.size_bytes;
  size_t at = 0;
  uint64_t offset = 0;
  while (left_bytes > 0) {
    // A record that waits for room must be offered as it was.
    const uint64_t wanted_bytes = record_bytes_ != 0 ? record_bytes_ : std::min<uint64_t>(left_bytes, kRecordBytes);
    const std::byte* from = static_cast<const std::byte*>(buffers[at].data) + offset;
    if (buffers[at].size_bytes - offset < wanted_bytes) {  // small runs make one record, not many
      uint64_t gathered = buffers[at].size_bytes - offset;
      std::memcpy(scratch, from, gathered);
      for (size_t next = at + 1; gathered < wanted_bytes; ++next) {
        const uint64_t step = std::min<uint64_t>(buffers[next].size_bytes, wanted_bytes - gathered);
        std::memcpy(scratch + gathered, buffers[next].data, step);
        gathered += step;
      }
      from = scratch;
    }
    size_t taken = 0;
    const int outcome = SSL_write_ex(ssl_, from, wanted_bytes, &taken);
    if (outcome != 1) {
      const IoResult after = settle(outcome, Phase::transfer, send_waits_for_bytes_, SSL_ERROR_WANT_WRITE);
      record_bytes_ = static_cast<uint32_t>(wanted_bytes);
      result.status = after.status;
      result.system_code = after.system_code;
      return result;
    }
    record_bytes_ = 0;
    result.size_bytes += taken;
    left_bytes -= taken;
    for (offset += taken; at < buffers.size() && offset >= buffers[at].size_bytes; ++at) offset -= buffers[at].size_bytes;
  }
  return result;
}

IoResult TlsSession::send_end(Socket socket) {
  if (is_end_sent_ || is_broken_ || !is_done_) return {};
  if (SSL_in_init(ssl_) == 1) return {};  // the peer is in the middle of a message of TLS's own, and OpenSSL says no end then
  enter(socket, nullptr);
  const int outcome = SSL_shutdown(ssl_);
  is_end_sent_ = outcome >= 0;
  if (is_end_sent_) return {};
  const int error = SSL_get_error(ssl_, outcome);
  if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) {
    send_waits_for_bytes_ = error == SSL_ERROR_WANT_READ;
    return {IoStatus::would_block, 0, 0};
  }
  is_broken_ = true;  // the connection is gone, which whoever reads it will find
  ERR_clear_error();
  return {};
}

}  // namespace framepump
#endif
