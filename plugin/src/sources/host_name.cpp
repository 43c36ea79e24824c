// SPDX-License-Identifier: MIT
#include "sources/host_name.h"

#include <algorithm>
#include <cstring>

namespace framepump {
namespace {

constexpr size_t kMostLetters = 253;
constexpr size_t kMostLabelLetters = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_of_a_name(char c) { return (small(c) >= 'a' && small(c) <= 'z') || is_digit(c) || c == '-' || c == '_'; }

bool is_number(std::string_view label) { return !label.empty() && std::all_of(label.begin(), label.end(), is_digit); }

const char* wrong_in_label(std::string_view label) {
  if (label.empty()) return "it has an empty label: two dots in a row, or one at the start";
  if (label.size() > kMostLabelLetters) return "a label between two dots has more than 63 characters";
  for (char c : label) {
    if ((c & 0x80) != 0) return "it has characters beyond ASCII, allowed is its xn-- form";
    if (!is_of_a_name(c)) return "allowed are letters, digits, -, _ and dots";
  }
  if (label.front() == '-' || label.back() == '-') return "a label begins or ends with -";
  return nullptr;
}

bool append(std::string_view part, char (&out)[kNameBytes], size_t& size) {
  if (size + part.size() > kMostLetters) return false;
  std::memcpy(out + size, part.data(), part.size());
  size += part.size();
  out[size] = '\0';
  return true;
}

void join(std::string_view name, std::string_view domain, char (&out)[kNameBytes]) {
  size_t size = 0;
  if (append(name, out, size) && append(".", out, size) && append(domain, out, size)) return;
  out[0] = '\0';
}

}  // namespace

const char* wrong_in_host_name(const char* name) {
  size_t size = 0;
  while (size < kMostLetters + 2 && name[size] != '\0') ++size;
  std::string_view rest(name, size);
  if (!rest.empty() && rest.back() == '.') rest.remove_suffix(1);
  if (rest.empty()) return "it is empty";
  if (rest.size() > kMostLetters) return "it has more than 253 characters";
  std::string_view label;
  while (true) {
    const size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (const char* wrong = wrong_in_label(label); wrong != nullptr) return wrong;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
    if (rest.empty()) return "it has an empty label: two dots in a row, or one at the start";
  }
  return is_number(label) ? "it ends in a number and is no numeric address" : nullptr;
}

bool is_localhost(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  return name == "localhost" || name.ends_with(".localhost");
}

void copy_in_small_letters(std::string_view name, char (&out)[kNameBytes]) {
  const size_t size = std::min<size_t>(name.size(), kNameBytes - 1);
  std::transform(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(size), out, small);
  out[size] = '\0';
}

void SearchList::add(std::string_view domain) {
  while (!domain.empty() && domain.front() == '.') domain.remove_prefix(1);
  while (!domain.empty() && domain.back() == '.') domain.remove_suffix(1);
  if (domain.empty() || domain.size() > kMostLetters || count == kMostDomains) return;
  copy_in_small_letters(domain, domains[count]);
  ++count;
}

bool name_to_ask_for(std::string_view name, const SearchList& search, uint32_t attempt, char (&out)[kNameBytes]) {
  const bool is_complete = name.back() == '.';
  if (is_complete) name.remove_suffix(1);
  const uint32_t domains = is_complete ? 0 : search.count;
  if (attempt > domains) return false;
  const auto dots = static_cast<uint32_t>(std::count(name.begin(), name.end(), '.'));
  const bool is_first_as_it_is = domains == 0 || dots >= search.dots_at_least;
  const uint32_t as_it_is = is_first_as_it_is ? 0 : domains;
  if (attempt == as_it_is) {
    copy_in_small_letters(name, out);
  } else {
    join(name, search.domains[is_first_as_it_is ? attempt - 1 : attempt], out);
  }
  return true;
}

}  // namespace framepump
