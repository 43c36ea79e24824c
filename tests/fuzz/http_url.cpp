// SPDX-License-Identifier: MIT
//
// A URL means the same machine for curl as it does for us, who look its name up, and a redirect leads to a URL, which stays what it is.
#include <arpa/inet.h>
#include <curl/curl.h>

#include <memory>
#include <string>

#include "downloads/http_fields.h"
#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

// One part of what curl makes of the URL; empty: it refuses it.
std::string part_for_curl(const std::string& text, CURLUPart part) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return "";
  char* found = nullptr;
  if (curl_url_get(url.get(), part, &found, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
  const std::unique_ptr<char, void (*)(void*)> owner(found, curl_free);
  return found;
}

bool is_ipv4(const std::string& host) {
  in_addr address = {};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// curl writes the odd forms of IPv4 addresses ("0x7f.1") as plain ones, and IPv6 addresses in their shortest form.
void check_machine(const std::string& text, const Url& url) {
  const std::string host = part_for_curl(text, CURLUPART_HOST);
  if (host.empty()) return;
  const std::string ours = url.is_ipv6 ? "[" + std::string(url.host) + "]" : std::string(url.host);
  in6_addr a = {};
  in6_addr b = {};
  const bool is_same_ipv6 = url.is_ipv6 && inet_pton(AF_INET6, std::string(url.host).c_str(), &a) == 1 &&
                            inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &b) == 1 && std::equal(a.s6_addr, a.s6_addr + 16, b.s6_addr);
  expect(is_same_word(host, ours) || is_same_ipv6 || (is_ipv4(host) && !url.is_ipv6), "a host is the same one for curl");
  expect(part_for_curl(text, CURLUPART_PORT) == std::to_string(url.port), "a port is the same one for curl");
  expect(is_same_word(part_for_curl(text, CURLUPART_SCHEME), url.is_https ? "https" : "http"), "a scheme is the same one for curl");
}

// What is sent to a server and kept: an absolute URL in a form that does not change again.
void check_plain(const UrlText& plain, const char* what) {
  const std::optional<Url> url = parse_url(plain.view());
  if (!url.has_value()) return fail(what);
  expect(url->user_info.empty() && url->path.starts_with('/') && plain.view().find('#') == std::string_view::npos, what);
  UrlText again;
  expect(without_user_info(*url, again) && again.view() == plain.view(), "a plain URL stays what it is");
  check_machine(plain.c_str(), *url);
}

void check_redirect(std::string_view base, std::string_view location) {
  UrlText next;
  if (!resolve_location(base, location, next)) return;
  expect(parse_url(base).has_value(), "only a URL leads anywhere");
  check_plain(next, "a redirect leads to a plain URL");
  UrlText again;
  expect(resolve_location(base, next.view(), again) && again.view() == next.view(), "an absolute URL leads to itself");
}

}  // namespace

// The first line is a URL, the rest a Location.
void http_url(std::string_view bytes) {
  const size_t end = bytes.find('\n');
  const std::string base(bytes.substr(0, end));
  const std::string_view location = end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
  if (const std::optional<Url> url = parse_url(base)) {
    expect(url->port != 0 && !url->host.empty(), "a URL names a machine and a port");
    expect(is_same_origin(*url, *url), "a URL is of its own origin");
    UrlText plain;
    if (without_user_info(*url, plain)) check_plain(plain, "a URL without its user info is a plain one");
    if (url->user_info.empty()) check_machine(base, *url);
  }
  check_redirect(base, location);
  check_redirect("http://example.org/a/b?c", location);
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(http_url);
