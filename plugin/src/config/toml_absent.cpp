// SPDX-License-Identifier: MIT
//
// Instead of toml_reader.cpp in a plugin that is built without toml++: every config file is refused.
#ifdef FRAMEPUMP_WITHOUT_TOML
#include "config/config.h"
#include "config/config_messages.h"

namespace framepump {

bool parse_config(const char*, uint64_t, const char* path, framepump_config& config, framepump_message& message) {
  set_defaults(config);
  refuse(message, at_file(path) + " cannot be read: this FramePump was built without its TOML reader (FRAMEPUMP_WITHOUT_TOML); "
                                  "allowed are config_init and network_create");
  return false;
}

}  // namespace framepump
#endif
