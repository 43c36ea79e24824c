// SPDX-License-Identifier: MIT
//
// Which of the program's files code lies in.
#pragma once

#include <cstdint>
#include <span>

namespace framepump {

// The file of the executable or library that this address belongs to; false: the system does not know.
bool file_of_code(const void* address, std::span<char> out);
// The loaded file whose name holds `part`; false: there is none.
bool find_loaded_file(const char* part, std::span<char> out);

}  // namespace framepump
