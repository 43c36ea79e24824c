// SPDX-License-Identifier: MIT
//
// The settings: one table of keys that everything else (defaults, the TOML reader, validation, reload, the docs' tests) is read
// from.
#pragma once

#include <cstdint>
#include <span>

#include "framepump/framepump_config.h"
#include "framepump/framepump_types.h"

namespace framepump {

enum class KeyKind : uint8_t { integer, boolean, backend };
enum class KeyChange : uint8_t { live, restart };

struct ConfigKey {
  const char* name;  // "pump.slice_us"
  uint32_t framepump_config::*field;
  uint32_t minimum;
  uint32_t maximum;
  uint32_t default_value;
  KeyKind kind;
  KeyChange change;
  bool zero_is_off;  // 0 is allowed although it is below the minimum
};

// At most 64 of them, in the order of the file. A KeySet has bit i set for key i.
std::span<const ConfigKey> config_keys();
using KeySet = uint64_t;

bool is_allowed(const ConfigKey& key, int64_t value);

void set_defaults(framepump_config& config);
// Keys whose value differs.
KeySet differing_keys(const framepump_config& a, const framepump_config& b);
KeySet keys_of(KeyChange change);
void copy_keys(KeySet keys, const framepump_config& from, framepump_config& to);
// Names of the keys, ", " between them, cut off with "..." where the buffer ends.
void list_keys(KeySet keys, std::span<char> out);

// False: `message` (code FRAMEPUMP_ERROR_CONFIG) names the key, the value and what is allowed.
bool validate(const framepump_config& config, framepump_message& message);

// Defaults, then what the TOML text says. False: `message` names `path`, line, key, value and what is allowed, with the nearest
// known key for one that is misspelt; `config` is unspecified then.
bool parse_config(const char* text, uint64_t size_bytes, const char* path, framepump_config& config, framepump_message& message);
// The same for a file. Blocks.
bool load_config(const char* path, framepump_config& config, framepump_message& message);

}  // namespace framepump
