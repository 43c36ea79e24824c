// SPDX-License-Identifier: MIT
//
// Keeps from toml++ what it does not survive, so that no file, however broken, can end the game that reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace framepump {

struct TextPlace {
  uint32_t line = 1;
  uint32_t column = 1;  // in characters
};

// Copies `text` into `out` without a byte-order mark and with a '?' for each character outside of ASCII, so that places stay what
// they are. Null: done; otherwise what is wrong at `place`.
const char* screen_toml(std::string_view text, std::string& out, TextPlace& place);

}  // namespace framepump
