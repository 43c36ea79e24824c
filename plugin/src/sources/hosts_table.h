// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/address.h"
#include "platform/growable_array.h"

namespace framepump {

// What a hosts file says, for look-ups that do not touch the disk: sorted by name, so one takes some twenty comparisons.
class HostsTable {
 public:
  static constexpr uint32_t kMostNames = 131'072;   // of a file; those beyond it are left out
  static constexpr uint32_t kMostBytes = 4 << 20;

  explicit HostsTable(const Host& host) : text_(host), lines_(host) {}

  // False: out of memory. Lines that make no sense are skipped, as everybody does.
  bool read(std::string_view text);
  // The addresses of a name in small letters, in the order of the file, as many as fit; how many there are of this family.
  uint32_t find(std::string_view name, AddressFamily family, std::span<SocketAddress> out) const;
  bool is_empty() const { return lines_.size() == 0; }

 private:
  struct Line {
    uint32_t name_at;
    uint32_t name_bytes;
    SocketAddress address;
  };
  bool read_line(uint32_t begin, uint32_t end);
  std::string_view name_of(const Line& line) const { return {text_.begin() + line.name_at, line.name_bytes}; }

  // The file, in small letters.
  class Text {
   public:
    explicit Text(const Host& host) : bytes_(host) {}
    bool assign(std::string_view text);
    const char* begin() const { return bytes_.size() == 0 ? nullptr : &bytes_[0]; }
    char* data() { return bytes_.data(); }
    uint32_t size() const { return bytes_.size(); }

   private:
    GrowableArray<char> bytes_;
  };
  Text text_;
  GrowableArray<Line> lines_;
};

}  // namespace framepump
