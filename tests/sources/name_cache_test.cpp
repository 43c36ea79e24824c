// SPDX-License-Identifier: MIT
#include "sources/name_cache.h"

#include <doctest/doctest.h>

using namespace framepump;

namespace {

struct Asker final : LookUp {
  void on_answer(const NameAnswer& answer) override {
    ++heard;
    is_final = answer.is_final;
    ipv4_count = answer.ipv4_count;
  }
  int heard = 0;
  bool is_final = false;
  uint32_t ipv4_count = 0;
};

}  // namespace

TEST_CASE("an answer that became void is told to those who wait for it, and is for nobody else") {
  const Host host;
  NameCache cache(host);
  Asker first;
  Asker second;
  NameEntry* entry = cache.find_or_add("a.example");
  REQUIRE(entry != nullptr);
  cache.attach(first, *entry);
  cache.attach(second, *entry);
  entry->state = NameEntry::State::answered;
  entry->expires_at_us = 1'000'000;
  entry->queries[1].state = FamilyState::has_addresses;
  entry->queries[1].count = 1;
  cache.tell_later(*entry);
  cache.tell(1);
  CHECK_EQ(first.heard, 1);
  CHECK_EQ(second.heard, 0);
  CHECK_FALSE(entry->is_void());
  cache.make_all_void();
  CHECK(entry->is_void());
  cache.tell(10);
  CHECK_EQ(second.heard, 1);
  CHECK(second.is_final);
  CHECK_EQ(second.ipv4_count, 1);
  CHECK_FALSE(cache.has_to_tell());
  NameEntry* idle = cache.find_or_add("a.example");
  REQUIRE_EQ(idle, entry);
  CHECK(idle->is_void());
  cache.settle(*idle);
}
