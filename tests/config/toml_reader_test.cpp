// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "config/config_file.h"
#include "parsed.h"

using namespace std::string_literals;

namespace framepump::test {
namespace {

// What the file says about `key`, as the words after its place.
std::string complaint_about(const std::string& value, const std::string& key = "slice_us") {
  const Parsed parsed = parse("[pump]\n" + key + " = " + value + "\n");
  CHECK_FALSE(parsed.is_ok);
  const std::string place = "framepump.toml:2: ";
  CHECK(parsed.message.starts_with(place));
  return parsed.message.substr(parsed.message.size() < place.size() ? 0 : place.size());
}

// `place` is the line, and the column where there is no doubt about it.
void check_syntax_error(const std::string& text, const std::string& place, const std::string& word) {
  CAPTURE(text);
  const Parsed parsed = parse(text);
  CAPTURE(parsed.message);
  CHECK_FALSE(parsed.is_ok);
  CHECK(parsed.message.starts_with("framepump.toml:" + place + ":"));
  CHECK(parsed.says(word));
}

}  // namespace

TEST_CASE("an empty file, and one of comments only, means the defaults") {
  for (const std::string& text : {""s, "\n"s, "# nothing here"s, "\xEF\xBB\xBF"s, "[pump]\n[memory]\n"s}) {
    const Parsed parsed = parse(text);
    CHECK_MESSAGE(parsed.is_ok, parsed.message);
    CHECK(differing_keys(parsed.config, defaults()) == 0);
    CHECK(parsed.config.struct_size == sizeof(framepump_config));
  }
}

TEST_CASE("every key is read from the file into its own field") {
  for (size_t i = 0; i < config_keys().size(); ++i) {
    const ConfigKey& key = config_keys()[i];
    CAPTURE(key.name);
    const uint32_t other = key.default_value == key.maximum ? key.minimum : key.maximum;
    std::string spelled = std::to_string(other);
    if (key.kind == KeyKind::boolean) spelled = other == 1 ? "true" : "false";
    if (key.kind == KeyKind::backend) spelled = other == FRAMEPUMP_BACKEND_POLL ? "\"poll\"" : "\"epoll\"";
    const Parsed parsed = parse(std::string(key.name) + " = " + spelled);
    CHECK_MESSAGE(parsed.is_ok, parsed.message);
    CHECK(differing_keys(parsed.config, defaults()) == KeySet{1} << i);
    CHECK(parsed.config.*key.field == other);
  }
}

TEST_CASE("every way in which TOML can write a key is read") {
  const std::vector<std::string> texts = {
      "[pump]\nslice_us = 1_500",
      "pump.slice_us = 1500",
      "pump = { slice_us = 1500 }",
      "[pump]\r\nslice_us = 0x5DC\r\n",
      "\xEF\xBB\xBF[pump]\nslice_us=1500",
      "\"pump\".'slice_us' = +1500 # why",
      "[ pump ]\n\tslice_us\t=\t0b10111011100",
  };
  for (const std::string& text : texts) {
    CAPTURE(text);
    const Parsed parsed = parse(text);
    CHECK_MESSAGE(parsed.is_ok, parsed.message);
    CHECK(parsed.config.slice_us == 1500);
  }
}

TEST_CASE("an unknown key is refused with its line and the nearest known key") {
  CHECK(parse("[pump]\n\nslize_us = 5").message == "framepump.toml:3: unknown key pump.slize_us; did you mean pump.slice_us?");
  CHECK(parse("pump.linger_ms = 5").message == "framepump.toml:1: unknown key pump.linger_ms; did you mean stream.linger_ms?");
  CHECK(parse("threaded = true").message == "framepump.toml:1: unknown key threaded; did you mean pump.threaded?");
  CHECK(parse("[limits]\nfoo = 5").message == "framepump.toml:2: unknown key limits.foo; the keys of [limits] are streams");
  CHECK(parse("foo = 5").message ==
        "framepump.toml:1: unknown key foo; every key belongs to one of the tables pump, memory, stream, listener, limits, datagram, download, names");
  CHECK(parse("[limits.deeper]\nstreams = 5").message ==
        "framepump.toml:1: unknown key limits.deeper; the keys of [limits] are streams");
}

TEST_CASE("an unknown table is refused with its line and the nearest known table") {
  CHECK(parse("[pump]\n[pmup]").message == "framepump.toml:2: unknown table [pmup]; did you mean [pump]?");
  CHECK(parse("[streams]\nlinger_ms = 5").message == "framepump.toml:1: unknown table [streams]; did you mean [stream]?");
  CHECK(parse("[[video]]\nvsync = true").message ==
        "framepump.toml:1: unknown table [video]; the tables are pump, memory, stream, listener, limits, datagram, download, names");
}

TEST_CASE("a value of the wrong type is refused with line, key, what was found and what is allowed") {
  const std::string allowed = "; allowed are integers, 0 to 1000000 us";
  CHECK(complaint_about("\"fast\"") == "pump.slice_us is \"fast\", a string" + allowed);
  CHECK(complaint_about("2.5") == "pump.slice_us is 2.5, a float" + allowed);
  CHECK(complaint_about("2000.0") == "pump.slice_us is 2000, a float" + allowed);
  CHECK(complaint_about("nan") == "pump.slice_us is nan, a float" + allowed);
  CHECK(complaint_about("-inf") == "pump.slice_us is -inf, a float" + allowed);
  CHECK(complaint_about("true") == "pump.slice_us is true, a boolean" + allowed);
  CHECK(complaint_about("[2000]") == "pump.slice_us is an array" + allowed);
  CHECK(complaint_about("{ us = 2000 }") == "pump.slice_us is a table" + allowed);
  CHECK(complaint_about("1979-05-27") == "pump.slice_us is a date or time" + allowed);
  CHECK(complaint_about("1979-05-27T07:32:00Z") == "pump.slice_us is a date or time" + allowed);
  CHECK(complaint_about("07:32:00") == "pump.slice_us is a date or time" + allowed);
  CHECK(complaint_about("1", "threaded") == "pump.threaded is 1, an integer; allowed are true and false");
  CHECK(complaint_about("\"true\"", "threaded") == "pump.threaded is \"true\", a string; allowed are true and false");
  CHECK(complaint_about("0", "backend") == "pump.backend is 0, an integer; allowed are \"epoll\" and \"poll\"");
  CHECK(complaint_about("\"kqueue\"", "backend") == "pump.backend is \"kqueue\", a string; allowed are \"epoll\" and \"poll\"");
  CHECK(complaint_about("\"EPOLL\"", "backend") == "pump.backend is \"EPOLL\", a string; allowed are \"epoll\" and \"poll\"");
}

TEST_CASE("a table where a value is wanted, and a value where a table is wanted, are refused") {
  CHECK(parse("[pump.slice_us]").message == "framepump.toml:1: pump.slice_us is a table; allowed are integers, 0 to 1000000 us");
  CHECK(parse("pump.slice_us.x = 1").message ==
        "framepump.toml:1: pump.slice_us is a table; allowed are integers, 0 to 1000000 us");
  CHECK(parse("pump = 5").message == "framepump.toml:1: pump is 5, an integer; wanted is the table [pump]");
  CHECK(parse("[[pump]]\nslice_us = 1").message == "framepump.toml:1: pump is an array; wanted is the table [pump]");
}

TEST_CASE("a value out of range is refused with line, key, value and what is allowed") {
  CHECK(complaint_about("1000001") == "pump.slice_us is 1000001; allowed are 0 to 1000000 us");
  CHECK(complaint_about("-1") == "pump.slice_us is -1; allowed are 0 to 1000000 us");
  CHECK(complaint_about("4294967296") == "pump.slice_us is 4294967296; allowed are 0 to 1000000 us");  // 0 if cut to 32 bits
  CHECK(complaint_about("9223372036854775807") == "pump.slice_us is 9223372036854775807; allowed are 0 to 1000000 us");
  CHECK(complaint_about("-9223372036854775808") == "pump.slice_us is -9223372036854775808; allowed are 0 to 1000000 us");
  CHECK(complaint_about("19", "stall_takeover_ms") == "pump.stall_takeover_ms is 19; allowed are 0 (off) and 20 to 60000 ms");
  CHECK(complaint_about("0", "quantum_kib") == "pump.quantum_kib is 0; allowed are 1 to 1024 KiB");
  CHECK(parse("[stream]\nkeepalive_s = 32768").message ==
        "framepump.toml:2: stream.keepalive_s is 32768; allowed are 0 to 32767 s");
  CHECK(parse("[limits]\nstreams = 262145").message == "framepump.toml:2: limits.streams is 262145; allowed are 1 to 262144");
  CHECK(parse("[pump]\nstall_takeover_ms = 0").is_ok);
}

TEST_CASE("of several mistakes the one that stands first in the file is told") {
  const std::string late = "[limits]\nstreams = 0\n", early = "[stream]\nlinger_ms = \"x\"\nbad = 1\n[audio]\n";
  CHECK(parse(early + late).message.starts_with("framepump.toml:2: stream.linger_ms is "));
  CHECK(parse(late + early).message.starts_with("framepump.toml:2: limits.streams is 0"));
  CHECK(parse("stream = { linger_ms = -1, backlog = 1 }").message.find("linger_ms is -1") != std::string::npos);
}

TEST_CASE("a syntax error is refused with line, column, its description and the line") {
  check_syntax_error("[pump]\nslice_us = 5x\n", "2:13", "the line is: slice_us = 5x");
  check_syntax_error("[pump\nslice_us = 5\n", "1:6", "the line is: [pump");
  check_syntax_error("\r\n\r\n[pump]\r\nslice_us =\r\n", "4:11", "the line is: slice_us =");
  check_syntax_error("[pump]\nslice_us", "2:9", "end-of-file");
  check_syntax_error("[pump]\nslice_us = 1\nslice_us = 2\n", "3", "redefine");
  check_syntax_error("[pump]\n[memory]\n[pump]\n", "3", "redefine");
  check_syntax_error("[pump]\nslice_us = 99999999999999999999\n", "2", "64 bits");
  check_syntax_error("[pump]\nslice_us = 0x1ffffffffffffffff\n", "2", "64 bits");
  check_syntax_error("[pump]\nthreaded = True\n", "2:12", "true");
  check_syntax_error("[pump]\nslice_us = 1e999\n", "2", "1e999");
  check_syntax_error("slice_us = " + std::string(300, '[') + "\n", "1", "depth");
}

TEST_CASE("bytes that are no text are refused with their line, and the message is printable") {
  for (const auto& [bytes, line] : std::vector<std::pair<std::string, std::string>>{
           {"[pump]\n# a\0b\n"s, "2"},
           {"[pump]\nslice_us = 5\0\n"s, "2"},
           {"\0"s, "1"},
           {"# ok\n# \xFF\xFE\n"s, "2"},
           {"[pump]\nbackend = \"\xC3\"\n"s, "2"},
           {"[pump]\nbackend = \"\xED\xA0\x80\"\n"s, "2"},
           {"\xFF\xFE[\0p\0u\0m\0p\0]\0"s, "1"},  // UTF-16
       }) {
    const Parsed parsed = parse(bytes);
    CHECK_FALSE(parsed.is_ok);
    CHECK(parsed.message.starts_with("framepump.toml:" + line + ":"));
    for (const char c : parsed.message) CHECK((c >= 0x20 && c < 0x7F));
  }
}

TEST_CASE("names, values and paths from outside are shown printable and cut") {
  CHECK(parse("\"a\\u001B[2J\\u0000z\" = 1").message.starts_with("framepump.toml:1: unknown key a?[2J?z; "));
  CHECK(complaint_about("\"\\u0085\\u009B\\u007F\\nx\"") ==
        "pump.slice_us is \"??????x\", a string; allowed are integers, 0 to 1000000 us");
  CHECK(complaint_about("\"" + std::string(10'000, 'x') + "\"") ==
        "pump.slice_us is \"" + std::string(60, 'x') + "...\", a string; allowed are integers, 0 to 1000000 us");
  // The cut falls inside of a character of two bytes.
  CHECK(complaint_about("\"" + std::string(59, 'x') + "\\u00E9\"")
            .starts_with("pump.slice_us is \"" + std::string(59, 'x') + "?...\""));
  CHECK(parse(std::string(1000, 'k') + " = 1").says("unknown key " + std::string(60, 'k') + "...; every key"));

  const std::string folder(4000, 'd');
  const Parsed parsed = parse("x = 1", (folder + "/net\n\xFFwork.toml").c_str());
  CHECK(parsed.message.starts_with("..."));
  CHECK(parsed.says("ddd/net??work.toml:1: unknown key x; every key belongs to"));
}

TEST_CASE("characters outside of ASCII are fine in comments, and a mistake elsewhere shows the line as it is") {
  CHECK(parse("# Größe: ½ Bild, 帧 🙂\n[pump]\nslice_us = 7 # µs\n").config.slice_us == 7);
  CHECK(parse("[pump]\ngröße = 7").message.starts_with("framepump.toml:2:3: "));
  CHECK(parse("[pump]\ngröße = 7").message.ends_with("; the line is: größe = 7"));
  CHECK(parse("[pump]\nslice_us\xC2\xA0= 7").message.starts_with("framepump.toml:2:9: "));  // a blank that is none
  CHECK(parse("\xEF\xB2\xBF\n[pump]\n").message.starts_with("framepump.toml:1:1: "));       // undefined behaviour in toml++
}

TEST_CASE("what toml++ asserts or cannot bear is refused") {
  for (const std::string& text : {"[=]"s, "[pump]\n[=\n"s, "[\"\"\"x\"\"\"]"s, "a.=1"s, "a.\"\"\"b\"\"\"=1"s}) {
    CAPTURE(text);
    CHECK_FALSE(parse(text).is_ok);
  }
  check_syntax_error("pump = " + std::string(17, '['), "1", "depth");
  std::string deep = "[pump";
  while (deep.size() < 60'000) deep += ".a";
  check_syntax_error(deep + "]", "1", "dots; allowed are 1000");
  // A line of dots is a line of dots.
  CHECK(parse("#" + std::string(60'000, '.') + "\n").is_ok);
}

TEST_CASE("a text of 64 KiB is read, and one byte more is refused with the size that is allowed") {
  std::string text = "pump.slice_us = 7\n#";
  text.resize(64 * 1024, 'x');
  CHECK(parse(text).config.slice_us == 7);
  text += 'x';
  CHECK(parse(text).message == "framepump.toml: has 65537 bytes; allowed are at most 65536");
}

}  // namespace framepump::test
