// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "framepump/framepump_types.h"
#include "fuzz/target.h"

namespace framepump::fuzz {

// UTF-8 without anything that would control a terminal, found by putting the characters together: another way than the plugin's.
inline bool is_printable_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<uint8_t>(text[i++]);
    const int more = first < 0x80 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if ((first >= 0x80 && first < 0xC0) || first >= 0xF8) return false;
    uint32_t character = more == 0 ? first : first & (0x3Fu >> more);
    for (int k = 0; k < more; ++k, ++i) {
      if (i == text.size() || (static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) return false;
      character = character << 6 | (static_cast<uint8_t>(text[i]) & 0x3Fu);
    }
    constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (character < kLeast[more] || character > 0x10FFFF || (character >= 0xD800 && character < 0xE000)) return false;
    if (character < 0x20 || (character >= 0x7F && character < 0xA0)) return false;
  }
  return true;
}

// A message with bytes behind it that nobody may touch.
class GuardedMessage {
 public:
  GuardedMessage() {
    std::memset(&message, kFill, sizeof(message));
    std::memset(guard_, kFill, sizeof(guard_));
  }

  // What it says; it must be a whole, printable text.
  std::string_view text() const {
    const bool is_whole = std::memchr(message.text, 0, sizeof(message.text)) != nullptr;
    expect(is_whole, "a message ends with a zero");
    expect(std::all_of(std::begin(guard_), std::end(guard_), [](uint8_t byte) { return byte == kFill; }),
           "a message stays within its bounds");
    const std::string_view said = is_whole ? std::string_view(message.text) : std::string_view();
    expect(!said.empty() && is_printable_utf8(said), "a message is one printable line");
    expect(message.code == FRAMEPUMP_ERROR_CONFIG && message.struct_size == sizeof(message), "a message has its code and its size");
    return said;
  }

  framepump_message message;

 private:
  static constexpr uint8_t kFill = 0xA5;

  uint8_t guard_[64];
};

}  // namespace framepump::fuzz
