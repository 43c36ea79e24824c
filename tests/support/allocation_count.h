// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

namespace framepump::test {

// How often anything in this process has asked malloc and its relatives for memory so far, whichever thread. Nothing: a sanitizer
// has a malloc of its own.
std::optional<uint64_t> allocation_count();

}  // namespace framepump::test
