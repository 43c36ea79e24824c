// SPDX-License-Identifier: MIT
//
// Settings are allowed just when each is in its range, a message names the first that is not, and a file that says the same settings is
// read as just these, or refused as they are.
#include <cstring>
#include <memory>
#include <string>

#include "config/config.h"
#include "fuzz/guarded_message.h"
#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

// Records of five bytes: a key and its value. The rest are the defaults.
framepump_config settings_of(std::string_view bytes) {
  const std::span<const ConfigKey> keys = config_keys();
  framepump_config config = {};
  set_defaults(config);
  for (; bytes.size() >= 5; bytes.remove_prefix(5)) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + 1, sizeof(value));
    config.*keys[static_cast<uint8_t>(bytes[0]) % keys.size()].field = value;
  }
  return config;
}

const ConfigKey* first_not_allowed(const framepump_config& config) {
  for (const ConfigKey& key : config_keys()) {
    const uint32_t value = config.*key.field;
    const bool is_in_range = value >= key.minimum && value <= key.maximum;
    if (!is_in_range && !(value == 0 && key.zero_is_off)) return &key;
  }
  return nullptr;
}

// Empty: words of the file cannot say it.
std::string word_for(const ConfigKey& key, uint32_t value) {
  if (key.kind == KeyKind::integer) return std::to_string(value);
  if (value > 1) return "";
  return key.kind == KeyKind::boolean ? (value == 1 ? "true" : "false") : value == FRAMEPUMP_BACKEND_POLL ? "\"poll\"" : "\"epoll\"";
}

std::string file_of(const framepump_config& config) {
  std::string text;
  for (const ConfigKey& key : config_keys()) {
    const std::string word = word_for(key, config.*key.field);
    if (word.empty()) return "";
    text += std::string(key.name) + " = " + word + "\n";
  }
  return text;
}

void check_file(const framepump_config& config, const ConfigKey* wrong) {
  const std::string text = file_of(config);
  if (text.empty()) return;
  framepump_config read = {};
  GuardedMessage said;
  const bool is_read = parse_config(text.data(), text.size(), "framepump.toml", read, said.message);
  expect(is_read == (wrong == nullptr), "a file is read just when its settings are allowed");
  if (is_read) {
    expect(differing_keys(config, read) == 0, "a file is read as it was written");
  } else {
    expect(said.text().find(wrong->name) != std::string_view::npos, "a message about a file names the first key that is wrong");
  }
}

// In as much room as is asked for, on the heap, so that AddressSanitizer sees a byte too many.
void check_list(KeySet keys, size_t room_bytes) {
  const auto room = std::make_unique<char[]>(room_bytes);
  std::memset(room.get(), 'x', room_bytes);
  list_keys(keys, {room.get(), room_bytes});
  expect(room_bytes == 0 || std::memchr(room.get(), 0, room_bytes) != nullptr, "a list of keys ends with a zero");
}

}  // namespace

void config_values(std::string_view bytes) {
  const framepump_config config = settings_of(bytes);
  const ConfigKey* wrong = first_not_allowed(config);
  GuardedMessage said;
  expect(validate(config, said.message) == (wrong == nullptr), "settings are allowed just when each is in its range");
  if (wrong != nullptr) {
    const std::string beginning = std::string(wrong->name) + " is " + std::to_string(config.*wrong->field) + "; allowed are ";
    expect(said.text().starts_with(beginning), "a message names the first key that is wrong, and its value");
  }
  check_file(config, wrong);

  framepump_config copy = {};
  set_defaults(copy);
  const KeySet changed = differing_keys(config, copy);
  check_list(changed, bytes.size());
  copy_keys(changed, config, copy);
  expect(differing_keys(config, copy) == 0, "copied keys are the same");
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(config_values);
