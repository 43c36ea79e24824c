// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace framepump::test {

struct Parsed {
  bool is_ok = false;
  framepump_config config = {};
  std::string message;  // empty if is_ok

  bool says(std::string_view words) const { return message.find(words) != std::string::npos; }
};

inline Parsed parse(std::string_view text, const char* path = "framepump.toml") {
  Parsed out;
  framepump_message message = {};
  out.is_ok = parse_config(text.data(), text.size(), path, out.config, message);
  out.message = message.text;
  return out;
}

inline Parsed load(const std::string& path) {
  Parsed out;
  framepump_message message = {};
  out.is_ok = load_config(path.c_str(), out.config, message);
  out.message = message.text;
  return out;
}

inline framepump_config defaults() {
  framepump_config config = {};
  set_defaults(config);
  return config;
}

}  // namespace framepump::test
