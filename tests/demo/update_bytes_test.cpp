// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <xxhash.h>

#include <algorithm>
#include <vector>

#include "demo/protocol/update_bytes.h"

using demo::UpdateBytes;

namespace {

constexpr size_t kTableBytes = 256 * 1024;  // where the mask changes

std::vector<std::byte> part(const UpdateBytes& bytes, uint64_t offset, size_t size_bytes) {
  std::vector<std::byte> out(size_bytes, std::byte{0x5a});
  bytes.fill(offset, out);
  return out;
}

}  // namespace

TEST_CASE("any part of an update is the same bytes, wherever it is cut") {
  const UpdateBytes bytes(7);
  const std::vector<std::byte> whole = part(bytes, 0, 2 * kTableBytes + 64);
  for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, uint64_t{7}, uint64_t{8}, uint64_t{9}, uint64_t{kTableBytes - 9},
                                uint64_t{kTableBytes - 1}, uint64_t{kTableBytes}, uint64_t{2 * kTableBytes - 3}}) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{3}, size_t{8}, size_t{17}, size_t{60}}) {
      CAPTURE(offset);
      CAPTURE(size);
      const std::vector<std::byte> cut = part(bytes, offset, size);
      CHECK(std::equal(cut.begin(), cut.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
  }
}

TEST_CASE("updates of two seeds differ, and so do two rounds of the table, also beyond 4 GiB") {
  const UpdateBytes seven(7);
  const UpdateBytes eight(8);
  CHECK(part(seven, 0, 64) != part(eight, 0, 64));
  CHECK(part(seven, 0, 64) == part(UpdateBytes(7), 0, 64));
  CHECK(part(seven, 0, 64) != part(seven, kTableBytes, 64));
  CHECK(part(seven, 0, 64) != part(seven, uint64_t{1} << 32, 64));
}

TEST_CASE("the hash of an update is that of its bytes, and one wrong byte changes it") {
  const size_t size = 3 * kTableBytes + 5;
  std::vector<std::byte> bytes = part(UpdateBytes(11), 0, size);
  CHECK_EQ(demo::hash_of_update(11, size), XXH3_64bits(bytes.data(), bytes.size()));
  bytes[size - 1] ^= std::byte{1};
  CHECK_NE(demo::hash_of_update(11, size), XXH3_64bits(bytes.data(), bytes.size()));
}
