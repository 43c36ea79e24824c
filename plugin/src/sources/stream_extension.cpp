// SPDX-License-Identifier: MIT
#include "sources/stream_extension.h"

#include <cstring>

#include "sources/connector.h"

namespace framepump {

StreamExtension::~StreamExtension() {
  host.destroy(connector);
  host.release(closing_text, closing_text_bytes, 1);
}

void StreamExtension::set_closing_text(const char* text) {
  if (closing_text != nullptr) return;
  const uint32_t size_bytes = static_cast<uint32_t>(std::strlen(text)) + 1;
  closing_text = static_cast<char*>(host.allocate(size_bytes, 1));
  if (closing_text == nullptr) return;
  closing_text_bytes = size_bytes;
  std::memcpy(closing_text, text, size_bytes);
}

}  // namespace framepump
