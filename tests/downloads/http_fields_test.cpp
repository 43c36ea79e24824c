// SPDX-License-Identifier: MIT
#include "downloads/http_fields.h"

#include <doctest/doctest.h>

#include <string>

using namespace framepump;

namespace {

std::string resolved(std::string_view base, std::string_view location) {
  UrlText out;
  return resolve_location(base, location, out) ? std::string(out.view()) : "refused";
}

}  // namespace

TEST_CASE("a URL is taken apart, and what is none is refused") {
  const std::optional<Url> url = parse_url("HTTPS://me:word@Example.com:8443/a/b?c=d#e");
  REQUIRE(url);
  CHECK(url->is_https);
  CHECK(url->user_info == "me:word");
  CHECK(url->host == "Example.com");
  CHECK(url->port == 8443);
  CHECK(url->path == "/a/b?c=d");
  CHECK(parse_url("http://h")->port == 80);
  CHECK(parse_url("https://h")->port == 443);
  CHECK(parse_url("http://h?x")->path == "?x");
  CHECK(parse_url("http://[::1]:81/")->host == "::1");
  CHECK(parse_url("http://[::1]:81/")->port == 81);
  for (const char* bad : {"", "h", "ftp://h/", "http:/h", "http://", "http:///x", "http://h:0/", "http://h:65536/", "http://h:x/", "http://[::1", "http://[::1]x/",
                          "http://[g]/", "http://a b/", "http://h/\r\nX: y", "http://h%41/", "http://h\xC3\xB6/", "http://user@", "http://h:80:80/"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_url(bad));
  }
  CHECK_FALSE(parse_url("http://h/" + std::string(3000, 'x')));
  CHECK_FALSE(parse_url("http://" + std::string(300, 'x')));
}

TEST_CASE("a Location leads where RFC 3986 says") {
  const char* base = "http://a/b/c/d?q";
  CHECK(resolved(base, "g") == "http://a/b/c/g");
  CHECK(resolved(base, "./g") == "http://a/b/c/g");
  CHECK(resolved(base, "g/") == "http://a/b/c/g/");
  CHECK(resolved(base, "/g") == "http://a/g");
  CHECK(resolved(base, "//g") == "http://g/");
  CHECK(resolved(base, "?y") == "http://a/b/c/d?y");
  CHECK(resolved(base, "g?y#s") == "http://a/b/c/g?y");
  CHECK(resolved(base, "") == "http://a/b/c/d?q");
  CHECK(resolved(base, "#s") == "http://a/b/c/d?q");
  CHECK(resolved(base, "..") == "http://a/b/");
  CHECK(resolved(base, "../g") == "http://a/b/g");
  CHECK(resolved(base, "../..") == "http://a/");
  CHECK(resolved(base, "../../../g") == "http://a/g");
  CHECK(resolved(base, "/./g/../h") == "http://a/h");
  CHECK(resolved(base, "g?x/../y") == "http://a/b/c/g?x/../y");
  CHECK(resolved(base, "https://x:444/y") == "https://x:444/y");
  CHECK(resolved(base, "https://x:443") == "https://x/");
  CHECK(resolved(base, "http://me:word@x/y") == "http://x/y");
  CHECK(resolved("http://a", "g") == "http://a/g");
  CHECK(resolved("http://a?q", "g") == "http://a/g");
  CHECK(resolved("http://[::1]:81/x", "y") == "http://[::1]:81/y");
  CHECK(resolved(base, "caf\xC3\xA9 x") == "http://a/b/c/caf%C3%A9%20x");
  for (const char* bad : {"file:///etc/passwd", "javascript:x", "http://", "http://h:99999/", "g\x01h", "ftp://x/"}) {
    CAPTURE(bad);
    CHECK(resolved(base, bad) == "refused");
  }
  CHECK(resolved(base, std::string(2100, 'x')) == "refused");
  CHECK(resolved(base, std::string(700, ' ') + "x" + std::string(700, '\xFF')) == "refused");  // three bytes each
}

TEST_CASE("a Content-Range is believed only if it makes sense") {
  const std::optional<ContentRange> range = parse_content_range("bytes 5-9/10");
  REQUIRE(range);
  CHECK(range->has_range);
  CHECK(range->first == 5);
  CHECK(range->last == 9);
  CHECK(range->total == 10);
  CHECK(parse_content_range("Bytes  0-0/*")->total == std::nullopt);
  CHECK_FALSE(parse_content_range("bytes */10")->has_range);
  CHECK(parse_content_range("bytes 0-18446744073709551614/18446744073709551615"));
  for (const char* bad : {"", "bytes", "bytes ", "bytes 5-9", "bytes 9-5/10", "bytes 5-10/10", "bytes -5/10", "bytes 5-/10", "bytes */*", "items 5-9/10",
                          "bytes 5-9/10x", "bytes +5-9/10", "bytes 0x5-9/10", "bytes 18446744073709551616-18446744073709551617/*", "bytes 5 -9/10"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_content_range(bad));
  }
}

TEST_CASE("dates and Retry-After") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
  CHECK(parse_http_date("Tue, 29 Feb 2028 12:00:00 GMT") == 1835438400);
  for (const char* bad : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                          "Sun, 06 ovD 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad));
  }
  CHECK(parse_retry_after("120", 0) == 120);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111700) == 77);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111800) == 0);
  CHECK_FALSE(parse_retry_after("-1", 0));
  CHECK_FALSE(parse_retry_after("soon", 0));
  CHECK_FALSE(parse_retry_after("99999999999999999999", 0));
}

TEST_CASE("lines of a header") {
  CHECK(parse_status_line("HTTP/1.1 206 Partial Content\r\n") == 206);
  CHECK(parse_status_line("HTTP/2 200 \r\n") == 200);
  CHECK_FALSE(parse_status_line("HTTP/1.1 2060 x"));
  CHECK_FALSE(parse_status_line("HTTP/1.1 20"));
  CHECK_FALSE(parse_status_line("HTTP/1.1 099 x"));
  CHECK_FALSE(parse_status_line("ETag: \"HTTP/1.1 200\""));
  CHECK(parse_header_field("ETag:  \"x\" \r\n")->value == "\"x\"");
  CHECK(parse_header_field("Empty:\r\n")->value == "");
  CHECK_FALSE(parse_header_field("\r\n"));
  CHECK_FALSE(parse_header_field(": x"));
  CHECK_FALSE(parse_header_field("E Tag: x"));
  CHECK(is_strong_etag("\"abc-1\""));
  CHECK(is_strong_etag("\"\""));
  CHECK_FALSE(is_strong_etag("W/\"abc\""));
  CHECK_FALSE(is_strong_etag("\"a\"b\""));
  CHECK_FALSE(is_strong_etag("\"a\r\nX: y\""));
  CHECK_FALSE(is_strong_etag("\""));
}

TEST_CASE("no_proxy names hosts and all that is below them") {
  CHECK(is_without_proxy("a.example", 80, "example"));
  CHECK(is_without_proxy("a.Example", 80, "x, .example"));
  CHECK(is_without_proxy("example", 80, "*"));
  CHECK(is_without_proxy("example", 81, "example:81"));
  CHECK(is_without_proxy("::1", 80, "[::1]"));
  CHECK_FALSE(is_without_proxy("example", 80, "example:81"));
  CHECK_FALSE(is_without_proxy("anexample", 80, "example"));
  CHECK_FALSE(is_without_proxy("example.org", 80, "example"));
  CHECK_FALSE(is_without_proxy("example", 80, ""));
  CHECK_FALSE(is_without_proxy("example", 80, ",, ,"));
}

TEST_CASE("a SHA-256 in digits") {
  uint8_t digest[32];
  char text[65];
  const std::string digits = "00ff" + std::string(58, '7') + "Ab";
  REQUIRE(parse_sha256(digits, digest));
  CHECK(digest[1] == 255);
  CHECK(digest[31] == 0xAB);
  format_sha256(digest, text);
  CHECK(std::string(text) == "00ff" + std::string(58, '7') + "ab");
  CHECK_FALSE(parse_sha256(digits + "0", digest));
  CHECK_FALSE(parse_sha256(std::string(63, '0') + "g", digest));
}
