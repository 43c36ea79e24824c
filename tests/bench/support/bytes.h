// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct XXH3_state_s;

namespace framepump::bench {

// What senders send: a block of random bytes from a fixed seed, over and over. Its size is a prime, so that a shift by any power of two
// changes every byte.
std::span<const std::byte> content();
// The hash (XXH3, 64 bits, as hexadecimal) of the first `size_bytes` bytes of it: what a reader must have seen.
std::string content_hash(uint64_t size_bytes);

// Hashes bytes as they come. Every contestant takes its bytes through one, so that nobody wins by not looking at them.
class ByteHash {
 public:
  ByteHash();
  ~ByteHash();
  ByteHash(const ByteHash&) = delete;
  ByteHash& operator=(const ByteHash&) = delete;

  void add(const void* bytes, size_t size_bytes);
  uint64_t size_bytes() const { return size_bytes_; }
  double seconds() const;  // what hashing took by the wall clock: gameplay's time, not the network's
  std::string hex() const;

 private:
  XXH3_state_s* state_;
  uint64_t size_bytes_ = 0;
  int64_t wall_us_ = 0;
};

}  // namespace framepump::bench
