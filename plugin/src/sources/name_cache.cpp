// SPDX-License-Identifier: MIT
#include "sources/name_cache.h"

#include <cstring>

namespace framepump {
namespace {

uint32_t hash_of(std::string_view name) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

}  // namespace

void NameList::push_back(NameEntry& entry) {
  entry.previous = last_;
  entry.next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = &entry;
  last_ = &entry;
  ++size_;
}

void NameList::push_front(NameEntry& entry) {
  entry.previous = nullptr;
  entry.next = first_;
  (first_ == nullptr ? last_ : first_->previous) = &entry;
  first_ = &entry;
  ++size_;
}

void NameList::remove(NameEntry& entry) {
  (entry.previous == nullptr ? first_ : entry.previous->next) = entry.next;
  (entry.next == nullptr ? last_ : entry.next->previous) = entry.previous;
  entry.previous = entry.next = nullptr;
  --size_;
}

NameCache::~NameCache() {
  for (NameEntry* bucket : buckets_) {
    while (bucket != nullptr) {
      NameEntry* next = bucket->same_hash;
      host_.destroy(bucket);
      bucket = next;
    }
  }
}

NameEntry* NameCache::find_or_add(std::string_view name) {
  const uint32_t hash = hash_of(name);
  NameEntry*& bucket = buckets_[hash % kBuckets];
  for (NameEntry* entry = bucket; entry != nullptr; entry = entry->same_hash) {
    if (entry->hash != hash || name != entry->name) continue;
    const bool is_idle = entry->state == NameEntry::State::answered && !entry->is_asked_for() && !entry->is_to_be_told;
    if (is_idle) idle_.remove(*entry);  // it is the newest again as soon as it is put back
    return entry;
  }
  NameEntry* entry = host_.create<NameEntry>();
  if (entry == nullptr) return nullptr;
  std::memcpy(entry->name, name.data(), name.size());
  entry->hash = hash;
  for (NameQuery& query : entry->queries) query.entry = entry;
  entry->queries[0].family = AddressFamily::ipv6;
  entry->queries[1].family = AddressFamily::ipv4;
  entry->same_hash = bucket;
  bucket = entry;
  return entry;
}

void NameCache::unhash(NameEntry& entry) {
  NameEntry** place = &buckets_[entry.hash % kBuckets];
  while (*place != &entry) place = &(*place)->same_hash;
  *place = entry.same_hash;
}

void NameCache::append(NameEntry::List& list, LookUp& look_up) {
  look_up.previous_ = list.last;
  look_up.next_ = nullptr;
  (list.last == nullptr ? list.first : list.last->next_) = &look_up;
  list.last = &look_up;
}

void NameCache::unlink(NameEntry::List& list, LookUp& look_up) {
  (look_up.previous_ == nullptr ? list.first : look_up.previous_->next_) = look_up.next_;
  (look_up.next_ == nullptr ? list.last : look_up.next_->previous_) = look_up.previous_;
  look_up.previous_ = look_up.next_ = nullptr;
}

void NameCache::attach(LookUp& look_up, NameEntry& entry) {
  look_up.entry_ = &entry;
  look_up.knows_one_family_ = false;
  append(entry.asking[0], look_up);
}

void NameCache::detach(LookUp& look_up) {
  NameEntry* entry = look_up.entry_;
  if (entry == nullptr) return;
  unlink(entry->asking[look_up.knows_one_family_ ? 1 : 0], look_up);
  look_up.entry_ = nullptr;
  if (!entry->is_to_be_told) settle(*entry);
}

void NameCache::tell_later(NameEntry& entry) {
  if (entry.is_to_be_told) return;
  entry.is_to_be_told = true;
  entry.next_to_be_told = nullptr;
  (last_to_tell_ == nullptr ? first_to_tell_ : last_to_tell_->next_to_be_told) = &entry;
  last_to_tell_ = &entry;
}

// Null: everybody has heard what there is to hear.
LookUp* NameCache::next_to_tell(NameEntry& entry) {
  if (entry.asking[0].first != nullptr) {
    return entry.state == NameEntry::State::answered || entry.has_addresses() ? entry.asking[0].first : nullptr;
  }
  return entry.state == NameEntry::State::answered ? entry.asking[1].first : nullptr;
}

// Whoever is told may ask and forget, so nothing is kept across a call but the entry that is first.
void NameCache::tell(uint32_t at_most) {
  while (first_to_tell_ != nullptr) {
    NameEntry& entry = *first_to_tell_;
    while (LookUp* look_up = next_to_tell(entry)) {
      if (at_most-- == 0) return;
      const NameAnswer answer = answer_of(entry);
      unlink(entry.asking[look_up->knows_one_family_ ? 1 : 0], *look_up);
      if (answer.is_final) {
        look_up->entry_ = nullptr;
      } else {
        look_up->knows_one_family_ = true;
        append(entry.asking[1], *look_up);
      }
      look_up->on_answer(answer);
    }
    first_to_tell_ = entry.next_to_be_told;
    if (first_to_tell_ == nullptr) last_to_tell_ = nullptr;
    entry.is_to_be_told = false;
    settle(entry);
  }
}

NameAnswer NameCache::answer_of(const NameEntry& entry) {
  NameAnswer answer;
  answer.is_final = entry.state == NameEntry::State::answered;
  answer.reason = answer.is_final ? entry.reason : uint8_t{0};
  const NameQuery& ipv6 = entry.queries[0];
  const NameQuery& ipv4 = entry.queries[1];
  answer.ipv6 = ipv6.addresses;
  answer.ipv4 = ipv4.addresses;
  answer.ipv6_count = ipv6.state == FamilyState::has_addresses ? ipv6.count : 0;
  answer.ipv4_count = ipv4.state == FamilyState::has_addresses ? ipv4.count : 0;
  answer.text = entry.text;
  return answer;
}

void NameCache::settle(NameEntry& entry) {
  if (entry.state == NameEntry::State::answered && !entry.is_asked_for() && !entry.is_to_be_told) idle_.push_back(entry);
}

void NameCache::trim(uint32_t kept) {
  while (idle_.size() > kept) {
    NameEntry& oldest = *idle_.front();
    idle_.remove(oldest);
    unhash(oldest);
    host_.destroy(&oldest);
  }
}

void NameCache::make_all_void() {
  for (NameEntry* entry = idle_.front(); entry != nullptr; entry = entry->next) entry->make_void();
  for (NameEntry* entry = first_to_tell_; entry != nullptr; entry = entry->next_to_be_told) {
    if (entry->state == NameEntry::State::answered) entry->make_void();
  }
}

}  // namespace framepump
