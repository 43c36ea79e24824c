// SPDX-License-Identifier: MIT
//
// The words in which a setting is refused. They allocate: nothing here is for a tick that goes well.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace framepump {

// Fills `message` with FRAMEPUMP_ERROR_CONFIG and one printable line: what is no UTF-8 or would control a terminal becomes '?',
// since paths, names and values come from outside.
void refuse(framepump_message& message, std::string_view text);

// "framepump.toml:", of a long path the last 160 bytes only: they tell more than the first.
std::string at_file(std::string_view path);

// At most 60 bytes of it, then "...": what helps comes after it in a message and must still fit.
std::string shortened(std::string_view text);

// Booleans and the backend are words in the file and numbers in framepump_config.
enum class Spelling : uint8_t { number, file };

// "0 to 1000000 us", "0 (off) and 20 to 60000 ms", "true and false".
std::string allowed_values(const ConfigKey& key, Spelling spelling);

}  // namespace framepump
