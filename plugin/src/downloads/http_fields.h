// SPDX-License-Identifier: MIT
//
// What servers say, taken apart: pure functions over bytes that are never trusted. None allocates, and none reads past its argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "downloads/fixed_text.h"

namespace framepump {

constexpr size_t kUrlBytes = 2048;  // what servers and proxies take at least
constexpr size_t kHostBytes = 256;  // a name has at most 253
using UrlText = FixedText<kUrlBytes>;

// An http or https URL in its parts, which point into the text that was parsed.
struct Url {
  bool is_https = false;
  std::string_view user_info;  // "name:password" before the '@', empty for none
  std::string_view host;       // as written; of an IPv6 address without its brackets
  bool is_ipv6 = false;
  uint16_t port = 0;           // the scheme's own where none is written
  std::string_view path;       // with the query; empty, or it begins with '/' or '?'; without the fragment
};
// Nothing: no absolute http or https URL, or one with bytes that no URL has (blanks, control characters, beyond ASCII).
std::optional<Url> parse_url(std::string_view text);

// Where a Location field leads from `base` (RFC 3986, section 5.2), without user info and fragment. What is beyond ASCII in `location` is
// written as %XX. False: it is no http or https URL, or does not fit.
bool resolve_location(std::string_view base, std::string_view location, UrlText& out);
// Scheme, host and port are the same.
bool is_same_origin(const Url& a, const Url& b);
// The URL without its user info: for requests, texts and logs.
bool without_user_info(const Url& url, UrlText& out);

// One line of a header: the name without its colon, the value without blanks around it. Nothing: no field (a status line, an empty line).
struct HeaderField {
  std::string_view name;
  std::string_view value;
};
std::optional<HeaderField> parse_header_field(std::string_view line);
bool is_same_word(std::string_view a, std::string_view b);  // whatever the case of its ASCII letters

// "HTTP/1.1 206 Partial Content": 206.
std::optional<uint32_t> parse_status_line(std::string_view line);

// Content-Range: "bytes 5-9/10", "bytes 5-9/*", and of a refused one "bytes */10". Inclusive, as it is written.
struct ContentRange {
  bool has_range = false;
  uint64_t first = 0;
  uint64_t last = 0;
  std::optional<uint64_t> total;
};
std::optional<ContentRange> parse_content_range(std::string_view value);

// Digits only, and no more than 64 bits hold.
std::optional<uint64_t> parse_number(std::string_view text);

// "Sun, 06 Nov 1994 08:49:37 GMT", the form that RFC 9110 lets servers send: seconds since 1970.
std::optional<int64_t> parse_http_date(std::string_view text);
// Retry-After: seconds, or a date, of which what is left from `now_s` (seconds since 1970) is returned, 0 or more.
std::optional<uint64_t> parse_retry_after(std::string_view value, int64_t now_s);

// An entity tag that names exactly these bytes: "..." with its quotes; none that begins with W/.
bool is_strong_etag(std::string_view etag);

// Whether `host` is one that no_proxy ("*", or names and addresses between commas, each of which also stands for all below it) leaves out.
bool is_without_proxy(std::string_view host, uint16_t port, std::string_view no_proxy);

// 64 hexadecimal digits.
bool parse_sha256(std::string_view text, uint8_t (&out)[32]);
void format_sha256(const uint8_t (&digest)[32], char (&out)[65]);

}  // namespace framepump
