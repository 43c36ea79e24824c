// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace demo {

// A value that is computed beside the game, once it is first asked for.
template <typename T>
class Later {
 public:
  using Compute = std::function<T(std::stop_token)>;
  explicit Later(Compute compute) : compute_(std::move(compute)) {}

  // Nothing: not computed yet. Never waits.
  std::optional<T> value();

 private:
  Compute compute_;
  std::optional<T> value_;
  std::future<T> future_;
  std::jthread thread_;
};

// What the bytes of an update must hash to, from the seed alone, for however many runs.
class ExpectedHash {
 public:
  ExpectedHash(uint64_t seed, uint64_t size_bytes);

  uint64_t seed() const { return seed_; }
  uint64_t size_bytes() const { return size_bytes_; }
  // Nothing: not computed yet. Neither waits.
  std::optional<uint64_t> xxh3() { return xxh3_.value(); }
  std::optional<std::string> sha256() { return sha256_.value(); }  // 64 digits

 private:
  uint64_t seed_;
  uint64_t size_bytes_;
  Later<uint64_t> xxh3_;
  Later<std::string> sha256_;
};

}  // namespace demo
