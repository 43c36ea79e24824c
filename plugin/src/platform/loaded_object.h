// SPDX-License-Identifier: MIT
//
// Which of the program's files code lies in.
#pragma once

#include <span>

namespace framepump {

struct CodeOrigin {
  bool is_foreign = false;
  char found[256] = "";     // the file of the first foreign function, else of the last one; empty: the system does not tell
  char expected[256] = "";  // where it should have come from
};

// Where functions of a library were bound to. At home they are in our own file (somebody linked the library in) or in a file
// whose name holds `library`; anywhere else they are foreign.
CodeOrigin find_code_origin(std::span<const void* const> functions, const char* library);

}  // namespace framepump
