// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/host.h"
#include "sources/host_name.h"
#include "sources/resolver.h"

namespace framepump {

// The question for one family, under way or answered.
enum class FamilyState : uint8_t { unasked, asked, has_addresses, has_none, failed };
constexpr uint32_t kFamilies = 2;  // 0: IPv6, 1: IPv4

struct NameQuery {
  NameEntry* entry = nullptr;
  void* owner = nullptr;  // who asks it; for the library's callback, which takes one pointer
  AddressFamily family = AddressFamily::none;
  FamilyState state = FamilyState::unasked;
  uint8_t failure = 0;  // failed: FRAMEPUMP_REASON_NAME_*
  int32_t code = 0;     // failed: the library's
  uint32_t ttl_s = 0;
  uint32_t count = 0;
  SocketAddress addresses[kAddressesPerFamily];
};

// One name: who asks for it, and what is known.
struct NameEntry {
  enum class State : uint8_t { fresh, in_line, asked, answered };

  char name[kNameBytes] = {};
  NameQuery queries[kFamilies];
  State state = State::fresh;
  uint8_t reason = 0;          // answered, without addresses
  uint8_t attempt = 0;         // of the search list
  bool is_to_be_told = false;  // somebody can be told something
  int64_t began_at_us = 0;     // when it was put in line
  int64_t expires_at_us = 0;   // answered: until then the answer may be given to others
  uint32_t hash = 0;
  char text[512] = {};

  // Who asks: those who know nothing yet, and those who were told of one family.
  struct List {
    LookUp* first = nullptr;
    LookUp* last = nullptr;
  };
  List asking[2];
  NameEntry* same_hash = nullptr;
  // In one list at a time: the line, or, answered and without anybody who asks, the idle ones, the newest last.
  NameEntry* previous = nullptr;
  NameEntry* next = nullptr;
  NameEntry* next_to_be_told = nullptr;

  // Answered, but what it says is for nobody who asks from now on, not even while others are still told of it.
  void make_void() { expires_at_us = INT64_MIN; }
  bool is_void() const { return expires_at_us == INT64_MIN; }

  bool is_asked_for() const { return asking[0].first != nullptr || asking[1].first != nullptr; }
  bool has_addresses() const {
    return queries[0].state == FamilyState::has_addresses || queries[1].state == FamilyState::has_addresses;
  }
};

// An intrusive list of entries, first in, first out.
class NameList {
 public:
  void push_back(NameEntry& entry);
  void push_front(NameEntry& entry);
  void remove(NameEntry& entry);
  NameEntry* front() const { return first_; }
  uint32_t size() const { return size_; }

 private:
  NameEntry* first_ = nullptr;
  NameEntry* last_ = nullptr;
  uint32_t size_ = 0;
};

// The names that somebody asks for, and those that were asked for lately: all questions for one name share its entry. Answers that nobody
// waits for are kept until others need the place; names with somebody waiting are bounded by who waits.
class NameCache {
 public:
  explicit NameCache(const Host& host) : host_(host) {}
  ~NameCache();
  NameCache(const NameCache&) = delete;
  NameCache& operator=(const NameCache&) = delete;

  // The entry of a name in small letters, made if it must be; null: out of memory. Before the next call somebody is attached to it, or it
  // is put in its place by settle.
  NameEntry* find_or_add(std::string_view name);
  void attach(LookUp& look_up, NameEntry& entry);
  void detach(LookUp& look_up);
  NameEntry* entry_of(const LookUp& look_up) const { return look_up.entry_; }

  // There is news of an entry, or somebody new who has not heard it.
  void tell_later(NameEntry& entry);
  bool has_to_tell() const { return first_to_tell_ != nullptr; }
  // Tells as many as `at_most`.
  void tell(uint32_t at_most);
  // The answer as it stands; final when the entry is answered.
  static NameAnswer answer_of(const NameEntry& entry);

  // Answered and asked for by nobody, it is kept for others, else nothing happens.
  void settle(NameEntry& entry);
  // Forgets answers that nobody waits for, the oldest first, down to this many.
  void trim(uint32_t kept);
  // Answers are void from now on: the files that they came from have changed.
  void make_all_void();

  NameList line;  // who is to be asked for, in order

 private:
  static constexpr uint32_t kBuckets = 1024;

  void unhash(NameEntry& entry);
  static LookUp* next_to_tell(NameEntry& entry);
  static void unlink(NameEntry::List& list, LookUp& look_up);
  static void append(NameEntry::List& list, LookUp& look_up);

  const Host& host_;
  NameEntry* buckets_[kBuckets] = {};
  NameList idle_;
  NameEntry* first_to_tell_ = nullptr;
  NameEntry* last_to_tell_ = nullptr;
};

}  // namespace framepump
