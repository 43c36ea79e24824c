// SPDX-License-Identifier: MIT
//
// What a server says of a file is refused or taken as what it means: ranges, dates, waits, header lines, proxies' exceptions. Where the bytes
// can be written again they are read as the same.
#include "downloads/http_fields.h"

#include <cinttypes>
#include <cstring>
#include <ctime>
#include <string>

#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

// From `bytes` up to the next line's end; they begin behind it then.
std::string_view take_line(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  const std::string_view line = bytes.substr(0, end);
  bytes = end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
  return line;
}

bool is_inside(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_range(std::string_view text) {
  const std::optional<ContentRange> range = parse_content_range(text);
  if (!range.has_value()) return;
  expect(range->has_range || range->total.has_value(), "a range says something");
  expect(range->first <= range->last, "a range goes forward");
  if (range->has_range && range->total.has_value()) expect(range->last < *range->total, "a range is within its file");
  const std::string total = range->total.has_value() ? std::to_string(*range->total) : "*";
  const std::string bytes = range->has_range ? std::to_string(range->first) + "-" + std::to_string(range->last) : "*";
  const std::optional<ContentRange> again = parse_content_range("bytes " + bytes + "/" + total);
  expect(again.has_value() && again->has_range == range->has_range && again->first == range->first && again->last == range->last &&
             again->total == range->total,
         "a range is read as it is written");
}

// The C library's calendar knows what the date is.
void check_date(std::string_view text) {
  const std::optional<int64_t> seconds = parse_http_date(text);
  if (!seconds.has_value()) return;
  const std::time_t time = static_cast<std::time_t>(*seconds);
  std::tm parts = {};
  if (gmtime_r(&time, &parts) == nullptr) return fail("a date is one of the calendar");
  char written[64];
  std::snprintf(written, sizeof(written), "%04d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  const bool is_leap_second = text.substr(23, 2) == "60";
  const int day = std::atoi(std::string(text.substr(5, 2)).c_str());
  const bool is_of_its_month = parts.tm_mday == day;  // the 31st of February is a day of March
  if (is_leap_second || !is_of_its_month) return;
  expect(std::string(text.substr(12, 13)) == written, "a date means what it says");
  const std::optional<uint64_t> wait_s = parse_retry_after(text, *seconds - 1);
  expect(wait_s.has_value() && *wait_s == 1, "a date a second from now is a second's wait");
}

void check_wait(std::string_view text) {
  constexpr int64_t kNowS = 1'790'000'000;
  const std::optional<uint64_t> wait_s = parse_retry_after(text, kNowS);
  if (const std::optional<uint64_t> number = parse_number(text)) {
    expect(wait_s == number, "a number is that many seconds");
    expect(parse_number(std::to_string(*number)) == number, "a number is read as it is written");
  }
}

void check_line(std::string_view line) {
  if (const std::optional<HeaderField> field = parse_header_field(line)) {
    expect(is_inside(field->name, line) && is_inside(field->value, line), "a field is a part of its line");
    expect(!field->name.empty() && field->name.find_first_of(": \t\r\n") == std::string_view::npos, "a field's name is a word");
    const bool is_trimmed = field->value.empty() || (std::strchr(" \t\r\n", field->value.front()) == nullptr &&
                                                     std::strchr(" \t\r\n", field->value.back()) == nullptr);
    expect(is_trimmed || field->value.front() == '\0' || field->value.back() == '\0', "a field's value has no blanks around it");
  }
  if (const std::optional<uint32_t> status = parse_status_line(line)) {
    expect(*status >= 100 && *status <= 999, "a status has three digits");
  }
}

void check_hash(std::string_view text) {
  uint8_t digest[32] = {};
  char written[65];
  if (!parse_sha256(text, digest)) return;
  format_sha256(digest, written);
  expect(is_same_word(text, written), "a hash is read as it is written");
}

void check_proxy(std::string_view host, std::string_view exceptions) {
  const bool is_without = is_without_proxy(host, 80, exceptions);
  const bool has_star = is_without_proxy(host, 80, std::string(exceptions) + ",*");
  expect(has_star, "a star is for every host");
  if (exceptions.empty()) expect(!is_without, "no exceptions leave nobody out");
}

}  // namespace

void http_fields(std::string_view bytes) {
  const std::string_view whole = bytes;
  const std::string_view first = take_line(bytes);
  check_range(first);
  check_date(first);
  check_wait(first);
  check_line(whole);
  check_line(first);
  check_hash(first);
  check_proxy(first, bytes);
  if (is_strong_etag(first)) expect(first.size() >= 2 && first.find('"', 1) == first.size() - 1, "a strong tag stands in quotes");
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(http_fields);
