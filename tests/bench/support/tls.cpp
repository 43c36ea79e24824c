// SPDX-License-Identifier: MIT
#include "bench/support/tls.h"

#include <openssl/err.h>

#include "bench/support/tcp.h"

namespace framepump::bench {
namespace {

[[noreturn]] void die_openssl(const std::string& what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  die(what + ": " + text);
}

TlsContext make_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) die_openssl("SSL_CTX_new");
  return context;
}

TlsSession make_session(SSL_CTX* context, int descriptor) {
  TlsSession session(SSL_new(context));
  if (session == nullptr || SSL_set_fd(session.get(), descriptor) != 1) die_openssl("SSL_new");
  return session;
}

}  // namespace

TlsContext tls_server(const std::string& certificate_file, const std::string& key_file) {
  TlsContext context = make_context(TLS_server_method());
  if (SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 || SSL_CTX_set_ciphersuites(context.get(), kTlsCipher) != 1) {
    die_openssl(kTlsCipher);
  }
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    die_openssl(certificate_file + " with " + key_file);
  }
  return context;
}

TlsContext tls_client(const std::string& ca_file) {
  TlsContext context = make_context(TLS_client_method());
  if (SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1) die_openssl(ca_file);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

TlsSession tls_accept(SSL_CTX* context, int descriptor) {
  TlsSession session = make_session(context, descriptor);
  if (SSL_accept(session.get()) != 1) session.reset();
  return session;
}

TlsSession tls_connect(SSL_CTX* context, int descriptor) {
  TlsSession session = make_session(context, descriptor);
  if (SSL_set1_host(session.get(), kTlsName) != 1 || SSL_set_tlsext_host_name(session.get(), kTlsName) != 1) die_openssl("SSL_set1_host");
  if (SSL_connect(session.get()) != 1) die_openssl("SSL_connect");
  return session;
}

}  // namespace framepump::bench
