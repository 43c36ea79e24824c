// SPDX-License-Identifier: MIT
#include "config/toml_screen.h"

#include "config/utf8.h"

namespace framepump {
namespace {

// Each dot of a.b.c is a table in a table, which toml++ 3.3 destroys by recursion: 32 KiB of "a." overflow a stack of 8 MiB in a
// build with AddressSanitizer, and 1,000 need 256 KiB of stack in a release build. The shipped file with all its prose has 100
// dots.
constexpr uint32_t kMostDots = 1000;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

// Characters outside of ASCII mean nothing outside of comments, and some of them are undefined behaviour in toml++ 3.3, which
// asks which kind of blank they might be (U+FCBF is one).
const char* screen_toml(std::string_view text, std::string& out, TextPlace& place) {
  place = {};
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  out.reserve(text.size());
  uint32_t dots = 0;
  while (!text.empty()) {
    const size_t size = utf8_character_bytes(text);
    if (size == 0) return "this is no UTF-8 text";
    const char c = size == 1 ? text.front() : '?';
    const bool is_in_row = !out.empty() && out.back() == '.';  // as in a line drawn with dots
    if (c == '.' && !is_in_row && ++dots > kMostDots) return "too many dots; allowed are 1000 in one file";
    out += c;
    text.remove_prefix(size);
    place = c == '\n' ? TextPlace{place.line + 1, 1} : TextPlace{place.line, place.column + 1};
  }
  return nullptr;
}

}  // namespace framepump
