// SPDX-License-Identifier: MIT
#include "config/config_file.h"

#include <cstring>
#include <new>
#include <utility>

#include "config/config_messages.h"
#include "platform/socket.h"

namespace framepump {
namespace {

std::string size_hint() {
  return "; allowed are at most " + std::to_string(kMaxConfigFileBytes / 1024) + " KiB";
}

}  // namespace

bool ConfigFile::open() {
  if (text_ == nullptr) text_.reset(new (std::nothrow) char[kMaxConfigFileBytes]);
  return text_ != nullptr;
}

void ConfigFile::read(const char* path) {
  result_ = read_file(path, {text_.get(), kMaxConfigFileBytes});
}

bool ConfigFile::same_as(const ConfigFile& other) const {
  if (result_.ok != other.result_.ok || result_.system_code != other.result_.system_code) return false;
  if (!result_.ok) return true;
  return result_.size_bytes == other.result_.size_bytes && std::memcmp(text_.get(), other.text_.get(), result_.size_bytes) == 0;
}

bool ConfigFile::parse(const char* path, framepump_config& config, framepump_message& message) const {
  if (result_.ok) return parse_config(text_.get(), result_.size_bytes, path, config, message);
  char reason[128];
  system_message(result_.system_code, reason);
  const bool is_full = result_.size_bytes == kMaxConfigFileBytes;
  refuse(message, at_file(path) + " cannot be read: " + reason + (is_full ? size_hint() : ""));
  return false;
}

void ConfigFile::swap(ConfigFile& other) {
  std::swap(text_, other.text_);
  std::swap(result_, other.result_);
}

bool load_config(const char* path, framepump_config& config, framepump_message& message) {
  ConfigFile file;
  if (!file.open()) {
    refuse(message, at_file(path) + " cannot be read: out of memory");
    return false;
  }
  file.read(path);
  return file.parse(path, config, message);
}

}  // namespace framepump
