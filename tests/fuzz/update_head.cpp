// SPDX-License-Identifier: MIT
//
// A request for an update, or the answer to one, is refused with a reason, or read as what would be sent as the same bytes.
#include "demo/protocol/update_protocol.h"

#include <algorithm>
#include <array>
#include <string>

#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

// The first bytes, with zeros where there are too few: the demo waits until the head is whole.
template <size_t kSize>
std::array<std::byte, kSize> head_of(std::string_view bytes) {
  std::array<std::byte, kSize> head = {};
  std::transform(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(kSize, bytes.size())), head.begin(),
                 [](char byte) { return static_cast<std::byte>(byte); });
  return head;
}

template <size_t kSize, typename Decode>
void check(std::string_view bytes, Decode decode) {
  const std::array<std::byte, kSize> head = head_of<kSize>(bytes);
  std::string error;
  const auto read = decode(head, error);
  expect(read.has_value() == error.empty(), "what is refused has a reason, and nothing else has");
  if (!read.has_value()) return;
  expect(read->offset <= read->size_bytes && read->size_bytes <= demo::kLargestUpdateBytes, "an update is within its bounds");
  expect(demo::encode(*read) == head, "it is written as it was read");
}

}  // namespace

void update_head(std::string_view bytes) {
  check<demo::kRequestBytes>(bytes, demo::decode_request);
  check<demo::kResponseBytes>(bytes, demo::decode_response);
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(update_head);
