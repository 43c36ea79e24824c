// SPDX-License-Identifier: MIT
#include "config/config_messages.h"

#include <algorithm>
#include <cstring>

#include "config/utf8.h"

namespace framepump {
namespace {

constexpr size_t kShownBytes = 60;
constexpr size_t kShownPathBytes = 160;

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 2) return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;  // U+0080 to U+009F
  return character.size() == 1 && (first < 0x20 || first == 0x7F);
}

void make_printable(char* text, size_t size_bytes) {
  for (size_t i = 0; i < size_bytes;) {
    const size_t size = utf8_character_bytes({text + i, size_bytes - i});
    const bool is_good = size > 0 && !is_control({text + i, size});
    const size_t step = std::max<size_t>(size, 1);
    if (!is_good) std::memset(text + i, '?', step);
    i += step;
  }
}

// "us" of "slice_us", with the blank that stands before it in a text; a count has none.
const char* unit_of(std::string_view name) {
  if (name.ends_with("_us")) return " us";
  if (name.ends_with("_ms")) return " ms";
  if (name.ends_with("_kib")) return " KiB";
  return name.ends_with("_s") ? " s" : "";
}

}  // namespace

void refuse(framepump_message& message, std::string_view text) {
  message.struct_size = sizeof(message);
  message.code = FRAMEPUMP_ERROR_CONFIG;
  const size_t size = std::min(text.size(), sizeof(message.text) - 1);
  std::memcpy(message.text, text.data(), size);
  message.text[size] = '\0';
  make_printable(message.text, size);
}

std::string at_file(std::string_view path) {
  const bool is_cut = path.size() > kShownPathBytes;
  return std::string(is_cut ? "..." : "").append(path.substr(is_cut ? path.size() - kShownPathBytes : 0)) + ":";
}

std::string shortened(std::string_view text) {
  return std::string(text.substr(0, kShownBytes)) + (text.size() > kShownBytes ? "..." : "");
}

std::string allowed_values(const ConfigKey& key, Spelling spelling) {
  const bool is_file = spelling == Spelling::file;
  if (key.kind == KeyKind::boolean) return is_file ? "true and false" : "0 and 1";
  if (key.kind == KeyKind::backend) return is_file ? "\"epoll\" and \"poll\"" : "0 (epoll) and 1 (poll)";
  return (key.zero_is_off ? "0 (off) and " : "") + std::to_string(key.minimum) + " to " + std::to_string(key.maximum) +
         unit_of(key.name);
}

}  // namespace framepump
