// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "platform/host.h"

namespace framepump {

class Connector;

// What only some streams have, so that the others pay one pointer for it. Made by gameplay (before kCommandOpen, or later, published by the
// pointer in the gate) or by the pump before kNoticeAccepted; it goes with the stream's slot.
struct StreamExtension {
  explicit StreamExtension(const Host& network_host) : host(network_host) {}
  ~StreamExtension();
  StreamExtension(const StreamExtension&) = delete;
  StreamExtension& operator=(const StreamExtension&) = delete;

  // By the pump before kNoticeClosed, once: the CLOSED event's text. Without memory for it the event has the usual one.
  void set_closing_text(const char* text);

  const Host& host;
  bool has_name = false;           // set by gameplay: connected to a host name
  Connector* connector = nullptr;  // the pump's; null: connected, or never was one
  char* closing_text = nullptr;
  uint32_t closing_text_bytes = 0;
};

}  // namespace framepump
