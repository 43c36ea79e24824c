// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "gate/arrival_log.h"
#include "platform/host.h"

namespace framepump {

// What only some streams have, so that the others pay one pointer for it. Made by gameplay (before kCommandOpen, or later, published by the
// pointer in the gate) or by the pump before kNoticeAccepted; it goes with the stream's slot.
struct StreamExtension {
  explicit StreamExtension(const Host& network_host) : host(network_host) {}
  ~StreamExtension() { host.destroy(arrivals.load(std::memory_order_relaxed)); }
  StreamExtension(const StreamExtension&) = delete;
  StreamExtension& operator=(const StreamExtension&) = delete;

  const Host& host;

  // Messages.
  std::atomic<ArrivalLog*> arrivals{nullptr};  // made by gameplay
  uint8_t abort_reason = 0;                    // gameplay's own: why it aborted the stream; 0: it did not say
  char abort_text[201] = "";                   // gameplay's own
};

}  // namespace framepump
