// SPDX-License-Identifier: MIT
#include "bench/support/bytes.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <vector>

#include "bench/support/frames.h"

namespace framepump::bench {

std::span<const std::byte> content() {
  constexpr size_t kSizeBytes = 4'194'301;  // the largest prime below 4 MiB
  static const std::vector<std::byte> bytes = [] {
    std::mt19937_64 random(1);
    std::vector<std::byte> made(kSizeBytes);
    for (std::byte& byte : made) byte = static_cast<std::byte>(random() & 0xff);
    return made;
  }();
  return bytes;
}

std::string content_hash(uint64_t size_bytes) {
  ByteHash hash;
  const std::span<const std::byte> block = content();
  while (hash.size_bytes() < size_bytes) hash.add(block.data(), std::min<uint64_t>(block.size(), size_bytes - hash.size_bytes()));
  return hash.hex();
}

ByteHash::ByteHash() : state_(XXH3_createState()) { XXH3_64bits_reset(state_); }
ByteHash::~ByteHash() { XXH3_freeState(state_); }

void ByteHash::add(const void* bytes, size_t size_bytes) {
  const int64_t start_us = wall_us();
  XXH3_64bits_update(state_, bytes, size_bytes);
  wall_us_ += wall_us() - start_us;
  size_bytes_ += size_bytes;
}

double ByteHash::seconds() const { return static_cast<double>(wall_us_) / 1e6; }

std::string ByteHash::hex() const {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(XXH3_64bits_digest(state_)));
  return text;
}

}  // namespace framepump::bench
