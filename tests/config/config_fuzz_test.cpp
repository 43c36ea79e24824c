// SPDX-License-Identifier: MIT
//
// Whatever stands in the file, reading it ends in settings that are allowed or in a message that can be printed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "fuzz/mutation.h"
#include "parsed.h"
#include "source_root.h"
#include "temporary_folder.h"

namespace framepump::test {
namespace {

constexpr char kPath[] = "framepump.toml";

bool is_printable(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

// One CHECK for each text would take longer than reading it.
bool ends_well(std::string_view text) {
  framepump_config config = {};
  framepump_message message = {};
  if (parse_config(text.data(), text.size(), kPath, config, message)) return validate(config, message);
  if (std::memchr(message.text, 0, sizeof(message.text)) == nullptr) return false;
  const std::string_view said(message.text);
  return said.starts_with("framepump.toml:") && is_printable(said) && message.code == FRAMEPUMP_ERROR_CONFIG;
}

uint64_t seed() {
  const char* given = std::getenv("FRAMEPUMP_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("seed: FRAMEPUMP_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

// Sanitizers make reading ten times slower and look at each byte anyway.
bool is_sanitized() { return std::getenv("FRAMEPUMP_TEST_SANITIZED") != nullptr; }
int rounds(int wanted) { return is_sanitized() ? wanted / 10 : wanted; }

std::string without_comments(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    if (text[at] != '#' && text[at] != '\n') out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

}  // namespace

TEST_CASE("every beginning of the shipped config file is read or refused") {
  const std::string text = read_text(in_sources("assets/framepump.toml"));
  REQUIRE(text.size() > 1000);
  for (size_t size = 0; size <= text.size(); size += is_sanitized() ? 7 : 1) {
    const bool is_good = ends_well(std::string_view(text).substr(0, size));
    if (!is_good) FAIL_CHECK("the first " << size << " bytes");
  }
}

TEST_CASE("a config file with bytes changed at random is read or refused") {
  const std::string whole = read_text(in_sources("assets/framepump.toml"));
  const std::string bare = without_comments(whole);
  REQUIRE(bare.size() > 300);
  std::mt19937_64 random(seed());
  for (int i = 0; i < rounds(20'000); ++i) {
    const std::string text = mutated(i % 10 == 0 ? whole : bare, random);
    if (!ends_well(text)) FAIL_CHECK("mutation " << i << ": " << text);
  }
}

TEST_CASE("random bytes are read or refused") {
  std::mt19937_64 random(seed());
  for (int i = 0; i < rounds(5'000); ++i) {
    std::string text(random() % 64, '\0');
    for (char& c : text) c = static_cast<char>(random());
    if (!ends_well(text)) FAIL_CHECK("random text " << i);
  }
}

}  // namespace framepump::test
