// SPDX-License-Identifier: MIT
#include "downloads/part_state.h"

#include <cstdio>

namespace framepump {
namespace {

constexpr std::string_view kFirstLine = "framepump download 1";

bool take_line(std::string_view& text, std::string_view& line) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;  // cut off
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

bool take_word(std::string_view& line, std::string_view word) {
  if (line.size() <= word.size() || !line.starts_with(word) || line[word.size()] != ' ') return false;
  line.remove_prefix(word.size() + 1);
  return true;
}

// Each field once.
bool parse_field(std::string_view line, PartState& out) {
  if (take_word(line, "url")) return out.url.is_empty() && parse_url(line) && out.url.assign(line);
  if (take_word(line, "etag")) return out.validators.etag.is_empty() && is_strong_etag(line) && out.validators.etag.assign(line);
  if (take_word(line, "modified")) {
    return out.validators.last_modified.is_empty() && parse_http_date(line) && out.validators.last_modified.assign(line);
  }
  if (!take_word(line, "total")) return false;
  const std::optional<uint64_t> total = parse_number(line);
  if (!total || *total == 0 || out.total_bytes != 0) return false;
  out.total_bytes = *total;
  return true;
}

}  // namespace

bool parse_part_state(std::string_view text, PartState& out) {
  out = {};
  std::string_view line;
  if (!take_line(text, line) || line != kFirstLine) return false;
  while (!text.empty()) {
    if (!take_line(text, line) || !parse_field(line, out)) return false;
  }
  return !out.url.is_empty();
}

size_t format_part_state(const PartState& state, std::span<char> out) {
  FixedText<32> total;
  if (state.total_bytes != 0) total.format("total %llu\n", static_cast<unsigned long long>(state.total_bytes));
  const auto line = [](bool is_there, const char* text) { return is_there ? text : ""; };
  const bool has_etag = !state.validators.etag.is_empty();
  const bool has_date = !state.validators.last_modified.is_empty();
  const int length = std::snprintf(out.data(), out.size(), "%s\nurl %s\n%s%s%s%s%s%s%s", kFirstLine.data(), state.url.c_str(),
                                   line(has_etag, "etag "), state.validators.etag.c_str(), line(has_etag, "\n"),
                                   line(has_date, "modified "), state.validators.last_modified.c_str(), line(has_date, "\n"), total.c_str());
  return length > 0 && static_cast<size_t>(length) < out.size() ? static_cast<size_t>(length) : 0;
}

}  // namespace framepump
