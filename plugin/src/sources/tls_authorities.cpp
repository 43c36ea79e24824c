// SPDX-License-Identifier: MIT
//
// Whom TLS streams believe: certificates of authorities, from files and from the system.
#ifdef FRAMEPUMP_WITH_TLS
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <cstdlib>
#include <cstring>

#include "platform/socket.h"
#include "sources/tls_openssl.h"

namespace framepump {
namespace {

// Where systems have all of their authorities in one file; the first that is there is read.
constexpr const char* kBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // newer ones of these
    "/etc/ssl/ca-bundle.pem",                             // openSUSE
    "/etc/ssl/cert.pem",                                  // Alpine, macOS, BSD
};

struct StoreCloser {
  void operator()(OSSL_STORE_CTX* store) const { OSSL_STORE_close(store); }
};
struct StoreInfoFreer {
  void operator()(OSSL_STORE_INFO* info) const { OSSL_STORE_INFO_free(info); }
};

}  // namespace

void openssl_reason(unsigned long error, std::span<char> out) {
  out[0] = '\0';
  if (error == 0) return;
  if (ERR_SYSTEM_ERROR(error)) return system_message(ERR_GET_REASON(error), out);
  const char* reason = ERR_reason_error_string(error);
  if (reason == nullptr) return ERR_error_string_n(error, out.data(), out.size());
  const size_t length = std::strlen(reason) < out.size() ? std::strlen(reason) : out.size() - 1;
  std::memcpy(out.data(), reason, length);
  out[length] = '\0';
}

bool is_end_of_text() {
  const unsigned long newest = ERR_peek_last_error();
  if (newest != 0 && (ERR_GET_LIB(newest) != ERR_LIB_PEM || ERR_GET_REASON(newest) != PEM_R_NO_START_LINE)) return false;
  ERR_clear_error();
  return true;
}

bool load_authorities_of_file(X509_STORE* store, const char* path) { return X509_STORE_load_file(store, path) == 1; }

// OpenSSL lists a folder as it does a file, without a header of the system's.
bool load_authorities_of_folder(X509_STORE* store, const char* path) {
  const Owned<OSSL_STORE_CTX, StoreCloser> folder(OSSL_STORE_open(path, nullptr, nullptr, nullptr, nullptr));
  bool is_any = false;
  while (folder != nullptr && OSSL_STORE_eof(folder.get()) == 0) {
    const Owned<OSSL_STORE_INFO, StoreInfoFreer> entry(OSSL_STORE_load(folder.get()));
    if (entry == nullptr) {
      if (OSSL_STORE_error(folder.get()) == 1) break;
      continue;
    }
    // A file where a folder was wanted: its first certificate is what is found here.
    if (OSSL_STORE_INFO_get_type(entry.get()) != OSSL_STORE_INFO_NAME) return load_authorities_of_file(store, path);
    is_any |= load_authorities_of_file(store, OSSL_STORE_INFO_get0_NAME(entry.get()));
  }
  if (is_any) ERR_clear_error();  // of files that are something else
  return is_any;
}

bool load_authorities_of_text(X509_STORE* store, const char* pem) {
  const Owned<BIO, BioFreer> text(BIO_new_mem_buf(pem, -1));
  bool is_any = false;
  while (X509* certificate = text == nullptr ? nullptr : PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    is_any |= X509_STORE_add_cert(store, certificate) == 1;
    X509_free(certificate);
  }
  return is_end_of_text() && is_any;
}

// SSL_CERT_FILE and SSL_CERT_DIR say it, as for other programs; else OpenSSL's own place, else the system's bundle.
bool load_system_authorities(X509_STORE* store) {
  const char* file = std::getenv(X509_get_default_cert_file_env());
  const char* folder = std::getenv(X509_get_default_cert_dir_env());
  if (file != nullptr || folder != nullptr) {
    const bool is_in_file = file != nullptr && load_authorities_of_file(store, file);
    return (folder != nullptr && load_authorities_of_folder(store, folder)) || is_in_file;
  }
  if (load_authorities_of_file(store, X509_get_default_cert_file())) return true;
  for (const char* bundle : kBundles) {
    if (load_authorities_of_file(store, bundle)) return true;
  }
  return load_authorities_of_folder(store, X509_get_default_cert_dir());
}

}  // namespace framepump
#endif
