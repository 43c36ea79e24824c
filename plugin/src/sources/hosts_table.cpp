// SPDX-License-Identifier: MIT
#include "sources/hosts_table.h"

#include <algorithm>

namespace framepump {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The next word of [begin, end); empty: there is none, or a comment begins.
std::string_view next_word(const char* text, uint32_t& begin, uint32_t end) {
  while (begin < end && is_blank(text[begin])) ++begin;
  const uint32_t first = begin;
  while (begin < end && !is_blank(text[begin]) && text[begin] != '#') ++begin;
  return {text + first, begin - first};
}

}  // namespace

bool HostsTable::Text::assign(std::string_view text) {
  if (!bytes_.reserve(static_cast<uint32_t>(text.size()))) return false;
  bytes_.clear();
  for (char c : text) {
    if (!bytes_.push(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c)) return false;
  }
  return true;
}

bool HostsTable::read(std::string_view text) {
  lines_.clear();
  if (!text_.assign(text.substr(0, kMostBytes))) return false;
  uint32_t begin = 0;
  while (begin < text_.size()) {
    uint32_t end = begin;
    while (end < text_.size() && text_.begin()[end] != '\n') ++end;
    if (!read_line(begin, end)) return false;
    begin = end + 1;
  }
  // Equal names stay in the order of the file, which is that of their places in the text.
  std::sort(lines_.span().begin(), lines_.span().end(), [this](const Line& a, const Line& b) {
    const int order = name_of(a).compare(name_of(b));
    return order != 0 ? order < 0 : a.name_at < b.name_at;
  });
  return true;
}

bool HostsTable::read_line(uint32_t begin, uint32_t end) {
  const std::string_view first = next_word(text_.begin(), begin, end);
  char address[64];
  if (first.empty() || first.size() >= sizeof(address)) return true;
  std::copy(first.begin(), first.end(), address);
  address[first.size()] = '\0';
  Line line = {};
  if (!parse_address(address, 0, line.address)) return true;
  while (lines_.size() < kMostNames) {
    const std::string_view name = next_word(text_.begin(), begin, end);
    if (name.empty()) break;
    line.name_at = static_cast<uint32_t>(name.data() - text_.begin());
    line.name_bytes = static_cast<uint32_t>(name.size());
    if (!lines_.push(line)) return false;
  }
  return true;
}

uint32_t HostsTable::find(std::string_view name, AddressFamily family, std::span<SocketAddress> out) const {
  uint32_t low = 0;
  uint32_t high = lines_.size();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (name_of(lines_[middle]) < name) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  constexpr uint32_t kMostLines = 64;  // of one name
  const uint32_t end = std::min(low + kMostLines, lines_.size());
  uint32_t count = 0;
  for (; low < end && name_of(lines_[low]) == name && count < out.size(); ++low) {
    if (lines_[low].address.family == family) out[count++] = lines_[low].address;
  }
  return count;
}

}  // namespace framepump
