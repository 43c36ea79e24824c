// SPDX-License-Identifier: MIT
#include "config/key_names.h"

#include <algorithm>
#include <numeric>

namespace framepump {
namespace {

// No known name is longer, and nothing this long is a slip of the finger.
constexpr size_t kLongestName = 48;

// How many letters must be changed, added or dropped (Levenshtein).
size_t edit_distance(std::string_view a, std::string_view b) {
  if (std::max(a.size(), b.size()) > kLongestName) return kLongestName;
  size_t row[kLongestName + 1];
  std::iota(row, row + b.size() + 1, size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = std::min({diagonal + (a[i] == b[j] ? 0 : 1), above + 1, row[j] + 1});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// More than half of the letters wrong is another word.
bool is_near(size_t distance, std::string_view a, std::string_view b) {
  return distance <= std::max(a.size(), b.size()) / 2;
}

}  // namespace

std::string_view table_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
}

std::string_view last_part_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

const ConfigKey* find_key(std::string_view name) {
  for (const ConfigKey& key : config_keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

bool is_table(std::string_view name) {
  for (const ConfigKey& key : config_keys()) {
    if (table_of(key.name) == name) return true;
  }
  return false;
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

std::string list_tables() {
  std::string list;
  std::string_view last;
  for (const ConfigKey& key : config_keys()) {
    const std::string_view table = table_of(key.name);
    if (table == last) continue;  // the keys of one table stand together
    if (!list.empty()) list += ", ";
    list += last = table;
  }
  return list;
}

std::string list_keys_of(std::string_view table) {
  std::string list;
  for (const ConfigKey& key : config_keys()) {
    if (table_of(key.name) != table) continue;
    if (!list.empty()) list += ", ";
    list += last_part_of(key.name);
  }
  return list;
}

}  // namespace framepump
