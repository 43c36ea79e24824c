// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "gate/handoff_list.h"

namespace framepump {

// The receiver of CommandBits, linked by the command list. Called by the holder of the pump token.
class Commandable : public HandoffLink {
 public:
  // May destroy itself on kCommandRelease.
  virtual void on_commands(uint32_t bits, int64_t now_us) = 0;

 protected:
  ~Commandable() = default;
};

enum class HotSetting : uint8_t { allowed, forbidden };

}  // namespace framepump
