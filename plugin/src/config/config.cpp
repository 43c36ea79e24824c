// SPDX-License-Identifier: MIT
#include "config/config.h"

#include <cinttypes>
#include <cstring>
#include <iterator>
#include <string_view>

#include "config/config_messages.h"

namespace framepump {
namespace {

using enum KeyKind;
using enum KeyChange;
using C = framepump_config;

// The one place where a key, its range and its default exist. Why each has its value stands in plugin/docs/configuration.md; tests
// hold the public header's comments, assets/framepump.toml and the tables of the guides against this one.
constexpr ConfigKey kKeys[] = {
    {"pump.threaded", &C::threaded, boolean, live, 0, 1, 0, false},
    {"pump.slice_us", &C::slice_us, integer, live, 0, 1000000, 2000, false},
    {"pump.flush_slice_us", &C::flush_slice_us, integer, live, 0, 1000000, 500, false},
    {"pump.overrun_margin_us", &C::overrun_margin_us, integer, live, 0, 1000000, 500, false},
    {"pump.quantum_kib", &C::quantum_kib, integer, live, 1, 1024, 64, false},
    {"pump.backend", &C::backend, backend, restart, FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL, FRAMEPUMP_BACKEND_EPOLL, false},
    {"pump.stall_takeover_ms", &C::stall_takeover_ms, integer, live, 20, 60000, 250, true},
    {"memory.budget_kib", &C::budget_kib, integer, restart, 1024, 16777216, 131072, false},
    {"memory.kernel_window_kib", &C::kernel_window_kib, integer, live, 0, 16777216, 65536, false},
    {"stream.receive_limit_kib", &C::receive_limit_kib, integer, restart, 4, 1048576, 8192, false},
    {"stream.send_limit_kib", &C::send_limit_kib, integer, live, 4, 1048576, 4096, false},
    {"stream.no_delay", &C::no_delay, boolean, live, 0, 1, 1, false},
    {"stream.connect_timeout_ms", &C::connect_timeout_ms, integer, live, 0, 3600000, 10000, false},
    {"stream.idle_timeout_ms", &C::idle_timeout_ms, integer, live, 0, 86400000, 0, false},
    {"stream.keepalive_s", &C::keepalive_s, integer, live, 0, 32767, 15, false},
    {"stream.dead_after_s", &C::dead_after_s, integer, live, 0, 86400, 30, false},
    {"stream.linger_ms", &C::linger_ms, integer, live, 0, 600000, 5000, false},
    {"listener.backlog", &C::backlog, integer, live, 1, 65535, 1024, false},
    {"listener.hot_streams", &C::hot_streams, boolean, live, 0, 1, 0, false},
    {"limits.streams", &C::limit_streams, integer, restart, 1, 262144, 16384, false},
};

static_assert(std::size(kKeys) <= 64, "a KeySet has 64 bits");
static_assert(sizeof(framepump_config) == sizeof(uint32_t) * (1 + std::size(kKeys)), "every field has a key");

constexpr bool is_allowed(const ConfigKey& key, uint32_t value) {
  return (value >= key.minimum && value <= key.maximum) || (value == 0 && key.zero_is_off);
}

constexpr bool defaults_are_allowed() {
  for (const ConfigKey& key : kKeys) {
    if (!is_allowed(key, key.default_value)) return false;
  }
  return true;
}
static_assert(defaults_are_allowed());

constexpr KeySet bit(size_t index) { return KeySet{1} << index; }

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

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
    refuse(message, "%s is %" PRIu32 "; allowed are %s", key.name, value, allowed_values(key, Spelling::number).text);
    return false;
  }
  return true;
}

}  // namespace framepump
