// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <thread>

namespace demo {

// What the bytes of an update must hash to, from the seed alone: computed once, beside the game, for however many downloads.
class ExpectedHash {
 public:
  ExpectedHash(uint64_t seed, uint64_t size_bytes);

  uint64_t seed() const { return seed_; }
  uint64_t size_bytes() const { return size_bytes_; }
  // Nothing: not computed yet. Never waits.
  std::optional<uint64_t> value();

 private:
  uint64_t seed_;
  uint64_t size_bytes_;
  std::optional<uint64_t> value_;
  std::future<uint64_t> future_;
  std::jthread hasher_;
};

}  // namespace demo
