// SPDX-License-Identifier: MIT
//
// What the files that call OpenSSL share. Only those include it.
#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <memory>
#include <span>

namespace framepump {

template <typename T, typename Freer>
using Owned = std::unique_ptr<T, Freer>;
struct BioFreer {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// OpenSSL's words for an error of its queue, or the system's; empty for 0.
void openssl_reason(unsigned long error, std::span<char> out);

// ---- Callbacks of sessions (tls_session.cpp) ----

// A BIO that is the socket of a session. False: no memory.
bool fill_socket_method(BIO_METHOD* method);
int note_verification(int is_good, X509_STORE_CTX* chain);
int note_session(SSL* ssl, SSL_SESSION* session);

// ---- Authorities (tls_authorities.cpp). False: none was found; the error queue may say why. All are read now, since what OpenSSL would
// look up by itself it would look up on the disk in the middle of a handshake. ----

// After the last certificate of a text: true unless there is another one, which is damaged. The end of a text is an error too, and is cleared.
bool is_end_of_text();
bool load_system_authorities(X509_STORE* store);
bool load_authorities_of_file(X509_STORE* store, const char* path);
bool load_authorities_of_folder(X509_STORE* store, const char* path);
bool load_authorities_of_text(X509_STORE* store, const char* pem);

}  // namespace framepump
