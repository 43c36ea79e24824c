// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

namespace demo {

// The bytes of an update, made from a seed, so that no large file is stored: any part of it, faster than a socket takes it.
// A table of pseudo-random words (splitmix64, Steele, Lea and Flood 2014) repeats with a new mask each time round.
class UpdateBytes {
 public:
  explicit UpdateBytes(uint64_t seed);

  // The bytes from `offset` on.
  void fill(uint64_t offset, std::span<std::byte> out) const;

 private:
  uint64_t word(uint64_t index) const;

  uint64_t seed_;
  std::vector<uint64_t> table_;
};

// XXH3 of the first `size_bytes` of an update, as a client that received every byte right computes it. Stopped early, it returns
// what it has.
uint64_t hash_of_update(uint64_t seed, uint64_t size_bytes, std::stop_token stop = {});

}  // namespace demo
