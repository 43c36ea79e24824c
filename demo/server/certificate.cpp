// SPDX-License-Identifier: MIT
#include "demo/server/certificate.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

namespace demo {
namespace {

constexpr long kDayS = 24L * 60 * 60;
constexpr long kValidS = 30 * kDayS;
constexpr mode_t kForAll = 0644;
constexpr mode_t kForUs = 0600;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using X509Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;

struct Made {
  std::string certificate_pem;
  std::string key_pem;
};

std::string openssl_says() {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  return text;
}

// An address of one machine, without the name of an interface.
bool is_one_address(const std::string& host) { return host != "0.0.0.0" && host != "::" && host.find('%') == std::string::npos; }

std::string names_for(const std::string& host) {
  const std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  return is_one_address(host) && host != "127.0.0.1" && host != "::1" ? names + ",IP:" + host : names;
}

bool extend(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context = {};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool number(X509* certificate) {
  unsigned char bytes[8];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return false;
  uint64_t serial = 0;
  std::memcpy(&serial, bytes, sizeof(serial));
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

// From a day ago, so that a clock that is a little late does not matter.
bool fill(X509* certificate, EVP_PKEY* key, const std::string& host) {
  const auto* name = reinterpret_cast<const unsigned char*>("localhost");
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 && number(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kDayS) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kValidS) != nullptr &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 && X509_set_issuer_name(certificate, subject) == 1 &&
         X509_set_pubkey(certificate, key) == 1 && extend(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         extend(certificate, NID_ext_key_usage, "serverAuth") && extend(certificate, NID_subject_alt_name, names_for(host)) &&
         extend(certificate, NID_subject_key_identifier, "hash") && X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : std::string();
}

std::optional<Made> make_both(const std::string& host, std::string& error) {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const X509Certificate certificate(X509_new());
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_secmem()));
  const bool is_made = key != nullptr && certificate != nullptr && certificate_text != nullptr && key_text != nullptr &&
                       fill(certificate.get(), key.get(), host) && PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1 &&
                       PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  if (is_made) return Made{text_of(certificate_text.get()), text_of(key_text.get())};
  error = "cannot make a certificate for " + host + ": " + openssl_says();
  return std::nullopt;
}

// Replaces nothing, and follows no link.
bool write_file(const std::string& path, const std::string& text, mode_t mode, std::string& error) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  const ssize_t written = descriptor == -1 ? -1 : ::write(descriptor, text.data(), text.size());
  const bool is_written = written == static_cast<ssize_t>(text.size());
  if (!is_written) error = "cannot write " + path + ": " + std::strerror(errno);
  if (descriptor != -1) ::close(descriptor);
  return is_written;
}

bool is_still_good(const std::string& certificate_file, const std::string& key_file, const std::string& host) {
  const Bio file(BIO_new_file(certificate_file.c_str(), "r"));
  const X509Certificate certificate(file == nullptr ? nullptr : PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  std::time_t tomorrow = std::time(nullptr) + kDayS;
  const bool is_right = certificate != nullptr && X509_cmp_time(X509_get0_notAfter(certificate.get()), &tomorrow) > 0 &&
                        (!is_one_address(host) || X509_check_ip_asc(certificate.get(), host.c_str(), 0) == 1);
  return is_right && ::access(key_file.c_str(), R_OK) == 0;
}

}  // namespace

std::optional<Certificate> Certificate::make(const std::string& host, std::string& error) {
  const std::optional<Made> made = make_both(host, error);
  Certificate certificate;
  if (!made || !certificate.folder_.make(error)) return std::nullopt;
  certificate.certificate_file_ = certificate.folder_.file("certificate.pem");
  certificate.key_pem_ = made->key_pem;
  if (!write_file(certificate.certificate_file_, made->certificate_pem, kForAll, error)) return std::nullopt;
  return certificate;
}

std::optional<Certificate> Certificate::keep(const std::string& folder, const std::string& host, std::string& error) {
  Certificate certificate = of_files(folder + "/certificate.pem", folder + "/key.pem");
  const bool is_there = ::access(certificate.certificate_file_.c_str(), F_OK) == 0 || ::access(certificate.key_file_.c_str(), F_OK) == 0;
  if (is_there) {
    if (is_still_good(certificate.certificate_file_, certificate.key_file_, host)) return certificate;
    error = certificate.certificate_file_ + " and key.pem cannot both be read, are over within a day, or are not for " + host +
            "; without them new ones are made";
    return std::nullopt;
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    error = "cannot make the folder " + folder + ": " + std::strerror(errno);
    return std::nullopt;
  }
  const std::optional<Made> made = make_both(host, error);
  if (!made || !write_file(certificate.key_file_, made->key_pem, kForUs, error) ||
      !write_file(certificate.certificate_file_, made->certificate_pem, kForAll, error)) {
    return std::nullopt;
  }
  return certificate;
}

Certificate Certificate::of_files(const std::string& certificate_file, const std::string& key_file) {
  Certificate certificate;
  certificate.certificate_file_ = certificate_file;
  certificate.key_file_ = key_file;
  return certificate;
}

framepump::Tls Certificate::tls() const {
  framepump::Tls tls;
  tls.certificate_file = certificate_file_.c_str();
  if (key_file_.empty()) {
    tls.private_key_pem = key_pem_.c_str();
  } else {
    tls.private_key_file = key_file_.c_str();
  }
  return tls;
}

}  // namespace demo
