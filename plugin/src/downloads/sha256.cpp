// SPDX-License-Identifier: MIT
//
// The one file that knows OpenSSL's hashes.
#if defined(FRAMEPUMP_WITH_DOWNLOADS)

#include "downloads/sha256.h"

#include <openssl/evp.h>

#include <cstring>

namespace framepump {

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(state_)); }

bool Sha256::begin() {
  if (state_ == nullptr) state_ = EVP_MD_CTX_new();
  if (state_ != nullptr && EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(state_), EVP_sha256(), nullptr) == 1) return true;
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(state_));
  state_ = nullptr;
  return false;
}

void Sha256::add(std::span<const char> bytes) {
  if (state_ != nullptr) EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(state_), bytes.data(), bytes.size());
}

// One that failed has no digest that anything equals but by chance.
void Sha256::end(uint8_t (&digest)[32]) {
  std::memset(digest, 0, sizeof(digest));
  if (state_ != nullptr) EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(state_), digest, nullptr);
}

}  // namespace framepump

#endif
