// SPDX-License-Identifier: MIT
//
// Ranges and defaults stand where people read them: in the public header, the shipped config file, README and the guide. All are
// held against the key table.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/config_messages.h"
#include "config/key_names.h"
#include "parsed.h"
#include "source_root.h"
#include "temporary_folder.h"

namespace framepump::test {
namespace {

enum class Place : uint8_t { header, file };

std::string with_words(std::string text, std::string_view from, std::string_view to) {
  if (const size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

// "0 to 1000000 us", "0 or 20 to 60000 ms", "true or false".
std::string range_of(const ConfigKey& key, Place place) {
  if (key.kind == KeyKind::boolean) return place == Place::header ? "0 or 1" : "true or false";
  if (key.kind == KeyKind::backend) {
    return place == Place::header ? "FRAMEPUMP_BACKEND_*, in the file \"epoll\" or \"poll\"" : "\"epoll\" or \"poll\"";
  }
  return with_words(allowed_values(key, Spelling::file), " (off) and", " or");
}

std::string default_of(const ConfigKey& key, Place place) {
  if (key.kind == KeyKind::backend) return place == Place::header ? "epoll" : "\"epoll\"";
  if (key.kind == KeyKind::boolean && place == Place::file) return key.default_value != 0 ? "true" : "false";
  return std::to_string(key.default_value);
}

std::string change_of(const ConfigKey& key) {
  return key.change == KeyChange::live ? "live" : "restart";
}

// What follows the range in header and file: "0 to 1000000 us, default 2000, live".
std::string facts_of(const ConfigKey& key, Place place) {
  return range_of(key, place) + ", default " + default_of(key, place) + ", " + change_of(key);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t") + 1 - begin));
}

// The cells of "| a | b |"; none: the line is no row of a table.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  if (!line.starts_with("|")) return cells;
  for (size_t at = 1; at < line.size();) {
    const size_t end = std::min(line.find('|', at), line.size());
    cells.push_back(trimmed(std::string_view(line).substr(at, end - at)));
    at = end + 1;
  }
  return cells;
}

bool has(const std::vector<std::string>& cells, const std::string& cell) {
  return std::any_of(cells.begin(), cells.end(), [&](const std::string& c) { return c == cell || c == "`" + cell + "`"; });
}

// "live" may be followed by "(new streams)".
bool has_beginning(const std::vector<std::string>& cells, const std::string& word) {
  return std::any_of(cells.begin(), cells.end(), [&](const std::string& c) { return c == word || c.starts_with(word + " ("); });
}

// Every key (of these tables) has one row, which begins with its name and has cells for its default, its range and how it changes.
void check_table(const std::string& file, const std::vector<std::string_view>& left_out = {}) {
  const std::vector<std::string> lines = lines_of(read_text(in_sources(file)));
  for (const ConfigKey& key : config_keys()) {
    if (std::find(left_out.begin(), left_out.end(), table_of(key.name)) != left_out.end()) continue;
    std::vector<std::string> row;
    int rows = 0;
    for (const std::string& line : lines) {
      const std::vector<std::string> cells = cells_of(line);
      if (cells.empty() || cells[0] != "`" + std::string(key.name) + "`") continue;
      row = cells;
      ++rows;
    }
    const std::string wanted = "| `" + std::string(key.name) + "` | " + default_of(key, Place::file) + " | " +
                               range_of(key, Place::file) + " | " + change_of(key) + " | ... |";
    CHECK_MESSAGE(rows == 1, file << " has " << rows << " rows like: " << wanted);
    if (rows != 1) continue;
    const bool is_right =
        has(row, default_of(key, Place::file)) && has(row, range_of(key, Place::file)) && has_beginning(row, change_of(key));
    CHECK_MESSAGE(is_right, file << " has a row with other facts than: " << wanted);
  }
}

// The header has the struct's order, in which what came later is at the end.
std::vector<ConfigKey> keys_in_struct_order() {
  const framepump_config config = {};
  std::vector<ConfigKey> keys(config_keys().begin(), config_keys().end());
  std::sort(keys.begin(), keys.end(), [&](const ConfigKey& a, const ConfigKey& b) { return &(config.*a.field) < &(config.*b.field); });
  return keys;
}

// Rows of a table that begin with a name in backquotes which is no key, but looks like one.
void check_no_unknown_key(const std::string& file) {
  for (const std::string& line : lines_of(read_text(in_sources(file)))) {
    const std::vector<std::string> cells = cells_of(line);
    if (cells.empty() || cells[0].size() < 3 || !cells[0].starts_with("`") || !cells[0].ends_with("`")) continue;
    const std::string name = cells[0].substr(1, cells[0].size() - 2);
    if (is_table(table_of(name))) CHECK_MESSAGE(find_key(name) != nullptr, file << " has a row for the unknown key " << name);
  }
}

}  // namespace

TEST_CASE("the comment of each field in framepump_config.h states the key, range, default and change that are in force") {
  std::string text;
  for (const std::string& line : lines_of(read_text(in_sources("plugin/include/framepump/framepump_config.h")))) {
    std::string rest = trimmed(line);
    if (rest.starts_with("* ")) rest = rest.substr(2);  // a comment that goes on
    text += rest + " ";
  }
  REQUIRE(text.size() > 1000);
  size_t at = 0;
  for (const ConfigKey& key : keys_in_struct_order()) {
    const std::string wanted = "/* " + std::string(key.name) + ": " + facts_of(key, Place::header);
    const size_t found = text.find(wanted, at);
    CHECK_MESSAGE(found != std::string::npos, "framepump_config.h lacks, or has not in the order of the struct: " << wanted);
    if (found != std::string::npos) at = found;
  }
}

TEST_CASE("the shipped config file has every key once, in order, with its default, and states its range and change above it") {
  const std::vector<std::string> lines = lines_of(read_text(in_sources("assets/framepump.toml")));
  REQUIRE(lines.size() > 50);
  size_t at = 0;
  for (const ConfigKey& key : config_keys()) {
    CAPTURE(key.name);
    const std::string table = "[" + std::string(table_of(key.name)) + "]";
    const std::string setting = std::string(last_part_of(key.name)) + " = " + default_of(key, Place::file);
    const auto found = std::find(lines.begin() + static_cast<long>(at), lines.end(), setting);
    CHECK_MESSAGE(found != lines.end(), "assets/framepump.toml lacks, or has not in this order: " << setting);
    if (found == lines.end()) continue;

    const size_t line = static_cast<size_t>(found - lines.begin());
    std::string nearest_table_line;
    bool is_stated = false;
    for (size_t i = 0; i < line; ++i) {
      if (lines[i].starts_with("[")) nearest_table_line = lines[i];
      if (i >= at && lines[i].starts_with("# " + facts_of(key, Place::file))) is_stated = true;
    }
    CHECK(nearest_table_line == table);
    CHECK_MESSAGE(is_stated, "assets/framepump.toml does not state: # " << facts_of(key, Place::file));
    at = line + 1;
  }
}

TEST_CASE("every setting of the shipped config file comes after a comment of at least three lines") {
  size_t comment_lines = 0, settings = 0;
  for (const std::string& line : lines_of(read_text(in_sources("assets/framepump.toml")))) {
    if (line.starts_with("# ")) ++comment_lines;
    if (line.find(" = ") != std::string::npos && !line.starts_with("#")) {
      CHECK_MESSAGE(comment_lines >= 3, line << " has too little said about it");
      ++settings;
    }
    if (!line.starts_with("#")) comment_lines = 0;
    CHECK(line.size() <= 130);
  }
  CHECK(settings == config_keys().size());
}

TEST_CASE("the guide's table of settings has every key with its default, range and change") {
  check_table("plugin/docs/configuration.md");
  check_no_unknown_key("plugin/docs/configuration.md");
}

TEST_CASE("the guide shows mistakes in the words in which they are told") {
  const std::string six_newlines(6, '\n');
  const char* const mistakes[] = {"slize_us = 5", "linger_ms = 5", nullptr, "slice_us = \"fast\"", "slice_us = -1", "slice_us = 5x"};
  std::string told;
  for (const char* mistake : mistakes) {
    told += parse(mistake == nullptr ? "\n\n[pmup]\n" : "[pump]" + six_newlines + mistake + "\n").message + "\n";
  }
  const TemporaryFolder empty;
  told += with_words(load(empty.file()).message, empty.path() + "/", "") + "\n";
  const std::string page = read_text(in_sources("plugin/docs/configuration.md"));
  CHECK_MESSAGE(page.find("```text\n" + told + "```\n") != std::string::npos, "plugin/docs/configuration.md does not show:\n" << told);
}

TEST_CASE("README's table of settings has every key with its default, range and change, but those of what not every game uses") {
  check_table("README.md", {"listener", "datagram", "names", "download"});
  check_no_unknown_key("README.md");
}

}  // namespace framepump::test
