// SPDX-License-Identifier: MIT
#include "config/config_messages.h"

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <numeric>

namespace framepump {
namespace {

// Bytes of the valid UTF-8 character that `text` begins with; 0: there is none.
size_t character_bytes(std::span<const char> text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = at(0);
  const size_t size = first < 0x80 ? 1 : first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : 4;
  if (first >= 0x80 && (first < 0xC2 || first > 0xF4)) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const bool is_overlong = (first == 0xE0 && at(1) < 0xA0) || (first == 0xF0 && at(1) < 0x90);
  const bool is_no_character = (first == 0xED && at(1) >= 0xA0) || (first == 0xF4 && at(1) >= 0x90);
  return is_overlong || is_no_character ? 0 : size;
}

bool is_control(std::span<const char> character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 2) return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;  // U+0080 to U+009F
  return character.size() == 1 && (first < 0x20 || first == 0x7F);
}

void make_printable(std::span<char> text) {
  for (size_t i = 0; i < text.size();) {
    const size_t size = character_bytes(text.subspan(i));
    const bool is_good = size > 0 && !is_control(text.subspan(i, size));
    const size_t step = size > 0 ? size : 1;
    if (!is_good) std::memset(&text[i], '?', step);
    i += step;
  }
}

// "us" of "slice_us", with the blank that stands before it in a text; "" for a count.
const char* unit_of(std::string_view name) {
  if (name.ends_with("_us")) return " us";
  if (name.ends_with("_ms")) return " ms";
  if (name.ends_with("_kib")) return " KiB";
  return name.ends_with("_s") ? " s" : "";
}

// No known name is longer, and nothing this long is a slip of the finger.
constexpr size_t kLongestName = 48;

// How many letters must be changed, added, dropped or swapped with their neighbour ("optimal string alignment").
size_t edit_distance(std::string_view a, std::string_view b) {
  if (std::max(a.size(), b.size()) > kLongestName) return kLongestName;
  size_t rows[3][kLongestName + 1];
  size_t *two_back = rows[0], *before = rows[1], *now = rows[2];
  std::iota(before, before + b.size() + 1, size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({changed, before[j] + 1, now[j - 1] + 1});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) now[j] = std::min(now[j], two_back[j - 2] + 1);
    }
    std::swap(two_back, before);
    std::swap(before, now);
  }
  return before[b.size()];
}

// More than half of the letters wrong is another word.
bool is_near(size_t distance, std::string_view a, std::string_view b) { return distance <= std::max(a.size(), b.size()) / 2; }

}  // namespace

void refuse(framepump_message& message, const char* format, ...) {
  message.struct_size = sizeof(message);
  message.code = FRAMEPUMP_ERROR_CONFIG;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message.text, sizeof(message.text), format, arguments);
  va_end(arguments);
  make_printable({message.text, std::strlen(message.text)});
}

ShortText allowed_values(const ConfigKey& key, Spelling spelling) {
  ShortText out = {};
  const bool is_file = spelling == Spelling::file;
  if (key.kind == KeyKind::boolean) {
    std::snprintf(out.text, sizeof(out.text), "%s", is_file ? "true and false" : "0 and 1");
  } else if (key.kind == KeyKind::backend) {
    std::snprintf(out.text, sizeof(out.text), "%s", is_file ? "\"epoll\" and \"poll\"" : "0 (epoll) and 1 (poll)");
  } else {
    std::snprintf(out.text, sizeof(out.text), "%s%" PRIu32 " to %" PRIu32 "%s", key.zero_is_off ? "0 (off) and " : "", key.minimum,
                  key.maximum, unit_of(key.name));
  }
  return out;
}

std::string_view table_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
}

std::string_view last_part_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

const ConfigKey* nearest_key(std::string_view written) {
  const ConfigKey* nearest = nullptr;
  size_t nearest_distance = kLongestName;
  for (const ConfigKey& key : config_keys()) {
    const size_t elsewhere = table_of(key.name) == table_of(written) ? 0 : 1;
    const size_t distance = edit_distance(last_part_of(written), last_part_of(key.name)) + elsewhere;
    if (distance >= nearest_distance || !is_near(distance, last_part_of(written), last_part_of(key.name))) continue;
    nearest = &key;
    nearest_distance = distance;
  }
  return nearest;
}

std::string_view nearest_table(std::string_view written) {
  std::string_view nearest;
  size_t nearest_distance = kLongestName;
  for (const ConfigKey& key : config_keys()) {
    const std::string_view table = table_of(key.name);
    const size_t distance = edit_distance(written, table);
    if (distance >= nearest_distance || !is_near(distance, written, table)) continue;
    nearest = table;
    nearest_distance = distance;
  }
  return nearest;
}

LongText list_names(std::string_view table) {
  LongText out = {};
  std::string_view last;
  for (const ConfigKey& key : config_keys()) {
    if (!table.empty() && table_of(key.name) != table) continue;
    const std::string_view name = table.empty() ? table_of(key.name) : last_part_of(key.name);
    if (name == last) continue;  // the keys of one table stand together
    const size_t used = std::strlen(out.text);
    std::snprintf(out.text + used, sizeof(out.text) - used, "%s%.*s", used > 0 ? ", " : "", static_cast<int>(name.size()), name.data());
    last = name;
  }
  return out;
}

}  // namespace framepump
