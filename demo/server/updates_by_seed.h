// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "demo/protocol/update_bytes.h"

namespace demo {

// The updates that are being sent. Each seed costs 256 KiB as long as somebody holds it, however many do.
class UpdatesBySeed {
 public:
  std::shared_ptr<const UpdateBytes> get(uint64_t seed) {
    std::shared_ptr<const UpdateBytes> bytes = by_seed_[seed].lock();
    if (bytes != nullptr) return bytes;
    std::erase_if(by_seed_, [](const auto& entry) { return entry.second.expired(); });
    bytes = std::make_shared<const UpdateBytes>(seed);
    by_seed_[seed] = bytes;
    return bytes;
  }

 private:
  std::map<uint64_t, std::weak_ptr<const UpdateBytes>> by_seed_;
};

}  // namespace demo
