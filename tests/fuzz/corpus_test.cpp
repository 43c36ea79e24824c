// SPDX-License-Identifier: MIT
//
// The fuzz targets as ordinary tests: each file of their corpus, and changes of it which are the same in each run.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "config/source_root.h"
#include "config/temporary_folder.h"
#include "fuzz/mutation.h"
#include "fuzz/target.h"

namespace framepump::fuzz {

void fail(const char* what) {
  FAIL_CHECK("not so: " << std::string(what));
}

namespace {

using Target = std::function<void(std::string_view)>;

std::string corpus_folder() {
  return test::in_sources("tests/fuzz/corpus");
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// As libFuzzer hands them over: not a byte behind them, so that AddressSanitizer notices who reads on.
void hand_over(const Target& target, const std::string& bytes) {
  const auto copy = std::make_unique<char[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  target({copy.get(), bytes.size()});
}

// Sanitizers make all of it ten times slower.
int changes_of_each() {
  return std::getenv("FRAMEPUMP_TEST_SANITIZED") != nullptr ? 20 : 200;
}

void run_corpus(const std::string& name, const Target& target) {
  const std::string folder = corpus_folder() + "/" + name;
  const std::vector<std::string> files = names_in(folder);
  REQUIRE(files.size() >= 3);
  for (const std::string& file : files) {
    CAPTURE(file);
    const std::string bytes = test::read_text(folder + "/" + file);
    hand_over(target, bytes);
    std::mt19937_64 random(20261126);
    for (int change = 1; change <= changes_of_each(); ++change) {
      CAPTURE(change);
      hand_over(target, test::mutated(bytes, random));
    }
  }
}

}  // namespace

TEST_CASE("fuzz corpus: addresses are read as the system reads them") { run_corpus("address_text", address_text); }
TEST_CASE("fuzz corpus: a config file is read or refused") { run_corpus("config_text", config_text); }
TEST_CASE("fuzz corpus: settings are judged alike in a struct and in a file") { run_corpus("config_values", config_values); }
TEST_CASE("fuzz corpus: messages about settings are whole and printable") { run_corpus("config_words", config_words); }
TEST_CASE("fuzz corpus: a hosts file says of a name what stands there") { run_corpus("host_names", host_names); }
TEST_CASE("fuzz corpus: the demo's addresses are read as they are written") { run_corpus("host_port", host_port); }
TEST_CASE("fuzz corpus: a request to the demo's server is judged alike in any pieces") { run_corpus("http_head", http_head); }
TEST_CASE("fuzz corpus: what servers say of a file is refused or means what it says") { run_corpus("http_fields", http_fields); }
TEST_CASE("fuzz corpus: a URL is the same machine for curl, and a redirect leads to a URL") { run_corpus("http_url", http_url); }
TEST_CASE("fuzz corpus: the same messages come in whatever pieces") { run_corpus("message_frames", message_frames); }
TEST_CASE("fuzz corpus: the state of a part is refused or read as it is written") { run_corpus("part_state", part_state); }
TEST_CASE("fuzz corpus: datagrams of the swarm are refused or read") { run_corpus("swarm_datagram", swarm_datagram); }
TEST_CASE("fuzz corpus: heads of the update are refused or read") { run_corpus("update_head", update_head); }

TEST_CASE("fuzz corpus: every target has files and a test, and nothing else has files") {
  std::set<std::string> targets;
  for (const std::string& name : names_in(test::in_sources("tests/fuzz"))) {
    if (name.ends_with(".cpp") && name != "corpus_test.cpp") targets.insert(name.substr(0, name.size() - 4));
  }
  const std::vector<std::string> folders = names_in(corpus_folder());
  CHECK(std::vector<std::string>(targets.begin(), targets.end()) == folders);
  const std::string self = test::read_text(test::in_sources("tests/fuzz/corpus_test.cpp"));
  for (const std::string& target : targets) {
    CAPTURE(target);
    CHECK(self.find("run_corpus(\"" + target + "\", " + target + ")") != std::string::npos);
  }
}

TEST_CASE("fuzz corpus: each file is handed over, and changes of it that differ") {
  std::set<std::string> seen;
  run_corpus("http_head", [&](std::string_view bytes) { seen.insert(std::string(bytes)); });
  const std::string folder = corpus_folder() + "/http_head";
  for (const std::string& file : names_in(folder)) {
    CAPTURE(file);
    CHECK(seen.contains(test::read_text(folder + "/" + file)));
  }
  CHECK(seen.size() > names_in(folder).size() * static_cast<size_t>(changes_of_each()) / 2);
}

}  // namespace framepump::fuzz
