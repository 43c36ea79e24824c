// SPDX-License-Identifier: MIT
#pragma once

#include "platform/host.h"

namespace framepump {

// What only some streams have, so that the others pay one pointer for it. Made by gameplay (before kCommandOpen, or later, published by the
// pointer in the gate) or by the pump before kNoticeAccepted; it goes with the stream's slot.
struct StreamExtension {
  explicit StreamExtension(const Host& network_host) : host(network_host) {}
  StreamExtension(const StreamExtension&) = delete;
  StreamExtension& operator=(const StreamExtension&) = delete;

  const Host& host;
};

}  // namespace framepump
