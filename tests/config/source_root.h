// SPDX-License-Identifier: MIT
#pragma once

#include <string>

// The top folder of the sources. Tests run there, unless the build says where it is.
#ifndef FRAMEPUMP_SOURCE_ROOT
#define FRAMEPUMP_SOURCE_ROOT "."
#endif

namespace framepump::test {

inline std::string in_sources(const std::string& path) {
  return std::string(FRAMEPUMP_SOURCE_ROOT) + "/" + path;
}

}  // namespace framepump::test
