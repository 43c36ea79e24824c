// SPDX-License-Identifier: MIT
//
// What a swarm of players says to its server over datagrams, and the server's account of it.
#pragma once

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/support/bytes.h"

namespace framepump::bench {

// About as large as a player's input with a little history. The filler depends on player and number, so a message that was mixed up
// with another one is noticed.
struct SwarmMessage {
  uint32_t client = 0;
  uint32_t number = 0;
  int64_t sent_ns = 0;
  std::byte filler[48] = {};

  const std::byte* right_filler() const { return content().data() + (client * 7919u + number * 61u) % (content().size() - sizeof(filler)); }
  void fill() { std::memcpy(filler, right_filler(), sizeof(filler)); }
  bool is_right() const { return std::memcmp(filler, right_filler(), sizeof(filler)) == 0; }
};
static_assert(sizeof(SwarmMessage) == 64);

class SwarmAccount {
 public:
  explicit SwarmAccount(uint32_t clients) : next_numbers_(clients) {}

  void add(const void* bytes, size_t size_bytes) {
    SwarmMessage message;
    if (size_bytes != sizeof(message)) {
      ++wrong_;
      return;
    }
    std::memcpy(&message, bytes, sizeof(message));
    const bool is_right = message.client < next_numbers_.size() && message.number >= next_numbers_[message.client] && message.is_right();
    if (!is_right) {
      ++wrong_;
      return;
    }
    next_numbers_[message.client] = message.number + 1;
    ++received_;
  }
  uint64_t received() const { return received_; }
  uint64_t wrong() const { return wrong_; }

 private:
  std::vector<uint32_t> next_numbers_;
  uint64_t received_ = 0;
  uint64_t wrong_ = 0;
};

}  // namespace framepump::bench
