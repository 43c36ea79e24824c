// SPDX-License-Identifier: MIT
#include "sources/resolver_files.h"

#ifdef FRAMEPUMP_WITH_NAMES

#include <ares.h>

#include <cstdio>
#include <utility>

#include "gate/stream_gate.h"
#include "platform/file.h"
#include "sources/commandable.h"
#include "sources/environment.h"
#include "sources/pump_waker.h"
#include "sources/resolver_sockets.h"

namespace framepump {
namespace {

#if defined(_WIN32)
constexpr const char* kHostsPath = "C:\\Windows\\System32\\drivers\\etc\\hosts";
#else
constexpr const char* kHostsPath = "/etc/hosts";
#endif
constexpr const char* kResolvConfPath = "/etc/resolv.conf";

uint64_t mix(uint64_t hash, std::string_view bytes) {
  for (char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;  // FNV-1a
  return (hash ^ bytes.size()) * 1099511628211u;
}

void copy_path(const char* path, const char* otherwise, std::span<char> out) {
  std::snprintf(out.data(), out.size(), "%s", path != nullptr ? path : otherwise);
}

}  // namespace

NameFilesReader::NameFilesReader(const Parts& parts) : parts_(parts) {
  copy_path(parts.host.resolv_conf_path(), kResolvConfPath, resolv_conf_path_);
  copy_path(parts.host.hosts_path(), kHostsPath, hosts_path_);
  has_library_ = start_name_library();
}

NameFilesReader::~NameFilesReader() {
  destroy_setup(parts_.host, made_.exchange(nullptr));
  NameSetup* outdated = outdated_.exchange(nullptr);
  while (outdated != nullptr) destroy_setup(parts_.host, std::exchange(outdated, outdated->next));
  if (has_library_) end_name_library();
}

bool NameFilesReader::start(FileThread& files) {
  looks_wanted_.store(1);
  files_ = &files;  // before: whoever hears of the first look may want another
  if (files.add(*this)) return true;
  files_ = nullptr;
  return false;
}

void NameFilesReader::look_again() {
  looks_wanted_.fetch_add(1, std::memory_order_release);
  files_->wake();
}

bool NameFilesReader::has_looked() const {
  return looks_done_.load(std::memory_order_acquire) == looks_wanted_.load(std::memory_order_relaxed);
}

void NameFilesReader::give_back(NameSetup* setup) {
  setup->next = outdated_.load(std::memory_order_relaxed);
  while (!outdated_.compare_exchange_weak(setup->next, setup, std::memory_order_release, std::memory_order_relaxed)) {
  }
  files_->wake();
}

int64_t NameFilesReader::work() {
  NameSetup* outdated = outdated_.exchange(nullptr, std::memory_order_acquire);
  while (outdated != nullptr) destroy_setup(parts_.host, std::exchange(outdated, outdated->next));
  const uint32_t wanted = looks_wanted_.load(std::memory_order_acquire);
  if (wanted == looks_done_.load(std::memory_order_relaxed)) return kNotBefore;
  look();
  looks_done_.store(wanted, std::memory_order_release);
  parts_.commands.post(parts_.owner, kCommandRoom);
  parts_.waker.wake_pump();
  return kNotBefore;
}

void NameFilesReader::look() {
  constexpr uint64_t kBufferBytes = HostsTable::kMostBytes;
  char* buffer = static_cast<char*>(parts_.host.allocate(kBufferBytes, 1));
  if (buffer == nullptr) return;
  const std::span<char> room(buffer, kBufferBytes);
  bool is_too_large = false;
  const uint32_t timeout_ms = parts_.settings.names_timeout_ms.load(std::memory_order_relaxed);
  const uint32_t tries = parts_.settings.names_tries.load(std::memory_order_relaxed);
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
      destroy_setup(parts_.host, made_.exchange(made, std::memory_order_acq_rel));
    }
  }
  parts_.host.release(buffer, kBufferBytes, 1);
}

std::string_view NameFilesReader::read_whole(const char* path, std::span<char> buffer, bool& is_too_large) {
  const FileResult result = read_file(path, buffer);
  is_too_large = !result.ok && result.size_bytes == buffer.size();
  return {buffer.data(), result.ok ? static_cast<size_t>(result.size_bytes) : 0};
}

NameSetup* NameFilesReader::make_setup(std::string_view hosts, bool hosts_too_large, const char* servers) {
  NameSetup* setup = parts_.host.create<NameSetup>(parts_.host);
  if (setup == nullptr) return nullptr;
  setup->timeout_ms = parts_.settings.names_timeout_ms.load(std::memory_order_relaxed);
  setup->tries = parts_.settings.names_tries.load(std::memory_order_relaxed);
  if (hosts_too_large || !setup->hosts.read(hosts)) {
    std::snprintf(setup->trouble, sizeof(setup->trouble), "%.100s is larger than %u KiB, or there is no memory for it", hosts_path_,
                  HostsTable::kMostBytes / 1024);
    return setup;
  }
  open_channel(*setup, servers);
  return setup;
}

void NameFilesReader::open_channel(NameSetup& setup, const char* servers) {
  ares_options options = {};
  char lookups[] = "b";  // servers only: the files are ours
  options.timeout = static_cast<int>(setup.timeout_ms);
  options.tries = static_cast<int>(setup.tries);
  options.lookups = lookups;
  options.resolvconf_path = resolv_conf_path_;
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | parts_.sockets.fill_options(options);
  const int status = has_library_ ? ares_init_options(&setup.channel, &options, mask) : ARES_ENOTINITIALIZED;
  if (status != ARES_SUCCESS) {
    setup.channel = nullptr;
    std::snprintf(setup.trouble, sizeof(setup.trouble), "%s", ares_strerror(status));
    return;
  }
  parts_.sockets.use_with(setup.channel);
  take_servers(setup, servers);
}

}  // namespace framepump

#endif
