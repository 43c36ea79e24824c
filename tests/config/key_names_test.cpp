// SPDX-License-Identifier: MIT
#include "config/key_names.h"

#include <doctest/doctest.h>

#include <string>

namespace framepump::test {
namespace {

std::string nearest(std::string_view written) {
  const ConfigKey* key = nearest_key(written);
  return key == nullptr ? "" : key->name;
}

}  // namespace

TEST_CASE("every known name is found, and is nearest to itself") {
  for (const ConfigKey& key : config_keys()) {
    CHECK(find_key(key.name) == &key);
    CHECK(nearest_key(key.name) == &key);
    CHECK(is_table(table_of(key.name)));
    CHECK(nearest_table(table_of(key.name)) == table_of(key.name));
  }
  CHECK(find_key("pump.slice") == nullptr);
  CHECK(find_key("") == nullptr);
  CHECK_FALSE(is_table(""));
  CHECK_FALSE(is_table("pum"));
}

TEST_CASE("one letter dropped, doubled, changed or swapped in any key still leads to that key") {
  for (const ConfigKey& key : config_keys()) {
    const std::string name = key.name;
    for (size_t at = name.find('.') + 1; at < name.size(); ++at) {
      std::string dropped = name, doubled = name, changed = name, swapped = name;
      dropped.erase(at, 1);
      doubled.insert(at, 1, name[at]);
      changed[at] = 'q';
      CHECK(nearest(dropped) == name);
      CHECK(nearest(doubled) == name);
      CHECK(nearest(changed) == name);
      if (at + 1 < name.size()) std::swap(swapped[at], swapped[at + 1]);
      CHECK(nearest(swapped) == name);
    }
  }
}

TEST_CASE("a key in the wrong table, or in none, leads to its own table") {
  CHECK(nearest("pump.linger_ms") == "stream.linger_ms");
  CHECK(nearest("slice_us") == "pump.slice_us");
  CHECK(nearest("memory.streams") == "limits.streams");
  CHECK(nearest("stream.budget") == "memory.budget_kib");
  // As far from one as from the other: the key of the same table is meant.
  CHECK(nearest("listener.backeg") == "listener.backlog");
  CHECK(nearest("pump.backeg") == "pump.backend");
}

TEST_CASE("a forgotten or wrong unit leads to the key") {
  CHECK(nearest("pump.slice_ms") == "pump.slice_us");
  CHECK(nearest("pump.slice") == "pump.slice_us");
  CHECK(nearest("stream.keepalive_ms") == "stream.keepalive_s");
  CHECK(nearest("stream.receive_limit") == "stream.receive_limit_kib");
}

TEST_CASE("another word leads nowhere") {
  CHECK(nearest("pump.foo").empty());
  CHECK(nearest("").empty());
  CHECK(nearest("pump.").empty());
  CHECK(nearest("pump." + std::string(100'000, 's')).empty());
  CHECK(nearest_table("video").empty());
  CHECK(nearest_table("").empty());
}

TEST_CASE("a misspelt table leads to the table") {
  CHECK(nearest_table("pmup") == "pump");
  CHECK(nearest_table("streams") == "stream");
  CHECK(nearest_table("listeners") == "listener");
  CHECK(nearest_table("limit") == "limits");
}

TEST_CASE("lists of names hold every table and every key once") {
  CHECK(list_tables() == "pump, memory, stream, listener, limits, datagram, download, names");
  CHECK(list_keys_of("memory") == "budget_kib, kernel_window_kib");
  CHECK(list_keys_of("limits") == "streams");
}

}  // namespace framepump::test
