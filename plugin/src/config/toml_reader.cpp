// SPDX-License-Identifier: MIT
//
// TOML text to settings. The only file that includes toml++, which takes seconds to compile.
#ifndef FRAMEPUMP_WITHOUT_TOML  // then config/toml_absent.cpp
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

// toml++ 3.3 asserts (or, built by clang with NDEBUG, assumes) what a broken file makes false, "[=]" for one. The code behind
// each assertion copes, and a config file must not end the game.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 16  // each takes stack; settings need two
#include <toml++/toml.h>

#include "config/config.h"
#include "config/config_file.h"
#include "config/config_messages.h"
#include "config/key_names.h"
#include "config/toml_screen.h"

namespace framepump {
namespace {

// Its longest sentences take about 150 bytes, unless they quote the file.
constexpr size_t kShownErrorBytes = 200;

// "5, an integer": what the file has at a place.
std::string describe(const toml::node& node) {
  if (const auto* text = node.as_string()) return "\"" + shortened(text->get()) + "\", a string";
  if (const auto* whole = node.as_integer()) return std::to_string(whole->get()) + ", an integer";
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true, a boolean" : "false, a boolean";
  if (const auto* decimal = node.as_floating_point()) {
    char digits[32];
    std::snprintf(digits, sizeof(digits), "%g", decimal->get());
    return std::string(digits) + ", a float";
  }
  return node.is_table() ? "a table" : node.is_array() ? "an array" : "a date or time";
}

// The value as framepump_config holds it. None: it is of another type, or no known word.
std::optional<int64_t> value_of(const toml::node& node, KeyKind kind) {
  if (kind == KeyKind::integer) return node.value_exact<int64_t>();
  if (kind == KeyKind::boolean) {
    const auto truth = node.value_exact<bool>();
    return truth.has_value() ? std::optional<int64_t>(*truth ? 1 : 0) : std::nullopt;
  }
  const auto word = node.value_exact<std::string_view>();
  if (word == "epoll") return FRAMEPUMP_BACKEND_EPOLL;
  if (word == "poll") return FRAMEPUMP_BACKEND_POLL;
  return std::nullopt;
}

std::string unknown_key(std::string_view written) {
  const std::string beginning = "unknown key " + shortened(written);
  const ConfigKey* nearest = nearest_key(written);
  if (nearest != nullptr) return beginning + "; did you mean " + nearest->name + "?";
  const std::string table(table_of(written));
  if (is_table(table)) return beginning + "; the keys of [" + table + "] are " + list_keys_of(table);
  return beginning + "; every key belongs to one of the tables " + list_tables();
}

std::string unknown_table(std::string_view written) {
  const std::string beginning = "unknown table [" + shortened(written) + "]";
  const std::string nearest(nearest_table(written));
  return beginning + (nearest.empty() ? "; the tables are " + list_tables() : "; did you mean [" + nearest + "]?");
}

// Line `number` of the text, counted from 1, so that a message shows the key and the value that toml++ cannot name.
std::string_view line_of(std::string_view text, uint32_t number) {
  for (; number > 1 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  text = text.substr(0, text.find('\n'));
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

std::string syntax_error(TextPlace place, std::string_view what, std::string_view text) {
  const std::string line = shortened(line_of(text, place.line));
  return std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + std::string(what.substr(0, kShownErrorBytes)) +
         (line.empty() ? "" : "; the line is: " + line);
}

// Walks over the tables of one file. They are sorted by name, so of several mistakes the one that stands first in the file is
// kept.
class Reader {
 public:
  explicit Reader(framepump_config& config) : config_(config) {}

  void read(const toml::table& root) {
    for (const auto& [name, node] : root) read_root_entry(name, node);
  }
  // Empty: all is well.
  std::string complaint() const { return complaint_.empty() ? "" : std::to_string(place_.line) + ": " + complaint_; }

 private:
  void read_root_entry(const toml::key& name, const toml::node& node) {
    const std::string text(name.str());
    const toml::table* table = node.as_table();
    if (!is_table(text)) {
      complain(name, table != nullptr || node.is_array_of_tables() ? unknown_table(text) : unknown_key(text));
    } else if (table == nullptr) {
      complain(name, text + " is " + describe(node) + "; wanted is the table [" + text + "]");
    } else {
      for (const auto& [part, value] : *table) read_entry(text + "." + std::string(part.str()), part, value);
    }
  }

  void read_entry(const std::string& name, const toml::key& place, const toml::node& node) {
    const ConfigKey* key = find_key(name);
    if (key == nullptr) return complain(place, unknown_key(name));
    const std::string allowed = allowed_values(*key, Spelling::file);
    const std::optional<int64_t> value = value_of(node, key->kind);
    if (!value.has_value()) {
      complain(place,
               name + " is " + describe(node) + "; allowed are " + (key->kind == KeyKind::integer ? "integers, " : "") + allowed);
    } else if (!is_allowed(*key, *value)) {
      complain(place, name + " is " + std::to_string(*value) + "; allowed are " + allowed);
    } else {
      config_.*key->field = static_cast<uint32_t>(*value);
    }
  }

  void complain(const toml::key& key, std::string text) {
    const toml::source_position place = key.source().begin;
    if (!complaint_.empty() && !(place < place_)) return;
    complaint_ = std::move(text);
    place_ = place;
  }

  framepump_config& config_;
  std::string complaint_;
  toml::source_position place_ = {};
};

// Empty, or where in the file and what is wrong.
std::string read_text(std::string_view text, framepump_config& config) {
  std::string screened;
  TextPlace place;
  if (const char* what = screen_toml(text, screened, place)) return syntax_error(place, what, text);
  const toml::parse_result result = toml::parse(std::string_view(screened));
  if (!result) {
    const toml::source_position begin = result.error().source().begin;
    return syntax_error({begin.line, begin.column}, result.error().description(), text);
  }
  Reader reader(config);
  reader.read(result.table());
  return reader.complaint();
}

}  // namespace

bool parse_config(const char* text, uint64_t size_bytes, const char* path, framepump_config& config, framepump_message& message) {
  set_defaults(config);
  std::string mistake;
  if (size_bytes > kMaxConfigFileBytes) {
    mistake = " has " + std::to_string(size_bytes) + " bytes; allowed are at most " + std::to_string(kMaxConfigFileBytes);
  } else {
    mistake = read_text({text, size_bytes}, config);
  }
  if (mistake.empty()) return true;
  refuse(message, at_file(path) + mistake);
  return false;
}

}  // namespace framepump
#endif
