// SPDX-License-Identifier: MIT
//
// Framing by itself: bytes in, verdict out, compared with a model that is too simple to be wrong.
#include <doctest/doctest.h>

#include <framepump/framing.hpp>

#include <array>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fp = framepump;
using Kind = fp::Verdict::Kind;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

fp::Status check_message(const fp::Framing& framing, std::string_view message) {
  const std::span<const std::byte> part = bytes_of(message);
  return framing.check_message({&part, 1});
}

// As it goes over the wire.
std::string framed(const fp::Framing& framing, std::string_view message) {
  std::array<std::byte, fp::Framing::kMaxHeaderBytes> header;
  const uint32_t count = framing.write_header(static_cast<uint32_t>(message.size()), header);
  return text_of(std::span(header).first(count)) + std::string(message) + text_of(framing.delimiter());
}

struct NamedFraming {
  const char* name;
  fp::Framing framing;
};

constexpr uint32_t kMaxBytes = 300;

std::vector<NamedFraming> all_framings() {
  return {
      {"varint", fp::Framing::varint(kMaxBytes)},
      {"fixed16 big", fp::Framing::fixed16(kMaxBytes)},
      {"fixed16 little", fp::Framing::fixed16(kMaxBytes, fp::ByteOrder::little)},
      {"fixed32 big", fp::Framing::fixed32(kMaxBytes)},
      {"fixed32 little", fp::Framing::fixed32(kMaxBytes, fp::ByteOrder::little)},
      {"fixed size", fp::Framing::fixed_size(kMaxBytes)},
      {"lines", fp::Framing::lines(kMaxBytes)},
      {"lines ending in lf", fp::Framing::lines(kMaxBytes, fp::LineEnd::lf)},
      {"delimited by one", fp::Framing::delimited(std::string_view("\0", 1), kMaxBytes)},
      {"delimited by two", fp::Framing::delimited("\r\n", kMaxBytes)},
      {"delimited by what repeats", fp::Framing::delimited("abaabab", kMaxBytes)},
      {"delimited by the most", fp::Framing::delimited("aaaaaaaaaaaaaaab", kMaxBytes)},
  };
}

// Of `size_bytes`, out of few letters, so that parts of delimiters come up; without the delimiter.
std::string random_message(const fp::Framing& framing, std::mt19937& random, size_t size_bytes) {
  while (true) {
    std::string message;
    while (message.size() < size_bytes) message += "ab\r\n\0c"[random() % 6];
    if (!framing.is_delimited() || check_message(framing, message)) return message;
    // Too long to come out without it by chance: its letters are others then.
    if (size_bytes > 8) return std::string(size_bytes, 'c');
  }
}

}  // namespace

TEST_CASE("every prefix of a message is incomplete, says how much more is needed at least, and the whole is whole") {
  const uint32_t seed = 6400;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const NamedFraming& named : all_framings()) {
    const std::string name = named.name;
    CAPTURE(name);
    const fp::Framing& framing = named.framing;
    REQUIRE(framing.check());
    for (size_t size_bytes : {0u, 1u, 2u, 3u, 127u, 128u, 129u, 255u, 256u, 299u, 300u}) {
      if (name == "fixed size") size_bytes = kMaxBytes;
      CAPTURE(size_bytes);
      const std::string message = random_message(framing, random, size_bytes);
      const std::string wire = framed(framing, message);
      const std::string more = wire + random_message(framing, random, 40);
      for (size_t there = 0; there < wire.size(); ++there) {
        const fp::Verdict verdict = framing.look(bytes_of(more).first(there));
        REQUIRE_EQ(verdict.kind, Kind::incomplete);
        REQUIRE_GT(verdict.total_bytes, there);
        REQUIRE_LE(verdict.total_bytes, wire.size());
      }
      for (size_t there = wire.size(); there <= more.size(); ++there) {
        const fp::Verdict verdict = framing.look(bytes_of(more).first(there));
        REQUIRE_EQ(verdict.kind, Kind::whole);
        REQUIRE_EQ(verdict.total_bytes, wire.size());
        REQUIRE_EQ(more.substr(verdict.begin, verdict.size_bytes), message);
      }
      CHECK_LE(wire.size(), framing.largest_total_bytes());
    }
  }
}

TEST_CASE("a message of the largest size is whole, and one byte more is too large as soon as that is known") {
  for (const NamedFraming& named : all_framings()) {
    const std::string name = named.name;
    CAPTURE(name);
    const std::string largest(kMaxBytes, 'c');
    CHECK(check_message(named.framing, largest));
    CHECK_EQ(named.framing.look(bytes_of(framed(named.framing, largest))).size_bytes, kMaxBytes);
    const fp::Status refused = check_message(named.framing, largest + "c");
    CHECK_EQ(refused.error().code(), fp::ErrorCode::too_large);
    CHECK_EQ(std::string(refused.error().text()), "the message has 301 bytes, allowed are at most 300");
    if (name == "fixed size") continue;
    const std::string wire = framed(named.framing, largest + "c");
    const fp::Verdict verdict = named.framing.look(bytes_of(wire));
    CHECK_EQ(verdict.kind, Kind::too_large);
    CHECK_EQ(verdict.size_bytes, kMaxBytes + 1);
    // A length says it at once; who looks for an end must have as much as cannot be a message any more.
    const size_t known_at = named.framing.is_delimited() ? kMaxBytes + (name == "lines" ? 2 : 1) : wire.size() - kMaxBytes - 1;
    CHECK_EQ(named.framing.look(bytes_of(wire).first(known_at)).kind, Kind::too_large);
    CHECK_EQ(named.framing.look(bytes_of(wire).first(known_at - 1)).kind, Kind::incomplete);
  }
}

TEST_CASE("a varint's length must be in its shortest form and have at most 32 bits") {
  const fp::Framing framing = fp::Framing::varint(0x7fff'ffff);
  const auto look = [&](std::string_view wire) { return framing.look(bytes_of(wire)); };
  CHECK_EQ(look("\xff\xff\xff\xff\x07").total_bytes, 5 + uint64_t{0x7fff'ffff});
  CHECK_EQ(look("\xff\xff\xff\xff\x0f").kind, Kind::too_large);
  CHECK_EQ(look("\xff\xff\xff\xff\x0f").size_bytes, 0xffff'ffff);
  for (const std::string_view wire : {"\xff\xff\xff\xff\x10", "\xff\xff\xff\xff\x8f", "\x80\x80\x80\x80\x80\x01"}) {
    CHECK_EQ(look(wire).kind, Kind::malformed);
    CHECK_EQ(std::string(look(wire).why), "its length is a varint of more than 32 bits, allowed are at most 32");
  }
  for (const char* text : {"\x80\0", "\xff\0", "\x81\x80\x80\x80\0"}) {
    const std::string_view wire(text, std::strlen(text) + 1);
    CHECK_EQ(look(wire).kind, Kind::malformed);
    CHECK_EQ(std::string(look(wire).why), "its length is a varint with a zero at its end, allowed is the shortest form");
  }
  CHECK_EQ(look(std::string_view("\0", 1)).kind, Kind::whole);
}

TEST_CASE("lengths lie in the byte order that was asked for") {
  CHECK_EQ(framed(fp::Framing::fixed16(), std::string(258, 'x')).substr(0, 2), "\x01\x02");
  CHECK_EQ(framed(fp::Framing::fixed16(65535, fp::ByteOrder::little), std::string(258, 'x')).substr(0, 2), "\x02\x01");
  CHECK_EQ(framed(fp::Framing::fixed32(99'999), std::string(66'051, 'x')).substr(0, 4), std::string("\0\x01\x02\x03", 4));
  const fp::Framing little = fp::Framing::fixed32(99'999, fp::ByteOrder::little);
  CHECK_EQ(framed(little, std::string(66'051, 'x')).substr(0, 4), std::string("\x03\x02\x01\0", 4));
  CHECK_EQ(framed(fp::Framing::varint(99'999), std::string(300, 'x')).substr(0, 2), "\xac\x02");  // the example of Protocol Buffers
}

TEST_CASE("a delimiter is found where string::find finds it, however the bytes are cut") {
  const uint32_t seed = 6401;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const std::string delimiter : {"a", "ab", "aa", "aab", "abab", "abaabab", "aabaaab", "aaaa"}) {
    CAPTURE(delimiter);
    const fp::Framing framing = fp::Framing::delimited(delimiter, 1000);
    for (int round = 0; round < 400; ++round) {
      std::string text;
      for (size_t i = random() % 40; i > 0; --i) text += "ab"[random() % 2];
      CAPTURE(text);
      const size_t expected = text.find(delimiter);
      fp::Framing::Search search;
      bool is_found = false;
      for (size_t at = 0; at < text.size() && !is_found;) {
        const size_t step = std::min<size_t>(1 + random() % 5, text.size() - at);
        is_found = framing.look_on(search, bytes_of(text).subspan(at, step));
        at += step;
      }
      REQUIRE_EQ(is_found, expected != std::string::npos);
      if (is_found) REQUIRE_EQ(search.searched_bytes, expected + delimiter.size());
      if (!is_found) REQUIRE_EQ(search.searched_bytes, text.size());
    }
  }
}

TEST_CASE("a message is refused just when its reader would not get it as it is") {
  const uint32_t seed = 6402;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto is_kept = [](const fp::Framing& framing, const std::string& message) {
    const std::string wire = framed(framing, message);
    const fp::Verdict verdict = framing.look(bytes_of(wire));
    return verdict.kind == Kind::whole && verdict.total_bytes == wire.size() && wire.substr(verdict.begin, verdict.size_bytes) == message;
  };
  uint32_t refused = 0;
  for (const fp::Framing& framing : {fp::Framing::delimited("aa", 50), fp::Framing::delimited("aab", 50), fp::Framing::lines(50),
                                     fp::Framing::lines(50, fp::LineEnd::lf), fp::Framing::delimited("\r\n", 50)}) {
    for (int round = 0; round < 500; ++round) {
      std::string message;
      for (size_t i = random() % 10; i > 0; --i) message += "aab\r\n"[random() % 5];
      CAPTURE(message);
      const fp::Status status = check_message(framing, message);
      REQUIRE_EQ(static_cast<bool>(status), is_kept(framing, message));
      if (!status) CHECK_EQ(status.error().code(), fp::ErrorCode::invalid_argument);
      refused += !status;
      // In pieces it is the same message.
      const size_t cut = message.empty() ? 0 : random() % message.size();
      const std::span<const std::byte> parts[] = {bytes_of(message).first(cut), {}, bytes_of(message).subspan(cut)};
      REQUIRE_EQ(static_cast<bool>(framing.check_message(parts)), static_cast<bool>(status));
    }
  }
  CHECK_GT(refused, 200);
  CHECK_FALSE(check_message(fp::Framing::fixed_size(4), "abc"));
  CHECK(std::string(check_message(fp::Framing::fixed_size(4), "abc").error().text()) == "the message has 3 bytes, allowed are 4");
}

TEST_CASE("any bytes get a verdict that more bytes do not change") {
  const uint32_t seed = 6403;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const NamedFraming& named : all_framings()) {
    const std::string name = named.name;
    CAPTURE(name);
    for (int round = 0; round < 200; ++round) {
      std::string wire;
      for (size_t i = random() % 700; i > 0; --i) wire += static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
      Kind kind = Kind::incomplete;
      fp::Verdict settled;
      for (size_t there = 0; there <= wire.size(); there += 1 + random() % 7) {
        const fp::Verdict verdict = named.framing.look(bytes_of(wire).first(there));
        if (verdict.kind == Kind::incomplete) REQUIRE_GT(verdict.total_bytes, there);
        if (verdict.kind == Kind::whole) {
          REQUIRE_LE(verdict.total_bytes, there);
          REQUIRE_LE(verdict.begin + verdict.size_bytes, verdict.total_bytes);
          REQUIRE_LE(verdict.size_bytes, kMaxBytes);
        }
        if (kind != Kind::incomplete) REQUIRE_EQ(verdict.kind, kind);
        if (kind == Kind::whole) REQUIRE_EQ(verdict.total_bytes, settled.total_bytes);
        kind = verdict.kind;
        settled = verdict;
      }
    }
  }
}

TEST_CASE("impossible values of a framing are named, with what is allowed") {
  const auto text_of_check = [](const fp::Framing& framing) {
    const fp::Status status = framing.check();
    CHECK_EQ(status.error().code(), fp::ErrorCode::invalid_argument);
    CHECK_EQ(std::string(check_message(framing, "x").error().text()), std::string(status.error().text()));
    CHECK_NE(framing.look(bytes_of("xyz")).kind, Kind::whole);
    return std::string(status.error().text());
  };
  CHECK_EQ(text_of_check(fp::Framing::varint(0)), "framing: the largest message is 0 bytes, allowed is 1 to 2147483647");
  CHECK_EQ(text_of_check(fp::Framing::varint(0x8000'0000)), "framing: the largest message is 2147483648 bytes, allowed is 1 to 2147483647");
  CHECK_EQ(text_of_check(fp::Framing::fixed16(65536)), "framing: the largest message is 65536 bytes, allowed is 1 to 65535");
  CHECK_EQ(text_of_check(fp::Framing::delimited("", 10)), "framing: the delimiter has 0 bytes, allowed are 1 to 16");
  CHECK_EQ(text_of_check(fp::Framing::delimited("12345678901234567", 10)), "framing: the delimiter has 17 bytes, allowed are 1 to 16");
  CHECK(fp::Framing::fixed16(65535).check());
  CHECK(fp::Framing::fixed32(0x7fff'ffff).check());
}
