// SPDX-License-Identifier: MIT
//
// c-ares in the pump. It sends, resends and reads answers; the rest is done here: hosts file and search list (it would read the file at
// each look-up, on the thread that pumps), cache, sharing, and bounds. The only file that includes ares.h.
#include "sources/resolver.h"

#ifdef FRAMEPUMP_WITH_NAMES  // else sources/resolver_absent.cpp

#include <ares.h>
#include <ares_nameser.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "gate/stream_gate.h"
#include "platform/file.h"
#include "platform/file_thread.h"
#include "platform/library_socket.h"
#include "pump/pump.h"
#include "sources/commandable.h"
#include "sources/environment.h"
#include "sources/hosts_table.h"
#include "sources/name_cache.h"

namespace framepump {
namespace {

// What one turn does at most. A query sent or an answer read takes some 5 us, so together about as long as a stream's quantum.
constexpr uint32_t kStartsPerTurn = 4;    // names, two queries each
constexpr uint32_t kReadsPerTurn = 16;
constexpr uint32_t kTellsPerTurn = 256;   // notes of an answer, each a copy of the addresses

constexpr uint32_t kMostSockets = 16;     // one UDP and one TCP for each server; resolv.conf has three of those at most by custom

// Files are looked at again before a name is asked for, when the last look was so long ago.
constexpr int64_t kFilesGoodForUs = 5'000'000;
constexpr int64_t kFilesAgainUs = 100'000;  // when there was no memory for what they say
constexpr uint32_t kNegativeTtlS = 5;     // of "there is no such name"

#if defined(_WIN32)
constexpr const char* kHostsPath = "C:\\Windows\\System32\\drivers\\etc\\hosts";
#else
constexpr const char* kHostsPath = "/etc/hosts";
#endif
constexpr const char* kResolvConfPath = "/etc/resolv.conf";

// c-ares counts its users without a lock of its own.
std::mutex library_mutex;

bool start_library() {
  const std::lock_guard lock(library_mutex);
  return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
}

void end_library() {
  const std::lock_guard lock(library_mutex);
  ares_library_cleanup();
}

uint64_t mix(uint64_t hash, std::string_view bytes) {
  for (char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;  // FNV-1a
  return (hash ^ bytes.size()) * 1099511628211u;
}

// What the files say, made by the file thread, then the pump's.
struct NameSetup {
  explicit NameSetup(const Host& host) : hosts(host) {}

  ares_channel channel = nullptr;
  HostsTable hosts;
  SearchList search;
  uint32_t timeout_ms = 0;
  uint32_t tries = 0;
  char servers[200] = {};
  char trouble[160] = {};  // why there is no channel
  NameSetup* next = nullptr;
};

void list_servers(NameSetup& setup) {
  ares_addr_port_node* servers = nullptr;
  if (ares_get_servers_ports(setup.channel, &servers) != ARES_SUCCESS) return;
  size_t size = 0;
  for (const ares_addr_port_node* server = servers; server != nullptr; server = server->next) {
    SocketAddress address;
    const bool is_ipv4 = server->family == AF_INET;
    address.family = is_ipv4 ? AddressFamily::ipv4 : AddressFamily::ipv6;
    constexpr uint16_t kDnsPort = 53;
    address.port = server->udp_port != 0 ? static_cast<uint16_t>(server->udp_port) : kDnsPort;
    std::memcpy(address.bytes, &server->addr, is_ipv4 ? 4 : 16);
    char text[kAddressTextBytes];
    format_address(address, text);
    const int length = std::snprintf(setup.servers + size, sizeof(setup.servers) - size, "%s%s", size > 0 ? ", " : "", text);
    if (length < 0 || size + static_cast<size_t>(length) >= sizeof(setup.servers)) break;
    size += static_cast<size_t>(length);
  }
  ares_free_data(servers);
}

constexpr size_t kServersBytes = 512;

// c-ares 1.18 skips "nameserver 127.0.0.1:5353". If one has a port, `out` is the list of all for ares_set_servers_ports_csv, else it stays empty.
void list_servers_with_ports(std::string_view resolv_conf, std::span<char> out) {
  constexpr std::string_view kKey = "nameserver";
  constexpr std::string_view kBlanks = " \t\r";
  size_t size = 0;
  bool has_port = false;
  while (!resolv_conf.empty()) {
    std::string_view line = resolv_conf.substr(0, resolv_conf.find('\n'));
    resolv_conf.remove_prefix(std::min(line.size() + 1, resolv_conf.size()));
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    const size_t begin = line.find_first_not_of(kBlanks);
    if (begin == 0 || begin == std::string_view::npos) continue;
    line = line.substr(begin, line.find_first_of(kBlanks, begin) - begin);
    if (line.empty() || size + line.size() + 2 > out.size()) continue;
    has_port |= line.front() == '[' || std::count(line.begin(), line.end(), ':') == 1;
    if (size > 0) out[size++] = ',';
    std::copy(line.begin(), line.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    size += line.size();
  }
  out[has_port ? size : 0] = '\0';
}

void read_search_list(NameSetup& setup) {
  ares_options options = {};
  int mask = 0;
  if (ares_save_options(setup.channel, &options, &mask) == ARES_SUCCESS) {
    for (int i = 0; i < options.ndomains; ++i) setup.search.add(options.domains[i]);
    if (options.ndots >= 0) setup.search.dots_at_least = static_cast<uint32_t>(options.ndots);
  }
  ares_destroy_options(&options);
}

class AresResolver final : public Resolver, private Commandable, private Source, private FileWork {
 public:
  explicit AresResolver(const ResolverOptions& options)
      : Source(Line::receive, FRAMEPUMP_PRIORITY_NORMAL, 0),
        host_(options.host),
        pump_(options.pump),
        commands_(options.commands),
        settings_(options.settings),
        waker_(options.waker),
        cache_(options.host) {
    for (NameSocket& socket : sockets_) socket.resolver = this;
    copy_path(host_.resolv_conf_path(), kResolvConfPath, resolv_conf_path_);
    copy_path(host_.hosts_path(), kHostsPath, hosts_path_);
    has_library_ = start_library();
  }
  ~AresResolver() override;

  bool start(FileThread& files) override;
  bool look_up(LookUp& look_up, const char* name, int64_t now_us) override;
  void forget(LookUp& look_up) override;
  const char* describe(const LookUp& look_up) override;
  void on_tick() override {
    if (asked_.size() > 0) pump_.make_ready(*this);
  }

 private:
  // A socket of c-ares.
  struct NameSocket final : Pollable {
    AresResolver* resolver = nullptr;
    Socket socket;
    uint32_t readiness = 0;  // not served yet

    void on_ready(uint32_t found) override {
      readiness |= found;
      resolver->pump_.make_ready(*resolver);
    }
  };
  // The channel is about to go: what it was asked is asked anew, or nobody cares.
  enum class Ending : uint8_t { no, renewal, close };

  static void copy_path(const char* path, const char* otherwise, char (&out)[4096]) {
    std::snprintf(out, sizeof(out), "%s", path != nullptr ? path : otherwise);
  }

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
  void serve_socket(NameSocket& socket);
  int64_t next_time_out_us() const;
  void on_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes);
  void note_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes) const;
  static int read_ipv4(NameQuery& query, const unsigned char* bytes, int size_bytes);
  static int read_ipv6(NameQuery& query, const unsigned char* bytes, int size_bytes);
  void conclude(NameEntry& entry);
  bool ask_next(NameEntry& entry);
  void answer(NameEntry& entry, uint8_t reason, uint32_t ttl_s);
  void describe_failure(NameEntry& entry, const NameQuery& failed) const;
  void list_asked_names(const NameEntry& entry, std::span<char> out) const;

  // what c-ares calls
  static void reply_callback(void* query, int status, int time_outs, unsigned char* bytes, int size_bytes);
  static void socket_callback(void* self, ares_socket_t descriptor, int readable, int writable);
#if !defined(_WIN32)
  static const ares_socket_functions kSocketFunctions;
  static ares_ssize_t receive_callback(ares_socket_t descriptor, void* out, size_t size_bytes, int flags, sockaddr* from,
                                       ares_socklen_t* from_bytes, void* self);
#endif

  // on the file thread
  int64_t work() override;
  void look_at_files();
  std::string_view read_whole(const char* path, std::span<char> buffer, bool& is_too_large) const;
  NameSetup* make_setup(std::string_view hosts, bool hosts_too_large, const char* servers);
  void open_channel(NameSetup& setup, const char* servers);
  void destroy_setup(NameSetup* setup);

  const Host& host_;
  Pump& pump_;
  HandoffList& commands_;
  LiveSettings& settings_;
  PumpWaker& waker_;
  bool has_library_ = false;
  char resolv_conf_path_[4096] = {};
  char hosts_path_[4096] = {};
  FileThread* files_ = nullptr;  // null: not started

  // the token holder's
  NameCache cache_;
  NameList asked_;
  NameSetup* setup_ = nullptr;
  NameSocket sockets_[kMostSockets];
  int64_t now_us_ = 0;
  int64_t files_looked_at_us_ = INT64_MIN / 2;
  Ending ending_ = Ending::no;
  uint32_t reads_left_ = 0;
  bool is_dry_ = false;           // the socket that c-ares is at had no more
  bool is_looking_at_files_ = false;
  char description_[640] = {};

  // both sides
  std::atomic<uint32_t> looks_wanted_{0};
  std::atomic<uint32_t> looks_done_{0};
  std::atomic<NameSetup*> made_{nullptr};     // by the file thread, not taken yet
  std::atomic<NameSetup*> outdated_{nullptr}; // by the pump, for the file thread to free: a hosts file can be large

  // the file thread's
  uint64_t seen_ = 0;  // what the newest setup was made of
  bool has_seen_ = false;
};

AresResolver::~AresResolver() {
  ending_ = Ending::close;
  pump_.forget(*this);
  destroy_setup(setup_);
  destroy_setup(made_.exchange(nullptr));
  while (NameSetup* setup = outdated_.load()) {
    outdated_.store(setup->next);
    destroy_setup(setup);
  }
  if (has_library_) end_library();
}

bool AresResolver::start(FileThread& files) {
  if (files_ != nullptr) return true;
  looks_wanted_.store(1);
  is_looking_at_files_ = true;
  files_ = &files;
  if (files.add(*this)) return true;
  files_ = nullptr;
  return false;
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
  const bool is_new = entry->state == NameEntry::State::fresh || (entry->state == NameEntry::State::answered && !entry->is_to_be_told);
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
  entry.expires_at_us = INT64_MIN;
  cache_.settle(entry);
}

const char* AresResolver::describe(const LookUp& look_up) {
  const NameEntry* entry = cache_.entry_of(look_up);
  description_[0] = '\0';
  if (entry == nullptr) return description_;
  const auto waited_ms = static_cast<long long>((now_us_ - entry->began_at_us) / 1000);
  if (entry->state == NameEntry::State::in_line && (setup_ == nullptr || is_looking_at_files_)) {
    std::snprintf(description_, sizeof(description_), "%.120s and %.120s were not read within %lld ms", hosts_path_, resolv_conf_path_,
                  waited_ms);
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
  bool has_more = cache_.has_to_tell() || may_start();
  for (const NameSocket& socket : sockets_) has_more |= socket.readiness != 0;
  if (has_more) turn.outcome = Outcome::more;
  turn.wake_at_us = next_time_out_us();
  if (cache_.line.size() > 0 && setup_ == nullptr) turn.wake_at_us = std::min(turn.wake_at_us, now_us_ + kFilesAgainUs);
  return turn;
}

// The file thread has looked at the files.
void AresResolver::take_setup() {
  if (!is_looking_at_files_ || looks_done_.load(std::memory_order_acquire) != looks_wanted_.load(std::memory_order_relaxed)) return;
  is_looking_at_files_ = false;
  files_looked_at_us_ = now_us_;
  NameSetup* made = made_.exchange(nullptr, std::memory_order_acquire);
  if (made == nullptr) return;
  NameSetup* old = std::exchange(setup_, made);
  cache_.expire_all();
  if (old == nullptr) return;
  ending_ = Ending::renewal;
  if (old->channel != nullptr) ares_destroy(std::exchange(old->channel, nullptr));
  ending_ = Ending::no;
  while (NameEntry* entry = asked_.front()) {
    asked_.remove(*entry);
    put_in_line(*entry);
  }
  old->next = outdated_.load(std::memory_order_relaxed);
  while (!outdated_.compare_exchange_weak(old->next, old, std::memory_order_release, std::memory_order_relaxed)) {
  }
  files_->wake();
}

bool AresResolver::may_start() const {
  return cache_.line.size() > 0 && !is_looking_at_files_ && setup_ != nullptr &&
         asked_.size() < settings_.names_parallel.load(std::memory_order_relaxed);
}

void AresResolver::look_at_files_if_outdated() {
  const int64_t good_for_us = setup_ != nullptr ? kFilesGoodForUs : kFilesAgainUs;
  if (is_looking_at_files_ || now_us_ - files_looked_at_us_ < good_for_us) return;
  is_looking_at_files_ = true;
  looks_wanted_.fetch_add(1, std::memory_order_release);
  files_->wake();
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

void AresResolver::note_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes) const {
  query.count = 0;
  if (status == ARES_SUCCESS) {
    const bool is_ipv6 = query.family == AddressFamily::ipv6;
    status = is_ipv6 ? read_ipv6(query, bytes, size_bytes) : read_ipv4(query, bytes, size_bytes);
  }
  if (query.count > 0) {
    query.state = FamilyState::has_addresses;
  } else if (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND) {
    query.state = FamilyState::has_none;
  } else {
    query.state = FamilyState::failed;
    query.failure = status == ARES_ETIMEOUT ? FRAMEPUMP_REASON_NAME_TIMED_OUT : FRAMEPUMP_REASON_NAME_FAILED;
    query.code = status;
  }
}

int AresResolver::read_ipv4(NameQuery& query, const unsigned char* bytes, int size_bytes) {
  ares_addrttl found[kAddressesPerFamily];
  int count = kAddressesPerFamily;
  const int status = ares_parse_a_reply(bytes, size_bytes, nullptr, found, &count);
  if (status != ARES_SUCCESS) return status;
  int ttl_s = INT32_MAX;
  for (int i = 0; i < count; ++i) {
    SocketAddress address;
    address.family = AddressFamily::ipv4;
    std::memcpy(address.bytes, &found[i].ipaddr, sizeof(found[i].ipaddr));
    query.addresses[query.count++] = address;
    ttl_s = std::min(ttl_s, found[i].ttl);
  }
  query.ttl_s = static_cast<uint32_t>(std::max(ttl_s, 0));
  return ARES_SUCCESS;
}

int AresResolver::read_ipv6(NameQuery& query, const unsigned char* bytes, int size_bytes) {
  ares_addr6ttl found[kAddressesPerFamily];
  int count = kAddressesPerFamily;
  const int status = ares_parse_aaaa_reply(bytes, size_bytes, nullptr, found, &count);
  if (status != ARES_SUCCESS) return status;
  int ttl_s = INT32_MAX;
  for (int i = 0; i < count; ++i) {
    SocketAddress address;
    address.family = AddressFamily::ipv6;
    std::memcpy(address.bytes, &found[i].ip6addr, sizeof(found[i].ip6addr));
    query.addresses[query.count++] = address;
    ttl_s = std::min(ttl_s, found[i].ttl);
  }
  query.ttl_s = static_cast<uint32_t>(std::max(ttl_s, 0));
  return ARES_SUCCESS;
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

// Each socket until it is dry, together as many reads as a turn has; and what timed out is sent again.
void AresResolver::serve_sockets() {
  if (setup_ == nullptr || setup_->channel == nullptr) return;
  reads_left_ = kReadsPerTurn;
  for (NameSocket& socket : sockets_) {
    if (socket.readiness != 0) serve_socket(socket);
  }
  ares_process_fd(setup_->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void AresResolver::serve_socket(NameSocket& socket) {
  while (socket.socket.is_open() && socket.readiness != 0 && reads_left_ > 0) {
    const auto descriptor = static_cast<ares_socket_t>(socket.socket.value);
    const uint32_t readiness = std::exchange(socket.readiness, 0);
    const uint32_t reads_left = reads_left_;
    is_dry_ = false;
    ares_process_fd(setup_->channel, (readiness & kReadable) != 0 ? descriptor : ARES_SOCKET_BAD,
                    (readiness & kWritable) != 0 ? descriptor : ARES_SOCKET_BAD);
    if (!socket.socket.is_open() || (readiness & kReadable) == 0) continue;
    if (!is_dry_ && reads_left_ != reads_left) {
      socket.readiness |= kReadable;  // TCP is read in pieces
    } else {
      pump_.poller().arm(socket.socket, static_cast<Pollable*>(&socket), kReadable);
    }
  }
}

int64_t AresResolver::next_time_out_us() const {
  if (setup_ == nullptr || setup_->channel == nullptr || asked_.size() == 0) return kNever;
  timeval left = {};
  if (ares_timeout(setup_->channel, nullptr, &left) == nullptr) return kNever;
  constexpr int64_t kNotAtOnceUs = 1000;  // c-ares counts in milliseconds, and in whole ones
  return now_us_ + int64_t{left.tv_sec} * 1'000'000 + left.tv_usec + kNotAtOnceUs;
}

void AresResolver::socket_callback(void* self, ares_socket_t descriptor, int readable, int writable) {
  AresResolver& resolver = *static_cast<AresResolver*>(self);
  Poller& poller = resolver.pump_.poller();
  const Socket socket = {static_cast<intptr_t>(descriptor)};
  NameSocket* place = nullptr;
  for (NameSocket& one : resolver.sockets_) {
    if (one.socket.value == socket.value) place = &one;
  }
  if (readable == 0 && writable == 0) {
    if (place == nullptr) return;
    poller.remove(socket, static_cast<Pollable*>(place));
    place->socket.value = -1;
    place->readiness = 0;
    return;
  }
  if (place != nullptr) {
    if (writable != 0) poller.arm(socket, static_cast<Pollable*>(place), kWritable);
    return;
  }
  // Without a place, or memory in the poller, its answer is never read and the query goes to the next server.
  for (NameSocket& one : resolver.sockets_) {
    if (one.socket.is_open()) continue;
    const uint32_t directions = kReadable | (writable != 0 ? uint32_t{kWritable} : 0u);
    if (poller.add(socket, static_cast<Pollable*>(&one), directions) == IoStatus::ok) one.socket = socket;
    return;
  }
}

#if !defined(_WIN32)
const ares_socket_functions AresResolver::kSocketFunctions = {
    [](int domain, int type, int protocol, void*) { return open_library_socket(domain, type, protocol); },
    [](ares_socket_t descriptor, void*) { return close_library_socket(descriptor); },
    [](ares_socket_t descriptor, const sockaddr* address, ares_socklen_t bytes, void*) {
      return connect_library_socket(descriptor, address, bytes);
    },
    receive_callback,
    [](ares_socket_t descriptor, const iovec* parts, int count, void*) {
      return static_cast<ares_ssize_t>(send_parts(descriptor, parts, count));
    },
};

// c-ares reads UDP until there is no more, so a flood would keep it for ever: it is told so when the turn has had its reads.
ares_ssize_t AresResolver::receive_callback(ares_socket_t descriptor, void* out, size_t size_bytes, int flags, sockaddr* from,
                                            ares_socklen_t* from_bytes, void* self) {
  AresResolver& resolver = *static_cast<AresResolver*>(self);
  if (resolver.reads_left_ == 0) return static_cast<ares_ssize_t>(pretend_would_block());
  --resolver.reads_left_;
  const int64_t taken = receive_from(descriptor, out, size_bytes, flags, from, from_bytes);
  resolver.is_dry_ = taken < 0 && was_would_block();
  return static_cast<ares_ssize_t>(taken);
}
#endif

int64_t AresResolver::work() {
  NameSetup* outdated = outdated_.exchange(nullptr, std::memory_order_acquire);
  while (outdated != nullptr) destroy_setup(std::exchange(outdated, outdated->next));
  const uint32_t wanted = looks_wanted_.load(std::memory_order_acquire);
  if (wanted == looks_done_.load(std::memory_order_relaxed)) return kNotBefore;
  look_at_files();
  looks_done_.store(wanted, std::memory_order_release);
  commands_.post(*this, kCommandRoom);
  waker_.wake_pump();
  return kNotBefore;
}

void AresResolver::look_at_files() {
  constexpr uint64_t kBufferBytes = HostsTable::kMostBytes;
  char* buffer = static_cast<char*>(host_.allocate(kBufferBytes, 1));
  if (buffer == nullptr) return;
  const std::span<char> room(buffer, kBufferBytes);
  bool is_too_large = false;
  const uint32_t timeout_ms = settings_.names_timeout_ms.load(std::memory_order_relaxed);
  const uint32_t tries = settings_.names_tries.load(std::memory_order_relaxed);
  uint64_t seen = 14695981039346656037u;
  const std::string_view resolv_conf = read_whole(resolv_conf_path_, room, is_too_large);
  char servers[kServersBytes] = "";
  list_servers_with_ports(resolv_conf, servers);
  seen = mix(seen, resolv_conf);
  const std::string_view hosts = read_whole(hosts_path_, room, is_too_large);
  seen = mix(mix(mix(seen, hosts), {reinterpret_cast<const char*>(&timeout_ms), sizeof(timeout_ms)}),
             {reinterpret_cast<const char*>(&tries), sizeof(tries)});
  if (!has_seen_ || seen != seen_) {
    NameSetup* made = make_setup(hosts, is_too_large, servers);
    if (made != nullptr) {
      has_seen_ = made->channel != nullptr;
      seen_ = seen;
      destroy_setup(made_.exchange(made, std::memory_order_acq_rel));
    }
  }
  host_.release(buffer, kBufferBytes, 1);
}

std::string_view AresResolver::read_whole(const char* path, std::span<char> buffer, bool& is_too_large) const {
  const FileResult result = read_file(path, buffer);
  is_too_large = !result.ok && result.size_bytes == buffer.size();
  return {buffer.data(), result.ok ? static_cast<size_t>(result.size_bytes) : 0};
}

NameSetup* AresResolver::make_setup(std::string_view hosts, bool hosts_too_large, const char* servers) {
  NameSetup* setup = host_.create<NameSetup>(host_);
  if (setup == nullptr) return nullptr;
  setup->timeout_ms = settings_.names_timeout_ms.load(std::memory_order_relaxed);
  setup->tries = settings_.names_tries.load(std::memory_order_relaxed);
  if (hosts_too_large || !setup->hosts.read(hosts)) {
    std::snprintf(setup->trouble, sizeof(setup->trouble), "%.100s is larger than %u KiB, or there is no memory for it", hosts_path_,
                  HostsTable::kMostBytes / 1024);
    return setup;
  }
  open_channel(*setup, servers);
  return setup;
}

void AresResolver::open_channel(NameSetup& setup, const char* servers) {
  ares_options options = {};
  char lookups[] = "b";  // servers only: the files are ours
  options.timeout = static_cast<int>(setup.timeout_ms);
  options.tries = static_cast<int>(setup.tries);
  options.lookups = lookups;
  options.resolvconf_path = resolv_conf_path_;
  options.sock_state_cb = socket_callback;
  options.sock_state_cb_data = this;
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
  const int status = has_library_ ? ares_init_options(&setup.channel, &options, mask) : ARES_ENOTINITIALIZED;
  if (status != ARES_SUCCESS) {
    setup.channel = nullptr;
    std::snprintf(setup.trouble, sizeof(setup.trouble), "%s", ares_strerror(status));
    return;
  }
#if !defined(_WIN32)
  ares_set_socket_functions(setup.channel, &kSocketFunctions, this);
#endif
  if (servers[0] != '\0') ares_set_servers_ports_csv(setup.channel, servers);
  list_servers(setup);
  read_search_list(setup);
}

void AresResolver::destroy_setup(NameSetup* setup) {
  if (setup == nullptr) return;
  if (setup->channel != nullptr) ares_destroy(setup->channel);
  host_.destroy(setup);
}

}  // namespace

bool has_names() { return true; }

Resolver* make_resolver(const ResolverOptions& options) { return options.host.create<AresResolver>(options); }

void destroy_resolver(const Host& host, Resolver* resolver) { host.destroy(static_cast<AresResolver*>(resolver)); }

}  // namespace framepump

#endif
