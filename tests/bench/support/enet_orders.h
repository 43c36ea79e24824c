// SPDX-License-Identifier: MIT
//
// What connect data asks the server of bench_enet_players for.
#pragma once

#include <cstdint>

namespace framepump::bench {

constexpr uint32_t kWantsSnapshots = 1;
constexpr uint32_t kWantsBulk = 2;

}  // namespace framepump::bench
