// SPDX-License-Identifier: MIT
//
// What a TLS handshake came to: facts for tls_info, or a reason and a sentence that names host, certificate and dates.
#ifdef FRAMEPUMP_WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "sources/tls_openssl.h"
#include "sources/tls_session.h"

namespace framepump {
namespace {

constexpr size_t kTimeBytes = 32;
constexpr size_t kNamesBytes = 120;

// Names are the peer's words: what is not printable becomes \xNN.
template <size_t kSize>
void write_name(const X509_NAME* name, char (&out)[kSize]) {
  out[0] = '\0';
  if (name != nullptr) X509_NAME_oneline(name, out, static_cast<int>(kSize));
}

void write_time(const ASN1_TIME* time, char (&out)[kTimeBytes]) {
  tm parts = {};
  out[0] = '\0';
  if (ASN1_TIME_to_tm(time, &parts) == 1) std::strftime(out, sizeof(out), "%Y-%m-%d %H:%M:%S UTC", &parts);
}

// The host names that a certificate is for, as many as there is room for.
void write_hosts(const X509* certificate, char (&out)[kNamesBytes]) {
  size_t used = 0;
  out[0] = '\0';
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const int length = ASN1_STRING_length(name->d.dNSName);
    const unsigned char* text = ASN1_STRING_get0_data(name->d.dNSName);
    if (length <= 0 || used + static_cast<size_t>(length) + 3 > sizeof(out)) break;
    if (used > 0) used += static_cast<size_t>(std::snprintf(out + used, sizeof(out) - used, ", "));
    for (int k = 0; k < length; ++k) out[used++] = text[k] > 0x20 && text[k] < 0x7f ? static_cast<char>(text[k]) : '?';
    out[used] = '\0';
  }
  GENERAL_NAMES_free(names);
}

uint8_t reason_of_certificate(int error) {
  switch (error) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED: return FRAMEPUMP_REASON_TLS_CERTIFICATE_EXPIRED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return FRAMEPUMP_REASON_TLS_WRONG_HOST;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return FRAMEPUMP_REASON_TLS_UNKNOWN_ISSUER;
    default: return FRAMEPUMP_REASON_TLS_CERTIFICATE_REFUSED;
  }
}

}  // namespace

// The first thing that is known of a failure stays: what comes after it came of it.
void TlsSession::set_failure(uint8_t reason, const char* format, ...) {
  if (reason_ == 0) reason_ = reason;
  if (text_[0] != '\0') return;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text_, sizeof(text_), format, arguments);
  va_end(arguments);
}

void TlsSession::fail_setup() {
  is_broken_ = true;
  set_failure(FRAMEPUMP_REASON_TLS_SETUP_FAILED, "TLS: %s", context_.problem());
}

void TlsSession::fail_late() {
  if (text_[0] == '\0') std::snprintf(text_, sizeof(text_), "the TLS handshake with %.200s was not over within stream.connect_timeout_ms", peer());
}

// While the chain is there: OpenSSL has found the first thing that is wrong with it.
void TlsSession::note_certificate(int error, X509_STORE_CTX* chain) {
  if (certificate_error_ != 0) return;
  certificate_error_ = error;
  const X509* certificate = X509_STORE_CTX_get_current_cert(chain);
  char subject[80] = "";
  char issuer[80] = "";
  if (certificate != nullptr) {
    write_name(X509_get_subject_name(certificate), subject);
    write_name(X509_get_issuer_name(certificate), issuer);
  }
  const char* words = X509_verify_cert_error_string(error);
  const uint8_t reason = reason_of_certificate(error);
  char time[kTimeBytes] = "";
  char hosts[kNamesBytes] = "";
  if (reason == FRAMEPUMP_REASON_TLS_CERTIFICATE_EXPIRED && certificate != nullptr) {
    const bool is_over = error == X509_V_ERR_CERT_HAS_EXPIRED;
    write_time(is_over ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), time);
    set_failure(reason, "the certificate of %s %s %s (subject %s, issuer %s)", peer(), is_over ? "expired on" : "is not valid before", time,
                subject, issuer);
  } else if (reason == FRAMEPUMP_REASON_TLS_WRONG_HOST) {
    if (certificate != nullptr) write_hosts(certificate, hosts);
    set_failure(reason, "the certificate is not for %s: it is for %s (subject %s)", peer(), hosts[0] != '\0' ? hosts : "no host", subject);
  } else if (reason == FRAMEPUMP_REASON_TLS_UNKNOWN_ISSUER) {
    set_failure(reason, "who issued the certificate of %s is not believed: %s (subject %s, issuer %s)", peer(), words, subject, issuer);
  } else {
    set_failure(reason, "the certificate of %s is refused: %s (subject %s, issuer %s)", peer(), words, subject, issuer);
  }
}

// Nothing more can be said on this connection.
IoResult TlsSession::fail(int ssl_error, Phase phase) {
  is_broken_ = true;
  char why[160] = "";
  openssl_reason(ERR_peek_error(), why);
  const bool is_handshake = phase == Phase::handshake;
  if (io_.status == IoStatus::end_of_stream) {
    if (is_handshake) {
      set_failure(FRAMEPUMP_REASON_TLS_HANDSHAKE_FAILED, "%s ended the connection in the middle of the TLS handshake", peer());
    } else {
      set_failure(FRAMEPUMP_REASON_TLS_TRUNCATED, "the connection ended without TLS's close_notify: bytes may be missing");
    }
  } else if (io_.status != IoStatus::ok && io_.status != IoStatus::would_block && ssl_error != SSL_ERROR_SSL) {
    char system[80] = "";
    if (io_.system_code != 0) system_message(io_.system_code, system);
    if (is_handshake && text_[0] == '\0') {
      std::snprintf(text_, sizeof(text_), "in the TLS handshake with %.180s%s%s", peer(), system[0] != '\0' ? ": " : "", system);
    }
    ERR_clear_error();
    return io_;  // it was the connection, not TLS
  } else {
    if (why[0] == '\0') std::snprintf(why, sizeof(why), "OpenSSL's error %d", ssl_error);
    const uint8_t reason = is_handshake ? FRAMEPUMP_REASON_TLS_HANDSHAKE_FAILED : FRAMEPUMP_REASON_TLS_PROTOCOL;
    set_failure(reason, "%s %s: %s", is_handshake ? "the TLS handshake failed with" : "TLS failed with", peer(), why);
  }
  ERR_clear_error();
  return {IoStatus::failed, 0, 0};
}

void TlsSession::note_info() {
  info_ = {};
  info_.version = static_cast<uint32_t>(SSL_version(ssl_));
  info_.flags = SSL_session_reused(ssl_) == 1 ? FRAMEPUMP_TLS_RESUMED : 0;
  std::snprintf(info_.cipher, sizeof(info_.cipher), "%s", SSL_get_cipher_name(ssl_));
  const unsigned char* protocol = nullptr;
  unsigned int protocol_bytes = 0;
  SSL_get0_alpn_selected(ssl_, &protocol, &protocol_bytes);
  if (protocol_bytes < sizeof(info_.alpn)) {
    for (unsigned int i = 0; i < protocol_bytes; ++i) info_.alpn[i] = protocol[i] > 0x20 && protocol[i] < 0x7f ? static_cast<char>(protocol[i]) : '?';  // the peer's choice
  }
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return;
  write_name(X509_get_subject_name(certificate), info_.peer_subject);
  if (context_.is_verifying() && SSL_get_verify_result(ssl_) == X509_V_OK) info_.flags |= FRAMEPUMP_TLS_VERIFIED;
}

}  // namespace framepump
#endif
