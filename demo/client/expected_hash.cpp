// SPDX-License-Identifier: MIT
#include "demo/client/expected_hash.h"

#include <SDL_thread.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "demo/protocol/update_bytes.h"

namespace demo {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::string to_digits(const unsigned char* bytes, size_t count) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

// Stopped early, it returns what it has.
std::string sha256_of_update(uint64_t seed, uint64_t size_bytes, const std::stop_token& stop) {
  const UpdateBytes bytes(seed);
  std::vector<std::byte> part(256 * 1024);
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (uint64_t offset = 0; offset < size_bytes && !stop.stop_requested(); offset += part.size()) {
    const size_t step = std::min<uint64_t>(part.size(), size_bytes - offset);
    bytes.fill(offset, {part.data(), step});
    EVP_DigestUpdate(context.get(), part.data(), step);
  }
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int digest_bytes = 0;
  EVP_DigestFinal_ex(context.get(), digest, &digest_bytes);
  return to_digits(digest, digest_bytes);
}

}  // namespace

template <typename T>
std::optional<T> Later<T>::value() {
  if (value_) return value_;
  if (!thread_.joinable()) {
    std::packaged_task<T(std::stop_token)> task([compute = compute_](std::stop_token stop) {
      SDL_SetThreadPriority(SDL_THREAD_PRIORITY_LOW);  // on two cores it would take the game thread's, or the server's
      return compute(std::move(stop));
    });
    future_ = task.get_future();
    thread_ = std::jthread(std::move(task));
  }
  if (future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) value_ = future_.get();
  return value_;
}

template class Later<uint64_t>;
template class Later<std::string>;

ExpectedHash::ExpectedHash(uint64_t seed, uint64_t size_bytes)
    : seed_(seed),
      size_bytes_(size_bytes),
      xxh3_([seed, size_bytes](std::stop_token stop) { return hash_of_update(seed, size_bytes, std::move(stop)); }),
      sha256_([seed, size_bytes](const std::stop_token& stop) { return sha256_of_update(seed, size_bytes, stop); }) {}

}  // namespace demo
