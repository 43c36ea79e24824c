// SPDX-License-Identifier: MIT
//
// What TLS streams share. tls_authorities.cpp loads whom they believe, tls_session.cpp is the stream.
#ifdef FRAMEPUMP_WITH_TLS
#include "sources/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

#include "sources/tls_openssl.h"

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "FramePump's TLS needs OpenSSL 3.0 or newer"
#endif

namespace framepump {
namespace {

constexpr size_t kMaxProtocolBytes = 63;  // of one, as framepump_tls_info has room for

using Text = const char* framepump_tls::*;
constexpr Text kTexts[] = {
    &framepump_tls::ca_file,         &framepump_tls::ca_path,          &framepump_tls::ca_pem,
    &framepump_tls::certificate_file, &framepump_tls::certificate_pem, &framepump_tls::private_key_file,
    &framepump_tls::private_key_pem, &framepump_tls::alpn,
};
constexpr uint32_t kAuthorityTexts = 3;

bool is_same_text(const char* a, const char* b) { return a == nullptr || b == nullptr ? a == b : std::strcmp(a, b) == 0; }

// Without this OpenSSL would ask at the terminal.
int no_password(char*, int, int, void*) { return -1; }

struct X509Freer {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyFreer {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

// Protocols as they are on the wire: each with its length before it. False: one is empty or too long, or all together are.
bool encode_protocols(const char* list, std::span<uint8_t> out, uint32_t& size_bytes) {
  size_bytes = 0;
  for (const char* at = list;; ++at) {
    const size_t length = std::strcspn(at, ",");
    if (length == 0 || length > kMaxProtocolBytes || size_bytes + 1 + length > out.size()) return false;
    out[size_bytes++] = static_cast<uint8_t>(length);
    std::memcpy(&out[size_bytes], at, length);
    size_bytes += static_cast<uint32_t>(length);
    at += length;
    if (*at == '\0') return true;
  }
}

// The server's favourite among what the client offers. A client that offers nothing known is refused, as RFC 7301 wants it.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes, const unsigned char* offered,
                    unsigned int offered_bytes, void* context) {
  const std::span<const uint8_t> ours = static_cast<const TlsContext*>(context)->protocols();
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), chosen_bytes, ours.data(),
                                          static_cast<unsigned int>(ours.size()), offered, offered_bytes);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

bool has_tls() { return true; }

const char* check_tls_options(const framepump_tls& options, TlsRole role, const char* what, char* text, uint32_t text_bytes) {
  const auto refuse = [&](const char* why) {
    std::snprintf(text, text_bytes, "%s: %s", what, why);
    return text;
  };
  constexpr uint32_t kFlags =
      FRAMEPUMP_TLS_WITHOUT_VERIFICATION | FRAMEPUMP_TLS_WITHOUT_RESUMPTION | FRAMEPUMP_TLS_WANT_CLIENT_CERTIFICATE;
  if ((options.flags & ~kFlags) != 0) return refuse("tls.flags has bits beyond FRAMEPUMP_TLS_*");
  const uint32_t version = options.min_version;
  if (version != 0 && version != FRAMEPUMP_TLS_1_2 && version != FRAMEPUMP_TLS_1_3) {
    return refuse("tls.min_version is unknown, allowed are 0, FRAMEPUMP_TLS_1_2 and FRAMEPUMP_TLS_1_3");
  }
  const bool has_certificate = options.certificate_file != nullptr || options.certificate_pem != nullptr;
  const bool has_key = options.private_key_file != nullptr || options.private_key_pem != nullptr;
  if (has_certificate != has_key) return refuse("tls has a certificate or a private key, allowed are both or none");
  if (role == TlsRole::server && !has_certificate) {
    return refuse("tls has no certificate: certificate_file or certificate_pem, and a private key, are what a listener needs");
  }
  if (options.certificate_file != nullptr && options.certificate_pem != nullptr) {
    return refuse("tls has certificate_file and certificate_pem, allowed is one of them");
  }
  if (options.private_key_file != nullptr && options.private_key_pem != nullptr) {
    return refuse("tls has private_key_file and private_key_pem, allowed is one of them");
  }
  uint8_t protocols[255];
  uint32_t size_bytes = 0;
  if (options.alpn != nullptr && !encode_protocols(options.alpn, protocols, size_bytes)) {
    return refuse("tls.alpn is not a list of protocols of 1 to 63 bytes each, separated by commas, 255 bytes in all");
  }
  const char* const name = options.server_name;
  if (name != nullptr && std::strlen(name) > 253) return refuse("tls.server_name has more than 253 bytes");
  // OpenSSL would take the first as no check at all, and the second as any host below.
  if (name != nullptr && (name[0] == '\0' || name[0] == '.')) return refuse("tls.server_name is empty or begins with a dot, allowed is a host's name");
  const bool wants_certificate = (options.flags & FRAMEPUMP_TLS_WANT_CLIENT_CERTIFICATE) != 0;
  if (wants_certificate && role == TlsRole::client) return refuse("tls.flags has FRAMEPUMP_TLS_WANT_CLIENT_CERTIFICATE, which is for listeners");
  if (wants_certificate && (options.flags & FRAMEPUMP_TLS_WITHOUT_VERIFICATION) != 0) {
    return refuse("tls.flags has FRAMEPUMP_TLS_WANT_CLIENT_CERTIFICATE and FRAMEPUMP_TLS_WITHOUT_VERIFICATION, allowed is one of them");
  }
  return nullptr;
}

TlsContext* TlsContext::make(const Host& host, const framepump_tls& options, TlsRole role, TlsContext* kin) {
  void* memory = host.allocate(sizeof(TlsContext), alignof(TlsContext));
  if (memory == nullptr) return nullptr;
  TlsContext* context = new (memory) TlsContext(host, role, kin);
  if (kin != nullptr) kin->hold();
  if (context->copy_options(options)) return context;
  context->destroy();
  return nullptr;
}

void TlsContext::destroy() {
  const Host& host = host_;
  this->~TlsContext();
  host.release(this, sizeof(TlsContext), alignof(TlsContext));
}

TlsContext::~TlsContext() {
  for (KeptSession& kept : sessions_) SSL_SESSION_free(kept.session);
  SSL_CTX_free(handle_);
  BIO_meth_free(socket_method_);
  host_.release(texts_, texts_bytes_, 1);
  if (kin_ != nullptr) kin_->let_go();
}

bool TlsContext::copy_options(const framepump_tls& options) {
  options_ = options;
  options_.server_name = nullptr;  // the stream's own
  for (const Text text : kTexts) texts_bytes_ += options.*text == nullptr ? 0 : std::strlen(options.*text) + 1;
  if (texts_bytes_ == 0) return true;
  texts_ = static_cast<char*>(host_.allocate(texts_bytes_, 1));
  if (texts_ == nullptr) return false;
  char* to = texts_;
  for (const Text text : kTexts) {
    if (options.*text == nullptr) continue;
    const size_t size_bytes = std::strlen(options.*text) + 1;
    options_.*text = static_cast<const char*>(std::memcpy(to, options.*text, size_bytes));
    to += size_bytes;
  }
  return true;
}

bool TlsContext::has_options(const framepump_tls& options) const {
  if (options.flags != options_.flags || options.min_version != options_.min_version) return false;
  return std::all_of(std::begin(kTexts), std::end(kTexts), [&](Text text) { return is_same_text(options.*text, options_.*text); });
}

bool TlsContext::has_authorities(const framepump_tls& options) const {
  return std::all_of(kTexts, kTexts + kAuthorityTexts, [&](Text text) { return is_same_text(options.*text, options_.*text); });
}

bool TlsContext::is_verifying() const {
  if ((options_.flags & FRAMEPUMP_TLS_WITHOUT_VERIFICATION) != 0) return false;
  return role_ == TlsRole::client || (options_.flags & FRAMEPUMP_TLS_WANT_CLIENT_CERTIFICATE) != 0;
}

void TlsContext::load() {
  state_.store(open() ? State::ready : State::failed, std::memory_order_release);
  ERR_clear_error();
}

bool TlsContext::open() {
  ERR_clear_error();
  handle_ = SSL_CTX_new(role_ == TlsRole::server ? TLS_server_method() : TLS_client_method());
  // Each context has one of its own, so nothing of OpenSSL's refers to this library once it is unloaded.
  socket_method_ = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "framepump socket");
  if (handle_ == nullptr || socket_method_ == nullptr || !fill_socket_method(socket_method_)) return fail("OpenSSL cannot start", "");
  if (!set_options() || !set_authorities() || !set_identity() || !set_protocols()) return false;
  set_resumption();
  return true;
}

bool TlsContext::set_options() {
  SSL_CTX_set_options(handle_, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(handle_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  // A record in one system call instead of two: its head and its body.
  SSL_CTX_set_read_ahead(handle_, 1);
  const uint32_t version = options_.min_version != 0 ? options_.min_version : FRAMEPUMP_TLS_1_2;
  if (SSL_CTX_set_min_proto_version(handle_, static_cast<int>(version)) != 1) return fail("OpenSSL does not have this version of TLS", "");
  return true;
}

bool TlsContext::set_authorities() {
  if (!is_verifying()) {
    SSL_CTX_set_verify(handle_, SSL_VERIFY_NONE, nullptr);
    return true;
  }
  SSL_CTX_set_verify(handle_, SSL_VERIFY_PEER | (role_ == TlsRole::server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), note_verification);
  if (kin_ == nullptr || kin_->state() != State::ready) return load_authorities();
  SSL_CTX_set1_cert_store(handle_, SSL_CTX_get_cert_store(kin_->handle_));
  return true;
}

bool TlsContext::load_authorities() {
  X509_STORE* store = SSL_CTX_get_cert_store(handle_);
  if (options_.ca_file == nullptr && options_.ca_path == nullptr && options_.ca_pem == nullptr) {
    return load_system_authorities(store) || fail("no authorities of the system were found", "");
  }
  if (options_.ca_file != nullptr && !load_authorities_of_file(store, options_.ca_file)) return fail("tls.ca_file", options_.ca_file);
  if (options_.ca_path != nullptr && !load_authorities_of_folder(store, options_.ca_path)) return fail("tls.ca_path", options_.ca_path);
  if (options_.ca_pem != nullptr && !load_authorities_of_text(store, options_.ca_pem)) return fail("tls.ca_pem", "");
  return true;
}

// The certificate, those between it and its authority, and the key.
bool TlsContext::set_identity() {
  SSL_CTX_set_default_passwd_cb(handle_, no_password);
  if (options_.certificate_file == nullptr && options_.certificate_pem == nullptr) return true;
  const bool is_file = options_.certificate_file != nullptr;
  const char* what = is_file ? "tls.certificate_file" : "tls.certificate_pem";
  const char* which = is_file ? options_.certificate_file : "";
  const Owned<BIO, BioFreer> certificates(is_file ? BIO_new_file(which, "r") : BIO_new_mem_buf(options_.certificate_pem, -1));
  if (certificates == nullptr) return fail(what, which);
  const Owned<X509, X509Freer> own(PEM_read_bio_X509_AUX(certificates.get(), nullptr, no_password, nullptr));
  if (own == nullptr || SSL_CTX_use_certificate(handle_, own.get()) != 1) return fail(what, which);
  while (X509* between = PEM_read_bio_X509(certificates.get(), nullptr, no_password, nullptr)) {
    const Owned<X509, X509Freer> owned(between);
    if (SSL_CTX_add1_chain_cert(handle_, between) != 1) return fail(what, which);
  }
  if (!is_end_of_text()) return fail(what, which);
  const bool is_key_file = options_.private_key_file != nullptr;
  what = is_key_file ? "tls.private_key_file" : "tls.private_key_pem";
  which = is_key_file ? options_.private_key_file : "";
  const Owned<BIO, BioFreer> keys(is_key_file ? BIO_new_file(which, "r") : BIO_new_mem_buf(options_.private_key_pem, -1));
  if (keys == nullptr) return fail(what, which);
  const Owned<EVP_PKEY, KeyFreer> key(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_password, nullptr));
  // This also finds a key that is not the certificate's.
  if (key == nullptr || SSL_CTX_use_PrivateKey(handle_, key.get()) != 1) return fail(what, which);
  return true;
}

// A server keeps nothing: its tickets hold all there is, so a crowd of clients costs no memory. A client keeps some in the context.
void TlsContext::set_resumption() {
  SSL_CTX_set_session_cache_mode(handle_, SSL_SESS_CACHE_OFF);
  if (role_ == TlsRole::server) {
    static constexpr unsigned char kName[] = "framepump";
    SSL_CTX_set_session_id_context(handle_, kName, sizeof(kName) - 1);
  }
  if ((options_.flags & FRAMEPUMP_TLS_WITHOUT_RESUMPTION) != 0) {
    SSL_CTX_set_options(handle_, SSL_OP_NO_TICKET);
    if (role_ == TlsRole::server) SSL_CTX_set_num_tickets(handle_, 0);
  } else if (role_ == TlsRole::client) {
    SSL_CTX_set_session_cache_mode(handle_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(handle_, note_session);
  }
}

bool TlsContext::set_protocols() {
  if (options_.alpn == nullptr) return true;
  if (!encode_protocols(options_.alpn, protocols_, protocols_bytes_)) return fail("tls.alpn", options_.alpn);
  if (role_ == TlsRole::server) {
    SSL_CTX_set_alpn_select_cb(handle_, choose_protocol, this);
  } else if (SSL_CTX_set_alpn_protos(handle_, protocols_, protocols_bytes_) != 0) {  // 0 is success, here
    return fail("tls.alpn", options_.alpn);
  }
  return true;
}

// False. What OpenSSL says about it is added; the first error is the cause, later ones are what came of it.
bool TlsContext::fail(const char* what, const char* which) {
  char why[160] = "";
  openssl_reason(ERR_peek_error(), why);
  const bool is_named = which[0] != '\0';
  std::snprintf(problem_, sizeof(problem_), "%.60s%s%.160s%s%s%s", what, is_named ? " \"" : "", which, is_named ? "\"" : "",
                why[0] != '\0' ? ": " : "", why);
  return false;
}

void TlsContext::keep_session(std::string_view server, uint32_t port, ssl_session_st* session) {
  KeptSession* oldest = &sessions_[0];
  for (KeptSession& kept : sessions_) {
    if (kept.age < oldest->age) oldest = &kept;
  }
  SSL_SESSION_free(oldest->session);
  oldest->session = session;
  oldest->port = port;
  oldest->age = next_age_++;
  const size_t length = std::min(server.size(), sizeof(oldest->server) - 1);
  std::memcpy(oldest->server, server.data(), length);
  oldest->server[length] = '\0';
}

// A ticket of TLS 1.3 is for one connection, so that nobody who watches can tell that two belong together (RFC 8446, appendix C.4).
ssl_session_st* TlsContext::take_session(std::string_view server, uint32_t port) {
  KeptSession* newest = nullptr;
  for (KeptSession& kept : sessions_) {
    if (kept.session == nullptr || kept.port != port || server != kept.server) continue;
    if (newest == nullptr || kept.age > newest->age) newest = &kept;
  }
  if (newest == nullptr) return nullptr;
  SSL_SESSION* session = newest->session;
  const bool serves_again = SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION && SSL_SESSION_is_resumable(session) == 1;
  if (serves_again) {
    SSL_SESSION_up_ref(session);
  } else {
    newest->session = nullptr;
    newest->age = 0;
  }
  return session;
}

}  // namespace framepump
#endif
