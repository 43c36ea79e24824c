// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

#include "config/config.h"
#include "platform/file.h"

namespace framepump {

// Ten times the shipped file with all its comments; what is larger is another file.
constexpr uint64_t kMaxConfigFileBytes = uint64_t{64} * 1024;

// What a config file was at one moment: its text, or why there is none.
class ConfigFile {
 public:
  bool open();  // false: no memory
  void read(const char* path);
  bool is_empty_or_missing() const { return !result_.ok || result_.size_bytes == 0; }
  bool same_as(const ConfigFile& other) const;
  // As load_config.
  bool parse(const char* path, framepump_config& config, framepump_message& message) const;
  void swap(ConfigFile& other);

 private:
  std::unique_ptr<char[]> text_;
  FileResult result_ = {};
};

}  // namespace framepump
