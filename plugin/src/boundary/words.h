// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace framepump {

// Names of codes, for logs. Unknown codes have one too.
const char* error_name(uint32_t error);
const char* reason_name(uint32_t reason);
const char* event_name(uint32_t kind);

}  // namespace framepump
