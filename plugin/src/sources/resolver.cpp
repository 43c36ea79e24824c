// SPDX-License-Identifier: MIT
//
// c-ares in the pump. It sends, resends and reads answers; the rest is done here: hosts file and search list (it would read the file at
// each look-up, on the thread that pumps), cache, sharing, and bounds. resolver_sockets.cpp has its sockets, resolver_files.cpp the files;
// only files of this name include ares.h.
#include "sources/resolver.h"

#ifdef FRAMEPUMP_WITH_NAMES  // else sources/resolver_absent.cpp

#include <ares.h>
#include <ares_nameser.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "gate/stream_gate.h"
#include "pump/pump.h"
#include "sources/commandable.h"
#include "sources/environment.h"
#include "sources/name_cache.h"
#include "sources/resolver_files.h"
#include "sources/resolver_replies.h"
#include "sources/resolver_setup.h"
#include "sources/resolver_sockets.h"

namespace framepump {
namespace {

// What one turn does at most, beside reading. A query sent takes some 5 us, so together about as long as a stream's quantum.
constexpr uint32_t kStartsPerTurn = 4;    // names, two queries each
constexpr uint32_t kTellsPerTurn = 256;   // notes of an answer, each a copy of the addresses

// Files are looked at again before a name is asked for, when the last look was so long ago.
constexpr int64_t kFilesGoodForUs = 5'000'000;
constexpr int64_t kFilesAgainUs = 100'000;  // when there was no memory for what they say
constexpr uint32_t kNegativeTtlS = 5;     // of "there is no such name"

class AresResolver final : public Resolver, private Commandable, private Source {
 public:
  explicit AresResolver(const ResolverOptions& options)
      : Source(Line::receive, FRAMEPUMP_PRIORITY_NORMAL, 0),
        host_(options.host),
        pump_(options.pump),
        settings_(options.settings),
        sockets_(options.pump, *this),
        files_({options.host, options.settings, sockets_, options.commands, *this, options.waker}),
        cache_(options.host) {}
  ~AresResolver() override;

  bool start(FileThread& files) override;
  bool look_up(LookUp& look_up, const char* name, int64_t now_us) override;
  void forget(LookUp& look_up) override;
  const char* describe(const LookUp& look_up) override;
  void on_tick() override {
    if (asked_.size() > 0) pump_.make_ready(*this);
  }

 private:
  // The channel is about to go: what it was asked is asked anew, or nobody cares.
  enum class Ending : uint8_t { no, renewal, close };

  // Source, Commandable
  Turn take_turn(const TurnContext& context) override;
  void on_commands(uint32_t bits, int64_t now_us) override;

  void take_setup();
  void put_in_line(NameEntry& entry);
  void drop_from_line(NameEntry& entry);
  bool may_start() const;
  void look_at_files_if_outdated();
  void start_some();
  void begin(NameEntry& entry);
  bool answer_from_files(NameEntry& entry);
  void ask(NameEntry& entry);
  void serve_sockets();
  int64_t next_time_out_us() const;
  void on_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes);
  void conclude(NameEntry& entry);
  bool ask_next(NameEntry& entry);
  void answer(NameEntry& entry, uint8_t reason, uint32_t ttl_s);
  void describe_failure(NameEntry& entry, const NameQuery& failed) const;
  void list_asked_names(const NameEntry& entry, std::span<char> out) const;

  // what c-ares calls
  static void reply_callback(void* query, int status, int time_outs, unsigned char* bytes, int size_bytes);

  const Host& host_;
  Pump& pump_;
  LiveSettings& settings_;
  NameSockets sockets_;
  NameFilesReader files_;
  bool is_started_ = false;

  // the token holder's
  NameCache cache_;
  NameList asked_;
  NameSetup* setup_ = nullptr;
  int64_t now_us_ = 0;
  int64_t files_looked_at_us_ = INT64_MIN / 2;
  Ending ending_ = Ending::no;
  bool is_looking_at_files_ = false;
  char description_[640] = {};
};

AresResolver::~AresResolver() {
  ending_ = Ending::close;
  pump_.forget(*this);
  destroy_setup(host_, setup_);
}

bool AresResolver::start(FileThread& files) {
  if (is_started_) return true;
  is_looking_at_files_ = true;
  is_started_ = files_.start(files);
  return is_started_;
}

bool AresResolver::look_up(LookUp& look_up, const char* name, int64_t now_us) {
  forget(look_up);
  now_us_ = std::max(now_us_, now_us);
  char small[kNameBytes];
  copy_in_small_letters(name, small);
  NameEntry* entry = cache_.find_or_add(small);
  if (entry == nullptr) return false;
  if (entry->state == NameEntry::State::answered && !entry->is_to_be_told && now_us_ < entry->expires_at_us) {
    const NameAnswer answer = NameCache::answer_of(*entry);
    cache_.settle(*entry);
    look_at_files_if_outdated();  // the next who asks hears of an edit
    look_up.on_answer(answer);
    return true;
  }
  cache_.attach(look_up, *entry);
  const bool is_new = entry->state == NameEntry::State::fresh ||
                      (entry->state == NameEntry::State::answered && (!entry->is_to_be_told || entry->is_void()));
  if (is_new) put_in_line(*entry);
  if (entry->is_to_be_told || entry->has_addresses()) cache_.tell_later(*entry);
  pump_.make_ready(*this);
  return true;
}

void AresResolver::forget(LookUp& look_up) {
  NameEntry* entry = cache_.entry_of(look_up);
  if (entry == nullptr) return;
  cache_.detach(look_up);
  if (entry->state == NameEntry::State::in_line && !entry->is_asked_for()) drop_from_line(*entry);
}

void AresResolver::put_in_line(NameEntry& entry) {
  entry.state = NameEntry::State::in_line;
  entry.attempt = 0;
  entry.reason = FRAMEPUMP_REASON_NONE;
  entry.text[0] = '\0';
  entry.began_at_us = now_us_;
  for (NameQuery& query : entry.queries) {
    query.state = FamilyState::unasked;
    query.count = 0;
    query.failure = 0;
  }
  cache_.line.push_back(entry);
}

// As good as answered long ago: found again, it is asked for.
void AresResolver::drop_from_line(NameEntry& entry) {
  cache_.line.remove(entry);
  entry.state = NameEntry::State::answered;
  entry.make_void();
  cache_.settle(entry);
}

const char* AresResolver::describe(const LookUp& look_up) {
  const NameEntry* entry = cache_.entry_of(look_up);
  description_[0] = '\0';
  if (entry == nullptr) return description_;
  const auto waited_ms = static_cast<long long>((now_us_ - entry->began_at_us) / 1000);
  if (entry->state == NameEntry::State::in_line && (setup_ == nullptr || is_looking_at_files_)) {
    std::snprintf(description_, sizeof(description_), "%.120s and %.120s were not read within %lld ms", files_.hosts_path(),
                  files_.resolv_conf_path(), waited_ms);
  } else if (entry->state == NameEntry::State::in_line) {
    std::snprintf(description_, sizeof(description_),
                  "it waited %lld ms for its turn behind other names (names.parallel is %u)", waited_ms,
                  settings_.names_parallel.load(std::memory_order_relaxed));
  } else {
    char names[160];
    list_asked_names(*entry, names);
    std::snprintf(description_, sizeof(description_), "no answer from %s within %lld ms, asked for %s",
                  setup_ != nullptr ? setup_->servers : "", waited_ms, names);
  }
  return description_;
}

void AresResolver::on_commands(uint32_t, int64_t now_us) {
  now_us_ = std::max(now_us_, now_us);
  pump_.make_ready(*this);
}

Turn AresResolver::take_turn(const TurnContext& context) {
  now_us_ = std::max(now_us_, context.now_us);
  take_setup();
  serve_sockets();
  start_some();
  cache_.tell(kTellsPerTurn);
  cache_.trim(settings_.names_cache_entries.load(std::memory_order_relaxed));
  Turn turn;
  if (cache_.has_to_tell() || may_start() || sockets_.has_ready()) turn.outcome = Outcome::more;
  turn.wake_at_us = next_time_out_us();
  if (cache_.line.size() > 0 && setup_ == nullptr) turn.wake_at_us = std::min(turn.wake_at_us, now_us_ + kFilesAgainUs);
  return turn;
}

// The file thread has looked at the files.
void AresResolver::take_setup() {
  if (!is_looking_at_files_ || !files_.has_looked()) return;
  is_looking_at_files_ = false;
  files_looked_at_us_ = now_us_;
  NameSetup* made = files_.take();
  if (made == nullptr) return;
  NameSetup* old = std::exchange(setup_, made);
  cache_.make_all_void();
  if (old == nullptr) return;
  ending_ = Ending::renewal;
  if (old->channel != nullptr) ares_destroy(std::exchange(old->channel, nullptr));
  ending_ = Ending::no;
  while (NameEntry* entry = asked_.front()) {
    asked_.remove(*entry);
    put_in_line(*entry);
  }
  files_.give_back(old);
}

bool AresResolver::may_start() const {
  return cache_.line.size() > 0 && !is_looking_at_files_ && setup_ != nullptr &&
         asked_.size() < settings_.names_parallel.load(std::memory_order_relaxed);
}

void AresResolver::look_at_files_if_outdated() {
  const int64_t good_for_us = setup_ != nullptr ? kFilesGoodForUs : kFilesAgainUs;
  if (is_looking_at_files_ || now_us_ - files_looked_at_us_ < good_for_us) return;
  is_looking_at_files_ = true;
  files_.look_again();
}

void AresResolver::start_some() {
  if (cache_.line.size() == 0) return;
  look_at_files_if_outdated();
  for (uint32_t n = 0; n < kStartsPerTurn && may_start(); ++n) {
    NameEntry& entry = *cache_.line.front();
    cache_.line.remove(entry);
    begin(entry);
  }
}

void AresResolver::begin(NameEntry& entry) {
  entry.state = NameEntry::State::asked;
  asked_.push_back(entry);
  if (answer_from_files(entry)) return;
  if (setup_->channel == nullptr) {
    std::snprintf(entry.text, sizeof(entry.text), "c-ares could not be set up: %s", setup_->trouble);
    return answer(entry, FRAMEPUMP_REASON_NAME_FAILED, 0);
  }
  ask(entry);
}

// localhost, whatever the files say of it, and names of the hosts file.
bool AresResolver::answer_from_files(NameEntry& entry) {
  std::string_view name(entry.name);
  if (name.back() == '.') name.remove_suffix(1);
  bool is_there = false;
  for (NameQuery& query : entry.queries) {
    if (is_localhost(name)) {
      const char* loopback = query.family == AddressFamily::ipv6 ? "::1" : "127.0.0.1";
      query.count = parse_address(loopback, 0, query.addresses[0]) ? 1 : 0;
    } else {
      query.count = setup_->hosts.find(name, query.family, query.addresses);
    }
    query.state = query.count > 0 ? FamilyState::has_addresses : FamilyState::has_none;
    is_there |= query.count > 0;
  }
  if (is_there) answer(entry, FRAMEPUMP_REASON_NONE, 0);
  return is_there;
}

// Both families at once. c-ares may answer within the call.
void AresResolver::ask(NameEntry& entry) {
  char name[kNameBytes];
  (void)name_to_ask_for(entry.name, setup_->search, entry.attempt, name);
  for (NameQuery& query : entry.queries) {
    query.owner = this;
    query.state = FamilyState::asked;
  }
  for (NameQuery& query : entry.queries) {
    ares_query(setup_->channel, name, ns_c_in, query.family == AddressFamily::ipv6 ? ns_t_aaaa : ns_t_a, reply_callback, &query);
  }
}

// The next name of the search list; false: there is none.
bool AresResolver::ask_next(NameEntry& entry) {
  char name[kNameBytes];
  do {
    if (!name_to_ask_for(entry.name, setup_->search, entry.attempt + 1u, name)) return false;
    ++entry.attempt;
  } while (name[0] == '\0');
  ask(entry);
  return true;
}

void AresResolver::reply_callback(void* query_pointer, int status, int, unsigned char* bytes, int size_bytes) {
  NameQuery& query = *static_cast<NameQuery*>(query_pointer);
  static_cast<AresResolver*>(query.owner)->on_reply(query, status, bytes, size_bytes);
}

void AresResolver::on_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes) {
  if (ending_ != Ending::no) return;
  NameEntry& entry = *query.entry;
  note_reply(query, status, bytes, size_bytes);
  const bool is_complete = std::none_of(entry.queries, entry.queries + kFamilies,
                                        [](const NameQuery& one) { return one.state == FamilyState::asked; });
  if (is_complete) return conclude(entry);
  if (query.state == FamilyState::has_addresses) cache_.tell_later(entry);
}

// Both families have said what they say of one name of the search list.
void AresResolver::conclude(NameEntry& entry) {
  uint32_t ttl_s = UINT32_MAX;
  const NameQuery* failed = nullptr;
  for (const NameQuery& query : entry.queries) {
    if (query.state == FamilyState::has_addresses) ttl_s = std::min(ttl_s, query.ttl_s);
    if (query.state == FamilyState::failed) failed = &query;
  }
  if (entry.has_addresses()) return answer(entry, FRAMEPUMP_REASON_NONE, ttl_s);
  // A server that cannot tell of one domain may tell of the next; one that does not answer is not asked for more.
  const bool is_silent = failed != nullptr && failed->failure == FRAMEPUMP_REASON_NAME_TIMED_OUT;
  if (failed != nullptr) describe_failure(entry, *failed);
  if (!is_silent && ask_next(entry)) return;
  if (failed != nullptr) return answer(entry, failed->failure, 0);
  if (entry.text[0] != '\0') return answer(entry, FRAMEPUMP_REASON_NAME_FAILED, 0);  // under one of the names before
  char names[160];
  list_asked_names(entry, names);
  std::snprintf(entry.text, sizeof(entry.text), "%.130s: there is no address of %s", setup_->servers, names);
  answer(entry, FRAMEPUMP_REASON_NAME_NOT_FOUND, kNegativeTtlS);
}

void AresResolver::describe_failure(NameEntry& entry, const NameQuery& failed) const {
  char name[kNameBytes] = {};
  (void)name_to_ask_for(entry.name, setup_->search, entry.attempt, name);
  if (failed.failure == FRAMEPUMP_REASON_NAME_TIMED_OUT) {
    std::snprintf(entry.text, sizeof(entry.text), "no answer from %.130s for %.100s within %lld ms (names.tries is %u, names.timeout_ms %u)",
                  setup_->servers, name, static_cast<long long>((now_us_ - entry.began_at_us) / 1000), setup_->tries, setup_->timeout_ms);
  } else {
    std::snprintf(entry.text, sizeof(entry.text), "%.130s for %.100s: %s", setup_->servers, name, ares_strerror(failed.code));
  }
}

// Those that were asked for so far, ", " between them.
void AresResolver::list_asked_names(const NameEntry& entry, std::span<char> out) const {
  out[0] = '\0';
  size_t size = 0;
  for (uint32_t attempt = 0; setup_ != nullptr && attempt <= entry.attempt; ++attempt) {
    char name[kNameBytes] = {};
    if (!name_to_ask_for(entry.name, setup_->search, attempt, name) || name[0] == '\0') continue;
    const int length = std::snprintf(out.data() + size, out.size() - size, "%s%s", size > 0 ? ", " : "", name);
    if (length < 0 || size + static_cast<size_t>(length) >= out.size()) break;
    size += static_cast<size_t>(length);
  }
}

void AresResolver::answer(NameEntry& entry, uint8_t reason, uint32_t ttl_s) {
  asked_.remove(entry);
  entry.state = NameEntry::State::answered;
  entry.reason = reason;
  const uint32_t longest_s = settings_.names_ttl_max_s.load(std::memory_order_relaxed);
  entry.expires_at_us = now_us_ + int64_t{std::min(ttl_s, longest_s)} * 1'000'000;
  cache_.tell_later(entry);
}

void AresResolver::serve_sockets() {
  if (setup_ != nullptr && setup_->channel != nullptr) sockets_.serve(setup_->channel);
}

int64_t AresResolver::next_time_out_us() const {
  if (setup_ == nullptr || setup_->channel == nullptr || asked_.size() == 0) return kNever;
  timeval left = {};
  if (ares_timeout(setup_->channel, nullptr, &left) == nullptr) return kNever;
  constexpr int64_t kNotAtOnceUs = 1000;  // c-ares counts in milliseconds, and in whole ones
  return now_us_ + int64_t{left.tv_sec} * 1'000'000 + left.tv_usec + kNotAtOnceUs;
}

}  // namespace

bool has_names() { return true; }

Resolver* make_resolver(const ResolverOptions& options) { return options.host.create<AresResolver>(options); }

void destroy_resolver(const Host& host, Resolver* resolver) { host.destroy(static_cast<AresResolver*>(resolver)); }

}  // namespace framepump

#endif
