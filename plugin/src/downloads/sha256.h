// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace framepump {

// A SHA-256 that is taken bit by bit.
class Sha256 {
 public:
  Sha256() = default;
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  bool begin();  // anew; false: no memory
  void add(std::span<const char> bytes);
  void end(uint8_t (&digest)[32]);

 private:
  void* state_ = nullptr;
};

}  // namespace framepump
