// SPDX-License-Identifier: MIT
//
// Bare OpenSSL over blocking sockets: the other end of the TLS benchmarks, and who FramePump is compared with. Failures end the program.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>

namespace framepump::bench {

constexpr char kTlsName[] = "bench.test";  // what the suite's certificate is for

struct TlsDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsDeleter>;
using TlsSession = std::unique_ptr<SSL, TlsDeleter>;

constexpr char kTlsCipher[] = "TLS_AES_256_GCM_SHA384";  // servers speak no other, so that everyone who is compared does the same work

// PEM files.
TlsContext tls_server(const std::string& certificate_file, const std::string& key_file);
TlsContext tls_client(const std::string& ca_file);  // verifies, as FramePump does
// Shakes hands over a connected blocking socket. Null: the peer did not take part; only servers may be told so.
TlsSession tls_accept(SSL_CTX* context, int descriptor);
TlsSession tls_connect(SSL_CTX* context, int descriptor);

}  // namespace framepump::bench
