// SPDX-License-Identifier: MIT
//
// Names of keys and tables: finding one, and finding the one that a misspelt name stands for.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace framepump {

// "pump" and "slice_us" of "pump.slice_us". A name without a dot has no table.
std::string_view table_of(std::string_view name);
std::string_view last_part_of(std::string_view name);

const ConfigKey* find_key(std::string_view name);
bool is_table(std::string_view name);

// What `written` most likely stands for. Null or empty: nothing is near. A key that stands in the wrong table is found, too.
const ConfigKey* nearest_key(std::string_view written);
std::string_view nearest_table(std::string_view written);

// "pump, memory, ...", and "threaded, slice_us, ..." of the table "pump".
std::string list_tables();
std::string list_keys_of(std::string_view table);

}  // namespace framepump
