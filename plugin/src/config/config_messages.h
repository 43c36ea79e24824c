// SPDX-License-Identifier: MIT
//
// The words in which a setting is refused, and the known name that is nearest to a misspelt one.
#pragma once

#include <string_view>

#include "config/config.h"

namespace framepump {

// Fills `message` with FRAMEPUMP_ERROR_CONFIG and one printable line: what is no UTF-8 or controls a terminal becomes '?', since
// file names and values come from outside.
[[gnu::format(printf, 2, 3)]] void refuse(framepump_message& message, const char* format, ...);

// Booleans and the backend are words in the file and numbers in framepump_config.
enum class Spelling : uint8_t { number, file };

struct ShortText {
  char text[96];
};

// "0 to 1000000 us", "0 (off) and 20 to 60000 ms", "true and false".
ShortText allowed_values(const ConfigKey& key, Spelling spelling);

// "pump" of "pump.slice_us", and "slice_us". A name without a dot is all key.
std::string_view table_of(std::string_view name);
std::string_view last_part_of(std::string_view name);

// The known key or table that `written` most likely stands for; null or empty: nothing is near. A key that stands in the wrong table
// is found, too.
const ConfigKey* nearest_key(std::string_view written);
std::string_view nearest_table(std::string_view written);

// Every table there is (`table` empty), or every key of one: "threaded, slice_us, ...".
struct LongText {
  char text[256];
};
LongText list_names(std::string_view table);

}  // namespace framepump
