// SPDX-License-Identifier: MIT
//
// Names, paths and texts come from outside, and whatever they are, they are looked up and shown within bounds.
#include <algorithm>
#include <string>

#include "config/config.h"
#include "config/config_messages.h"
#include "config/key_names.h"
#include "fuzz/guarded_message.h"
#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

void check_name(std::string_view name) {
  const auto keys = config_keys();
  const bool is_key = std::any_of(keys.begin(), keys.end(), [&](const ConfigKey& key) { return key.name == name; });
  expect((find_key(name) != nullptr) == is_key, "the known keys are found, and no others");
  if (is_key) expect(nearest_key(name) == find_key(name), "nothing is nearer to a key than itself");
  const std::string_view nearest = nearest_table(name);
  expect(nearest.empty() || is_table(nearest), "the nearest table is one");
  if (is_table(name)) expect(nearest == name && !list_keys_of(name).empty(), "a table is nearest to itself, and has keys");
  const std::string_view table = table_of(name);
  const std::string_view last = last_part_of(name);
  expect(last == name ? table.empty() : table.size() + 1 + last.size() == name.size(), "table and last part make up the name");
}

void check_refusal(std::string_view text) {
  GuardedMessage said;
  refuse(said.message, text.empty() ? "x" : text);
  const std::string_view shown = said.text();
  const bool fits = text.size() < sizeof(said.message.text);
  if (fits && !text.empty() && is_printable_utf8(text)) expect(shown == text, "what can be printed is shown as it is");
  if (!text.empty()) expect(shown.size() == std::min(text.size(), sizeof(said.message.text) - 1), "a message is as long as its text");
}

void check_path(const std::string& path) {
  framepump_config config = {};
  GuardedMessage said;
  expect(!parse_config("?", 1, path.c_str(), config, said.message), "a question mark is no config file");
  expect(said.text().find("1:1: ") != std::string_view::npos, "what is wrong is said, however long the path is");
}

}  // namespace

void config_words(std::string_view bytes) {
  check_name(bytes);
  check_refusal(bytes);
  check_path(std::string(bytes.substr(0, bytes.find('\0'))));
  expect(shortened(bytes).size() <= 63, "a shortened text is short");
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(config_words);
