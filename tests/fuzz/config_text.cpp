// SPDX-License-Identifier: MIT
//
// Whatever stands in a config file, reading it ends in settings that are allowed or in a message that can be printed.
#include <string>

#include "config/config.h"
#include "fuzz/guarded_message.h"
#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

constexpr char kPath[] = "framepump.toml";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void config_text(std::string_view bytes) {
  framepump_config config = {};
  GuardedMessage said;
  const bool is_read = parse_config(bytes.data(), bytes.size(), kPath, config, said.message);
  if (is_read) {
    expect(config.struct_size == sizeof(config), "what was read has its size");
    expect(validate(config, said.message), "what was read is allowed");
  } else {
    expect(said.text().starts_with("framepump.toml:"), "a message begins with the file's name");
  }

  if (bytes.starts_with(kByteOrderMark)) return;
  const std::string marked = std::string(kByteOrderMark) + std::string(bytes);
  framepump_config again = {};
  GuardedMessage said_again;
  const bool is_read_again = parse_config(marked.data(), marked.size(), kPath, again, said_again.message);
  expect(is_read_again == is_read, "a byte-order mark changes nothing");
  if (is_read && is_read_again) expect(differing_keys(config, again) == 0, "the same text gives the same settings");
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(config_text);
