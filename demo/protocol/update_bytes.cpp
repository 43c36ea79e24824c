// SPDX-License-Identifier: MIT
#include "demo/protocol/update_bytes.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace demo {
namespace {

constexpr size_t kTableWords = 32 * 1024;  // 256 KiB stay in the second-level cache

uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

UpdateBytes::UpdateBytes(uint64_t seed) : seed_(seed), table_(kTableWords) {
  for (size_t i = 0; i < kTableWords; ++i) table_[i] = mix(seed + i * 0x9e3779b97f4a7c15);
}

uint64_t UpdateBytes::word(uint64_t index) const {
  return table_[index % kTableWords] ^ mix(seed_ ^ (index / kTableWords));
}

void UpdateBytes::fill(uint64_t offset, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const uint64_t at = offset + done;
    const uint64_t index = at / 8;
    if (at % 8 != 0 || out.size() - done < 8) {  // the ragged ends, a word at a time
      const uint64_t value = word(index);
      const size_t skip = at % 8;
      const size_t step = std::min<size_t>(8 - skip, out.size() - done);
      std::memcpy(out.data() + done, reinterpret_cast<const std::byte*>(&value) + skip, step);
      done += step;
      continue;
    }
    const uint64_t mask = mix(seed_ ^ (index / kTableWords));
    const size_t words = std::min<size_t>((out.size() - done) / 8, kTableWords - index % kTableWords);
    const uint64_t* from = table_.data() + index % kTableWords;
    for (size_t i = 0; i < words; ++i) {
      const uint64_t value = from[i] ^ mask;
      std::memcpy(out.data() + done + i * 8, &value, 8);
    }
    done += words * 8;
  }
}

uint64_t hash_of_update(uint64_t seed, uint64_t size_bytes, std::stop_token stop) {
  const UpdateBytes bytes(seed);
  std::vector<std::byte> part(256 * 1024);
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (uint64_t offset = 0; offset < size_bytes && !stop.stop_requested(); offset += part.size()) {
    const size_t step = std::min<uint64_t>(part.size(), size_bytes - offset);
    bytes.fill(offset, {part.data(), step});
    XXH3_64bits_update(state, part.data(), step);
  }
  const uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

}  // namespace demo
