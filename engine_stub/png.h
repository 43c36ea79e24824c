// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace engine {

// Writes 8-bit RGB pixels, rows without gaps. False: the file cannot be written.
bool write_png(const std::string& path, int width, int height, const unsigned char* rgb);

}  // namespace engine
