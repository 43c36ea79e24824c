// SPDX-License-Identifier: MIT
#include "config/config.h"

#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include "config/config_messages.h"

namespace framepump {
namespace {

using enum KeyKind;
using enum KeyChange;
using C = framepump_config;

// The one place where a key, its range and its default exist. When to change each stands in plugin/docs/configuration.md;
// tests hold the public header's comments, assets/framepump.toml and the tables of the guides against this one.
constexpr ConfigKey kKeys[] = {
    {"pump.threaded", &C::threaded, 0, 1, 0, boolean, live, false},
    {"pump.slice_us", &C::slice_us, 0, 1000000, 2000, integer, live, false},
    {"pump.flush_slice_us", &C::flush_slice_us, 0, 1000000, 500, integer, live, false},
    {"pump.overrun_margin_us", &C::overrun_margin_us, 0, 1000000, 500, integer, live, false},
    {"pump.quantum_kib", &C::quantum_kib, 1, 1024, 64, integer, live, false},
    {"pump.backend", &C::backend, FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL, FRAMEPUMP_BACKEND_EPOLL, backend, restart,
     false},
    {"pump.stall_takeover_ms", &C::stall_takeover_ms, 20, 60000, 250, integer, live, true},
    {"memory.budget_kib", &C::budget_kib, 1024, 16777216, 131072, integer, restart, false},
    {"memory.kernel_window_kib", &C::kernel_window_kib, 0, 16777216, 65536, integer, live, false},
    {"stream.receive_limit_kib", &C::receive_limit_kib, 4, 1048576, 8192, integer, restart, false},
    {"stream.send_limit_kib", &C::send_limit_kib, 4, 1048576, 4096, integer, live, false},
    {"stream.no_delay", &C::no_delay, 0, 1, 1, boolean, live, false},
    {"stream.delayed_acks", &C::delayed_acks, 0, 1, 1, boolean, live, false},
    {"stream.connect_timeout_ms", &C::connect_timeout_ms, 0, 3600000, 10000, integer, live, false},
    {"stream.idle_timeout_ms", &C::idle_timeout_ms, 0, 86400000, 0, integer, live, false},
    {"stream.keepalive_s", &C::keepalive_s, 0, 32767, 15, integer, live, false},
    {"stream.dead_after_s", &C::dead_after_s, 0, 86400, 30, integer, live, false},
    {"stream.linger_ms", &C::linger_ms, 0, 600000, 5000, integer, live, false},
    {"listener.backlog", &C::backlog, 1, 65535, 1024, integer, live, false},
    {"listener.hot_streams", &C::hot_streams, 0, 1, 0, boolean, live, false},
    {"limits.streams", &C::limit_streams, 1, 262144, 16384, integer, restart, false},
    {"datagram.peers", &C::datagram_peers, 1, 4095, 64, integer, live, false},
    {"datagram.channels", &C::datagram_channels, 1, 255, 4, integer, live, false},
    {"datagram.message_limit_kib", &C::datagram_message_limit_kib, 1, 32768, 1024, integer, live, false},
    {"datagram.queue_limit_kib", &C::datagram_queue_limit_kib, 16, 1048576, 1024, integer, live, false},
    {"datagram.timeout_ms", &C::datagram_timeout_ms, 100, 3600000, 10000, integer, live, false},
    {"datagram.receive_buffer_kib", &C::datagram_receive_buffer_kib, 16, 1048576, 1024, integer, live, false},
    {"datagram.peers_per_address", &C::datagram_peers_per_address, 0, 4095, 0, integer, live, false},
    {"download.parallel", &C::download_parallel, 1, 64, 3, integer, live, false},
    {"download.rate_limit_kib", &C::download_rate_limit_kib, 0, 16777216, 0, integer, live, false},
    {"download.attempts", &C::download_attempts, 1, 1000, 5, integer, live, false},
    {"download.retry_ms", &C::download_retry_ms, 1, 600000, 500, integer, live, false},
    {"download.retry_limit_ms", &C::download_retry_limit_ms, 1, 3600000, 30000, integer, live, false},
    {"download.connect_timeout_ms", &C::download_connect_timeout_ms, 1, 600000, 10000, integer, live, false},
    {"download.stall_timeout_ms", &C::download_stall_timeout_ms, 10, 3600000, 20000, integer, live, false},
    {"download.redirects", &C::download_redirects, 0, 100, 10, integer, live, false},
    {"names.timeout_ms", &C::names_timeout_ms, 50, 60000, 1000, integer, live, false},
    {"names.tries", &C::names_tries, 1, 10, 3, integer, live, false},
    {"names.parallel", &C::names_parallel, 1, 256, 32, integer, live, false},
    {"names.cache_entries", &C::names_cache_entries, 0, 16384, 256, integer, live, false},
    {"names.ttl_max_s", &C::names_ttl_max_s, 0, 604800, 3600, integer, live, false},
    {"names.attempt_delay_ms", &C::names_attempt_delay_ms, 10, 60000, 250, integer, live, false},
};

static_assert(std::size(kKeys) <= 64, "a KeySet has 64 bits");
static_assert(sizeof(framepump_config) == sizeof(uint32_t) * (1 + std::size(kKeys)), "every field has a key");

constexpr KeySet bit(size_t index) {
  return KeySet{1} << index;
}

}  // namespace

std::span<const ConfigKey> config_keys() {
  return kKeys;
}

bool is_allowed(const ConfigKey& key, int64_t value) {
  return (value >= key.minimum && value <= key.maximum) || (value == 0 && key.zero_is_off);
}

void set_defaults(framepump_config& config) {
  config = {};
  config.struct_size = sizeof(config);
  for (const ConfigKey& key : kKeys) config.*key.field = key.default_value;
}

KeySet differing_keys(const framepump_config& a, const framepump_config& b) {
  KeySet keys = 0;
  for (size_t i = 0; i < std::size(kKeys); ++i) {
    if (a.*kKeys[i].field != b.*kKeys[i].field) keys |= bit(i);
  }
  return keys;
}

KeySet keys_of(KeyChange change) {
  KeySet keys = 0;
  for (size_t i = 0; i < std::size(kKeys); ++i) {
    if (kKeys[i].change == change) keys |= bit(i);
  }
  return keys;
}

void copy_keys(KeySet keys, const framepump_config& from, framepump_config& to) {
  for (size_t i = 0; i < std::size(kKeys); ++i) {
    if ((keys & bit(i)) != 0) to.*kKeys[i].field = from.*kKeys[i].field;
  }
}

void list_keys(KeySet keys, std::span<char> out) {
  if (out.empty()) return;
  const size_t room = out.size() - 1;
  size_t size = 0;
  bool is_cut = false;
  auto append = [&](std::string_view text) {
    const size_t taken = text.size() < room - size ? text.size() : room - size;
    std::memcpy(out.data() + size, text.data(), taken);
    size += taken;
    is_cut |= taken < text.size();
  };
  for (size_t i = 0; i < std::size(kKeys); ++i) {
    if ((keys & bit(i)) == 0) continue;
    if (size > 0) append(", ");
    append(kKeys[i].name);
  }
  // The dots take the place of the last letters.
  if (is_cut) std::memset(out.data() + (size > 3 ? size - 3 : 0), '.', size > 3 ? 3 : size);
  out[size] = '\0';
}

bool validate(const framepump_config& config, framepump_message& message) {
  for (const ConfigKey& key : kKeys) {
    const uint32_t value = config.*key.field;
    if (is_allowed(key, value)) continue;
    refuse(message,
           std::string(key.name) + " is " + std::to_string(value) + "; allowed are " + allowed_values(key, Spelling::number));
    return false;
  }
  return true;
}

}  // namespace framepump
