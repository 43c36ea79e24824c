// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "platform/host.h"

namespace framepump {

class TlsSession;

// What only some streams have, so that the others pay one pointer for it. Made by gameplay (before kCommandOpen, or later, published by the
// pointer in the gate) or by the pump before kNoticeAccepted; it goes with the stream's slot.
struct StreamExtension {
  static constexpr size_t kClosingTextBytes = 320;

  explicit StreamExtension(const Host& network_host) : host(network_host) {}
  ~StreamExtension();
  StreamExtension(const StreamExtension&) = delete;
  StreamExtension& operator=(const StreamExtension&) = delete;

  const Host& host;
  TlsSession* tls = nullptr;               // set before anybody else sees the extension, and stays
  char closing_text[kClosingTextBytes] = "";  // what there is to say beside the reason; written before kNoticeClosed
};

}  // namespace framepump
