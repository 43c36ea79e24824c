// SPDX-License-Identifier: MIT
//
// What stands beside a part of a file was written by us, or is refused.
#include "downloads/part_state.h"

#include <cstring>
#include <memory>
#include <string>

#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

bool is_same(const PartState& a, const PartState& b) {
  return a.url.view() == b.url.view() && a.validators.etag.view() == b.validators.etag.view() &&
         a.validators.last_modified.view() == b.validators.last_modified.view() && a.total_bytes == b.total_bytes;
}

}  // namespace

void part_state(std::string_view bytes) {
  PartState state;
  if (!parse_part_state(bytes, state)) return;
  expect(parse_url(state.url.view()).has_value(), "a part has a URL");
  expect(state.validators.etag.is_empty() || is_strong_etag(state.validators.etag.view()), "a part's tag is a strong one");

  const auto written = std::make_unique<char[]>(kPartStateBytes);
  const size_t size = format_part_state(state, {written.get(), kPartStateBytes});
  PartState again;
  expect(size > 0 && parse_part_state({written.get(), size}, again) && is_same(state, again), "a state is read as it was written");

  const auto small = std::make_unique<char[]>(size);  // one byte too few, for the zero
  expect(format_part_state(state, {small.get(), size}) == 0, "a state that does not fit is none");
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(part_state);
