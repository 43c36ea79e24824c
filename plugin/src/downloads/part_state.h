// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "downloads/http_fields.h"

namespace framepump {

// By what a server is asked whether a file is still the one of which a part is here.
struct Validators {
  FixedText<256> etag;          // a strong one, or empty
  FixedText<32> last_modified;  // a date that names one version, or empty
  bool is_empty() const { return etag.is_empty() && last_modified.is_empty(); }
};

// What FILE.part.state says of FILE.part. A file that other programs can write: it is checked as what comes from the wire.
struct PartState {
  UrlText url;  // that was asked for, before redirects, without user info
  Validators validators;
  uint64_t total_bytes = 0;  // 0: unknown
};

constexpr size_t kPartStateBytes = 4096;  // more than the longest that is written

// "framepump download 1", then a line for each that is known: "url ...", "etag ...", "modified ...", "total N". False: anything else.
bool parse_part_state(std::string_view text, PartState& out);
// The number of bytes, 0 when they do not fit.
size_t format_part_state(const PartState& state, std::span<char> out);

}  // namespace framepump
