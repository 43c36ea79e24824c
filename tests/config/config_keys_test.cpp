// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "parsed.h"

namespace framepump::test {
namespace {

uint32_t number_in_struct(const framepump_config& config, size_t index) {
  uint32_t value = 0;
  std::memcpy(&value, reinterpret_cast<const std::byte*>(&config) + (1 + index) * sizeof(uint32_t), sizeof(value));
  return value;
}

std::string refusal_of(const ConfigKey& key, uint32_t value) {
  framepump_config config = defaults();
  config.*key.field = value;
  framepump_message message = {};
  if (validate(config, message)) return "";
  CHECK(message.code == FRAMEPUMP_ERROR_CONFIG);
  return message.text;
}

}  // namespace

TEST_CASE("every field of framepump_config has one key, in the order of the struct, at whose end is what came later") {
  const std::set<std::string> later = {"stream.delayed_acks"};
  framepump_config config = {};
  uint32_t number = 1;
  std::set<std::string> names;
  std::vector<uint32_t> wanted;
  std::vector<uint32_t> wanted_at_end;
  for (const ConfigKey& key : config_keys()) {
    (later.contains(key.name) ? wanted_at_end : wanted).push_back(number);
    config.*key.field = number++;
    names.insert(key.name);
  }
  CHECK(names.size() == config_keys().size());
  REQUIRE(sizeof(config) == (1 + config_keys().size()) * sizeof(uint32_t));
  wanted.insert(wanted.end(), wanted_at_end.begin(), wanted_at_end.end());
  for (size_t i = 0; i < config_keys().size(); ++i) CHECK(number_in_struct(config, i) == wanted[i]);
}

TEST_CASE("the defaults are those of the key table, and are allowed") {
  framepump_config config = {};
  std::memset(&config, 0xFF, sizeof(config));
  set_defaults(config);
  CHECK(config.struct_size == sizeof(framepump_config));
  for (const ConfigKey& key : config_keys()) {
    CAPTURE(key.name);
    CHECK(config.*key.field == key.default_value);
    CHECK(is_allowed(key, key.default_value));
  }
  framepump_message message = {};
  CHECK(validate(config, message));
}

TEST_CASE("differing_keys names the keys that differ, and no others") {
  for (size_t i = 0; i < config_keys().size(); ++i) {
    framepump_config other = defaults();
    other.*config_keys()[i].field += 1;
    CHECK(differing_keys(defaults(), other) == KeySet{1} << i);
  }
  CHECK(differing_keys(defaults(), defaults()) == 0);
}

TEST_CASE("copy_keys copies the named keys, and no others") {
  for (size_t i = 0; i < config_keys().size(); ++i) {
    framepump_config from = defaults();
    for (const ConfigKey& key : config_keys()) from.*key.field += 1;
    framepump_config to = defaults();
    copy_keys(KeySet{1} << i, from, to);
    CHECK(differing_keys(to, defaults()) == KeySet{1} << i);
    CHECK(to.*config_keys()[i].field == from.*config_keys()[i].field);
  }
}

TEST_CASE("every key is either live or restart") {
  const KeySet all = (KeySet{1} << config_keys().size()) - 1;
  CHECK((keys_of(KeyChange::live) | keys_of(KeyChange::restart)) == all);
  CHECK((keys_of(KeyChange::live) & keys_of(KeyChange::restart)) == 0);
}

TEST_CASE("a list of keys names each of them, and is cut off with dots where the buffer ends") {
  framepump_config other = defaults();
  other.threaded = 1;
  other.budget_kib *= 2;
  const KeySet keys = differing_keys(defaults(), other);
  const std::string whole = "pump.threaded, memory.budget_kib";
  char out[64];
  list_keys(keys, out);
  CHECK(out == whole);
  list_keys(0, out);
  CHECK(std::string(out).empty());

  for (size_t room = 1; room <= whole.size() + 1; ++room) {
    std::string buffer(room, 'x');
    list_keys(keys, buffer);
    const std::string text = buffer.c_str();
    CAPTURE(text);
    REQUIRE(buffer.back() == '\0');
    CHECK(text.size() == room - 1);
    if (room == whole.size() + 1) {
      CHECK(text == whole);
    } else if (room > 3) {
      CHECK(text == whole.substr(0, room - 4) + "...");
    }
  }
  list_keys(keys, {});
}

TEST_CASE("both ends of every key's range are allowed, and the next value beyond is refused with key, value and range") {
  for (const ConfigKey& key : config_keys()) {
    CAPTURE(key.name);
    CHECK(refusal_of(key, key.minimum).empty());
    CHECK(refusal_of(key, key.maximum).empty());
    for (const uint32_t value : {key.maximum + 1, UINT32_MAX, key.minimum - 1}) {  // below 0 is UINT32_MAX again
      if (key.zero_is_off && value == 0) continue;
      const std::string text = refusal_of(key, value);
      CHECK(text.starts_with(std::string(key.name) + " is " + std::to_string(value) + "; allowed are "));
      if (key.kind != KeyKind::integer) continue;
      CHECK(text.find(std::to_string(key.minimum) + " to " + std::to_string(key.maximum)) != std::string::npos);
    }
  }
}

TEST_CASE("a refused value is told with its unit and with 0 where 0 turns the key off") {
  framepump_config config = defaults();
  framepump_message message = {};
  config.stall_takeover_ms = 19;
  CHECK_FALSE(validate(config, message));
  CHECK(std::string(message.text) == "pump.stall_takeover_ms is 19; allowed are 0 (off) and 20 to 60000 ms");
  config.stall_takeover_ms = 0;
  CHECK(validate(config, message));

  config.backend = 2;
  CHECK_FALSE(validate(config, message));
  CHECK(std::string(message.text) == "pump.backend is 2; allowed are 0 (epoll) and 1 (poll)");
  config = defaults();
  config.no_delay = 2;
  CHECK_FALSE(validate(config, message));
  CHECK(std::string(message.text) == "stream.no_delay is 2; allowed are 0 and 1");
  config = defaults();
  config.limit_streams = 0;
  CHECK_FALSE(validate(config, message));
  CHECK(std::string(message.text) == "limits.streams is 0; allowed are 1 to 262144");
}

TEST_CASE("a receive limit above a sixteenth of the budget is allowed") {
  framepump_config config = defaults();
  config.budget_kib = 1024;
  config.receive_limit_kib = 1048576;
  framepump_message message = {};
  CHECK(validate(config, message));
  CHECK(parse("memory.budget_kib = 1024\nstream.receive_limit_kib = 1048576\n").is_ok);
}

}  // namespace framepump::test
