// SPDX-License-Identifier: MIT
//
// How messages lie in a stream of bytes: bytes in, verdict out. Nothing here knows a network, so a test or a fuzzer needs none.
// message.hpp reads and sends with it.
#pragma once

#include <framepump/result.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

enum class ByteOrder : uint8_t { big, little };  // big: the network's
enum class LineEnd : uint8_t { lf, lf_or_crlf };

// What the bytes at the front of a stream are.
struct Verdict {
  enum class Kind : uint8_t { incomplete, whole, too_large, malformed };
  Kind kind = Kind::incomplete;
  uint64_t begin = 0;        // whole: where the message's own bytes begin, behind its header
  uint64_t size_bytes = 0;   // whole: of these; too_large: of these, or as many as were there without an end
  uint64_t total_bytes = 0;  // whole: what it takes of the stream; incomplete: so many must be there, at least, to say more
  const char* why = "";      // malformed: what is wrong
};

// One way to lay messages into a stream, with the largest message there may be. A value; both sides must use the same.
// A framing that was made with impossible values is refused, with a sentence, by whatever is to use it; check() asks.
class Framing {
 public:
  static constexpr uint32_t kMaxDelimiterBytes = 16;
  static constexpr uint32_t kMaxHeaderBytes = 5;

  // The length in front, as unsigned LEB128 (seven bits a byte, the lowest first, as in Protocol Buffers) of at most 32 bits and in
  // its shortest form: anything longer is malformed.
  static constexpr Framing varint(uint32_t max_bytes) { return Framing(Kind::varint, max_bytes, ByteOrder::little); }
  // The length in front, as a number of 16 or 32 bits. It does not count itself.
  static constexpr Framing fixed16(uint32_t max_bytes = 65535, ByteOrder order = ByteOrder::big) {
    return Framing(Kind::fixed16, max_bytes, order);
  }
  static constexpr Framing fixed32(uint32_t max_bytes, ByteOrder order = ByteOrder::big) {
    return Framing(Kind::fixed32, max_bytes, order);
  }
  // Every message has this size; there is nothing between them.
  static constexpr Framing fixed_size(uint32_t size_bytes) { return Framing(Kind::fixed_size, size_bytes, ByteOrder::big); }
  // A line feed behind each message. lf_or_crlf: a carriage return before it is no part of the message. Sent is a line feed alone.
  static constexpr Framing lines(uint32_t max_bytes, LineEnd end = LineEnd::lf_or_crlf) {
    Framing framing = delimited("\n", max_bytes);
    framing.strips_return_ = end == LineEnd::lf_or_crlf;
    return framing;
  }
  // These 1 to 16 bytes behind each message, which does not contain them. What they are: a copy is kept.
  static constexpr Framing delimited(std::string_view delimiter, uint32_t max_bytes) {
    Framing framing(Kind::delimited, max_bytes, ByteOrder::big);
    framing.asked_bytes_ = static_cast<uint32_t>(std::min<size_t>(delimiter.size(), UINT32_MAX));
    if (delimiter.size() > kMaxDelimiterBytes) return framing;
    framing.delimiter_bytes_ = framing.asked_bytes_;
    for (size_t i = 0; i < delimiter.size(); ++i) framing.delimiter_[i] = static_cast<std::byte>(delimiter[i]);
    framing.find_borders();
    return framing;
  }

  // Whether its values are possible: invalid_argument names the wrong one.
  Status check() const {
    char text[160];
    if (is_delimited() && delimiter_bytes_ == 0) {
      std::snprintf(text, sizeof(text), "framing: the delimiter has %u bytes, allowed are 1 to %u", asked_bytes_, kMaxDelimiterBytes);
      return Error(ErrorCode::invalid_argument, text);
    }
    const uint32_t limit = kind_ == Kind::fixed16 ? 65535 : kLargestMaximum;
    if (max_bytes_ == 0 || max_bytes_ > limit) {
      std::snprintf(text, sizeof(text), "framing: the largest message is %u bytes, allowed is 1 to %u", max_bytes_, limit);
      return Error(ErrorCode::invalid_argument, text);
    }
    return {};
  }
  constexpr uint32_t max_bytes() const { return max_bytes_; }
  constexpr bool is_delimited() const { return kind_ == Kind::delimited; }
  constexpr std::span<const std::byte> delimiter() const { return {delimiter_, is_delimited() ? delimiter_bytes_ : 0}; }
  // What the largest message takes of a stream.
  constexpr uint64_t largest_total_bytes() const {
    if (is_delimited()) return uint64_t{longest_run()} + delimiter_bytes_;
    return uint64_t{header_bytes(max_bytes_)} + max_bytes_;
  }

  // ---- reading ----

  // What `bytes`, the front of a stream or all of it, begin with. Any bytes will do; the same bytes always give the same verdict, and
  // more bytes turn `incomplete` into another one but no other into anything else.
  Verdict look(std::span<const std::byte> bytes) const {
    if (is_delimited()) {
      if (delimiter_bytes_ == 0) return malformed("there is no delimiter");
      Search search;
      return look_on(search, bytes) ? found(search, bytes) : not_found(search);
    }
    return look_at_length(bytes);
  }

  // How far the delimiter has been looked for, so that no byte is looked at twice.
  struct Search {
    uint64_t searched_bytes = 0;
    uint32_t matched_bytes = 0;  // so many of them, the last, are the delimiter's first
  };
  // Looks on in `run`, which follows what was searched: at most to where the largest message would end. True: searched_bytes is now
  // right behind the delimiter. Each byte is compared at most twice (Knuth, Morris and Pratt 1977), and memchr skips most.
  bool look_on(Search& search, std::span<const std::byte> run) const {
    const uint64_t left = largest_total_bytes() - std::min(largest_total_bytes(), search.searched_bytes);
    const std::byte* at = run.data();
    const std::byte* const end = at + std::min<uint64_t>(run.size(), left);
    while (at != end) {
      if (search.matched_bytes == 0) {
        const void* first = std::memchr(at, static_cast<int>(delimiter_[0]), static_cast<size_t>(end - at));
        const std::byte* const next = first == nullptr ? end : static_cast<const std::byte*>(first);
        search.searched_bytes += static_cast<uint64_t>(next - at);
        at = next;
        if (at == end) return false;
      }
      ++search.searched_bytes;
      search.matched_bytes = extend_match(search.matched_bytes, *at++);
      if (search.matched_bytes < delimiter_bytes_) continue;
      search.matched_bytes = 0;
      return true;
    }
    return false;
  }
  // After look_on said true; `bytes` are the first searched_bytes of the stream, or more.
  Verdict found(const Search& search, std::span<const std::byte> bytes) const {
    Verdict verdict = {.kind = Verdict::Kind::whole, .total_bytes = search.searched_bytes};
    verdict.size_bytes = search.searched_bytes - delimiter_bytes_;
    const bool has_return = strips_return_ && verdict.size_bytes > 0 && bytes[verdict.size_bytes - 1] == std::byte{'\r'};
    verdict.size_bytes -= has_return ? 1 : 0;
    if (verdict.size_bytes > max_bytes_) verdict.kind = Verdict::Kind::too_large;
    return verdict;
  }
  // After look_on said false, all that there is having been searched.
  Verdict not_found(const Search& search) const {
    const uint64_t size_bytes = search.searched_bytes - search.matched_bytes;
    if (size_bytes > longest_run()) return {.kind = Verdict::Kind::too_large, .size_bytes = size_bytes};
    return {.total_bytes = search.searched_bytes + 1};
  }

  // ---- sending ----

  // The header of a message of this size, within `max_bytes`; returns how long it is.
  constexpr uint32_t write_header(uint32_t size_bytes, std::span<std::byte, kMaxHeaderBytes> out) const {
    const uint32_t count = header_bytes(size_bytes);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t place = order_ == ByteOrder::big ? count - 1 - i : i;
      const uint32_t more = kind_ == Kind::varint && i + 1 < count ? 0x80 : 0;
      const uint32_t bits = kind_ == Kind::varint ? (size_bytes >> (7 * i) & 0x7f) | more : size_bytes >> (8 * place) & 0xff;
      out[i] = static_cast<std::byte>(bits);
    }
    return count;
  }
  // Whether the other side would get just this message. too_large; invalid_argument: another size than the fixed one, the delimiter
  // in it, or a line whose last carriage return would be lost.
  Status check_message(std::span<const std::span<const std::byte>> parts) const {
    if (Status status = check(); !status) return status;
    uint64_t size_bytes = 0;
    for (const std::span<const std::byte> part : parts) size_bytes += part.size();
    char text[160];
    if (size_bytes > max_bytes_) {
      std::snprintf(text, sizeof(text), "the message has %llu bytes, allowed are at most %u", as_long(size_bytes), max_bytes_);
      return Error(ErrorCode::too_large, text);
    }
    if (kind_ == Kind::fixed_size && size_bytes != max_bytes_) {
      std::snprintf(text, sizeof(text), "the message has %llu bytes, allowed are %u", as_long(size_bytes), max_bytes_);
      return Error(ErrorCode::invalid_argument, text);
    }
    return is_delimited() ? check_content(parts, size_bytes) : Status();
  }

 private:
  enum class Kind : uint8_t { varint, fixed16, fixed32, fixed_size, delimited };
  static constexpr uint32_t kLargestMaximum = 0x7fff'ffff;

  static Verdict malformed(const char* why) { return {.kind = Verdict::Kind::malformed, .why = why}; }
  static unsigned long long as_long(uint64_t value) { return value; }

  constexpr Framing(Kind kind, uint32_t max_bytes, ByteOrder order) : kind_(kind), order_(order), max_bytes_(max_bytes) {}

  // The longest run of bytes without the delimiter that may still become a message.
  constexpr uint32_t longest_run() const { return max_bytes_ + (strips_return_ ? 1 : 0); }
  constexpr uint32_t header_bytes(uint32_t size_bytes) const {
    if (kind_ == Kind::fixed16) return 2;
    if (kind_ == Kind::fixed32) return 4;
    if (kind_ != Kind::varint) return 0;
    uint32_t count = 1;
    while (size_bytes >>= 7) ++count;
    return count;
  }

  Verdict look_at_length(std::span<const std::byte> bytes) const {
    if (kind_ == Kind::varint) return look_at_varint(bytes);
    const uint32_t count = header_bytes(0);
    if (bytes.size() < count) return {.total_bytes = count};
    uint32_t size_bytes = kind_ == Kind::fixed_size ? max_bytes_ : 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t place = order_ == ByteOrder::big ? count - 1 - i : i;
      size_bytes |= static_cast<uint32_t>(bytes[i]) << (8 * place);
    }
    return sized(bytes, count, size_bytes);
  }
  Verdict look_at_varint(std::span<const std::byte> bytes) const {
    uint32_t size_bytes = 0;
    for (uint32_t i = 0; i < kMaxHeaderBytes; ++i) {
      if (i == bytes.size()) return {.total_bytes = i + 1};
      const uint32_t bits = static_cast<uint32_t>(bytes[i]);
      if (i == kMaxHeaderBytes - 1 && bits > 0x0f) break;
      size_bytes |= (bits & 0x7f) << (7 * i);
      if ((bits & 0x80) != 0) continue;
      if (i > 0 && bits == 0) return malformed("its length is a varint with a zero at its end, allowed is the shortest form");
      return sized(bytes, i + 1, size_bytes);
    }
    return malformed("its length is a varint of more than 32 bits, allowed are at most 32");
  }
  Verdict sized(std::span<const std::byte> bytes, uint32_t begin, uint32_t size_bytes) const {
    Verdict verdict = {.begin = begin, .size_bytes = size_bytes, .total_bytes = uint64_t{begin} + size_bytes};
    if (size_bytes > max_bytes_) {
      verdict.kind = Verdict::Kind::too_large;
    } else if (bytes.size() >= verdict.total_bytes) {
      verdict.kind = Verdict::Kind::whole;
    }
    return verdict;
  }

  Status check_content(std::span<const std::span<const std::byte>> parts, uint64_t size_bytes) const {
    Search search;
    std::byte last{};
    bool is_inside = false;
    for (const std::span<const std::byte> part : parts) {
      if (part.empty()) continue;
      last = part.back();
      is_inside = is_inside || look_on(search, part);
    }
    // The message's last bytes and the delimiter's first may be one, too.
    if (is_inside || !look_on(search, delimiter()) || search.searched_bytes != size_bytes + delimiter_bytes_) {
      return Error(ErrorCode::invalid_argument, "the message contains the delimiter, or its end makes one with the delimiter behind it");
    }
    if (strips_return_ && size_bytes > 0 && last == std::byte{'\r'}) {
      return Error(ErrorCode::invalid_argument, "the line ends with a carriage return, which its reader would take off");
    }
    return {};
  }

  constexpr uint32_t extend_match(uint32_t matched, std::byte next) const {
    while (matched > 0 && delimiter_[matched] != next) matched = borders_[matched - 1];
    return delimiter_[matched] == next ? matched + 1 : 0;
  }
  // borders_[i]: how long the longest beginning of the delimiter is that its first i + 1 bytes also end with, short of all of them.
  constexpr void find_borders() {
    for (uint32_t i = 1; i < delimiter_bytes_; ++i) borders_[i] = static_cast<uint8_t>(extend_match(borders_[i - 1], delimiter_[i]));
  }

  Kind kind_;
  ByteOrder order_;
  bool strips_return_ = false;
  uint32_t max_bytes_;
  uint32_t delimiter_bytes_ = 0;
  uint32_t asked_bytes_ = 0;  // of the delimiter; too many are not kept
  std::byte delimiter_[kMaxDelimiterBytes] = {};
  uint8_t borders_[kMaxDelimiterBytes] = {};
};

}  // namespace v0
}  // namespace framepump
