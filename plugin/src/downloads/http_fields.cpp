// SPDX-License-Identifier: MIT
#include "downloads/http_fields.h"

#include <algorithm>

namespace framepump {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_url_byte(char c) { return c > ' ' && c < 0x7F && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' && c != '}'; }

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes `prefix` off the front, in any case of letters.
bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size() || !is_same_word(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Letters, digits, '-', '.' and '_', which some machines have in their names; no percent signs and nothing beyond ASCII.
bool is_host_name(std::string_view host) {
  const auto is_good = [](char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == '_'; };
  return !host.empty() && host.size() < kHostBytes && std::all_of(host.begin(), host.end(), is_good);
}

bool is_ipv6_text(std::string_view host) {
  const auto is_good = [](char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.'; };
  return host.size() >= 2 && host.size() < 46 && std::all_of(host.begin(), host.end(), is_good);
}

// "host", "host:port", "[v6]", "[v6]:port". An empty port is the scheme's own.
bool parse_authority(std::string_view authority, Url& url) {
  const size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    url.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    url.host = authority.substr(1, end - 1);
    url.is_ipv6 = true;
    std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return false;
    port = rest.empty() ? rest : rest.substr(1);
    if (!is_ipv6_text(url.host)) return false;
  } else {
    const size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
    if (!is_host_name(url.host)) return false;
  }
  url.port = url.is_https ? 443 : 80;
  if (port.empty()) return true;
  const std::optional<uint64_t> number = parse_number(port);
  if (!number || *number == 0 || *number > 65535) return false;
  url.port = static_cast<uint16_t>(*number);
  return true;
}

bool append_origin(const Url& url, UrlText& out) {
  const bool is_own_port = url.port == (url.is_https ? 443 : 80);
  FixedText<16> port;
  if (!is_own_port) port.format(":%u", url.port);
  return out.append(url.is_https ? "https://" : "http://") && (!url.is_ipv6 || out.append("[")) && out.append(url.host) &&
         (!url.is_ipv6 || out.append("]")) && out.append(port.view());
}

// RFC 3986, 5.2.4, over a path without its query.
bool append_without_dots(std::string_view path, UrlText& out) {
  const size_t begin = out.size();
  while (!path.empty()) {
    const size_t slash = path.find('/', 1);
    const std::string_view segment = path.substr(0, slash);  // with the '/' before it
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
    const bool is_last = path.empty();
    if (segment == "/.") {
      if (is_last && !out.append("/")) return false;
    } else if (segment == "/..") {
      const size_t parent = out.view().rfind('/');
      out.shorten(parent == std::string_view::npos || parent < begin ? begin : parent);
      if (is_last && !out.append("/")) return false;
    } else if (!out.append(segment)) {
      return false;
    }
  }
  return true;
}

bool append_path_and_query(std::string_view path, UrlText& out) {
  const size_t query = path.find('?');
  return append_without_dots(path.substr(0, query), out) && (query == std::string_view::npos || out.append(path.substr(query)));
}

// What servers send though they may not: blanks and what is beyond ASCII.
bool escape(std::string_view text, UrlText& out) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7F) return false;
    FixedText<4> escaped;
    if (is_url_byte(c)) {
      escaped.assign({&c, 1});
    } else {
      escaped.format("%%%02X", byte);
    }
    if (!out.append(escaped.view())) return false;
  }
  return true;
}

bool has_scheme(std::string_view reference) {
  const size_t colon = reference.find(':');
  return colon != std::string_view::npos && reference.find_first_of("/?#") > colon;
}

constexpr int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {  // of H. Hinnant's description, since 1970-01-01
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

bool is_same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  if (text.empty()) return std::nullopt;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.size() >= kUrlBytes || !std::all_of(text.begin(), text.end(), is_url_byte)) return std::nullopt;
  if (take_prefix(text, "https://")) {
    url.is_https = true;
  } else if (!take_prefix(text, "http://")) {
    return std::nullopt;
  }
  text = text.substr(0, text.find('#'));
  const size_t end = text.find_first_of("/?");
  if (end != std::string_view::npos) url.path = text.substr(end);
  if (!parse_authority(text.substr(0, end), url)) return std::nullopt;
  return url;
}

bool without_user_info(const Url& url, UrlText& out) {
  out.clear();
  return append_origin(url, out) && (url.path.starts_with('/') || out.append("/")) && out.append(url.path);
}

bool resolve_location(std::string_view base_text, std::string_view location, UrlText& out) {
  out.clear();
  const std::optional<Url> base = parse_url(base_text);
  UrlText escaped;
  if (!base || !escape(trimmed(location), escaped)) return false;
  std::string_view reference = escaped.view().substr(0, escaped.view().find('#'));
  UrlText absolute;
  if (reference.starts_with("//")) {
    if (!absolute.append(base->is_https ? "https:" : "http:") || !absolute.append(reference)) return false;
    reference = absolute.view();
  }
  if (has_scheme(reference)) {
    const std::optional<Url> url = parse_url(reference);
    return url && append_origin(*url, out) && (url->path.starts_with('/') || out.append("/")) && append_path_and_query(url->path, out);
  }
  if (!append_origin(*base, out)) return false;
  if (reference.starts_with('/')) return append_path_and_query(reference, out);
  const std::string_view path = base->path.substr(0, base->path.find('?'));
  UrlText merged;
  if (reference.empty()) return merged.assign(base->path.starts_with('/') ? "" : "/") && merged.append(base->path) && append_path_and_query(merged.view(), out);
  const size_t folder = reference.starts_with('?') ? path.size() : path.rfind('/') + 1;  // 0 when there is no '/'
  if (!merged.append(path.substr(0, folder))) return false;
  if (merged.is_empty() && !merged.append("/")) return false;
  return merged.append(reference) && append_path_and_query(merged.view(), out);
}

bool is_same_origin(const Url& a, const Url& b) { return a.is_https == b.is_https && a.port == b.port && is_same_word(a.host, b.host); }

std::optional<HeaderField> parse_header_field(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view name = line.substr(0, colon);
  if (name.find_first_of(" \t\r\n") != std::string_view::npos) return std::nullopt;
  return HeaderField{name, trimmed(line.substr(colon + 1))};
}

std::optional<uint32_t> parse_status_line(std::string_view line) {
  if (!take_prefix(line, "HTTP/")) return std::nullopt;
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos || line.size() < blank + 4) return std::nullopt;
  const std::optional<uint64_t> code = parse_number(line.substr(blank + 1, 3));
  if (!code || *code < 100 || (line.size() > blank + 4 && is_digit(line[blank + 4]))) return std::nullopt;
  return static_cast<uint32_t>(*code);
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  value = trimmed(value);
  if (!take_prefix(value, "bytes ")) return std::nullopt;
  value = trimmed(value);
  const size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  ContentRange range;
  const std::string_view total = value.substr(slash + 1);
  if (total != "*" && !(range.total = parse_number(total))) return std::nullopt;
  const std::string_view bytes = value.substr(0, slash);
  if (bytes == "*") return range.total ? std::optional(range) : std::nullopt;
  const size_t dash = bytes.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> first = parse_number(bytes.substr(0, dash));
  const std::optional<uint64_t> last = parse_number(bytes.substr(dash + 1));
  if (!first || !last || *first > *last || (range.total && *last >= *range.total)) return std::nullopt;
  range.has_range = true;
  range.first = *first;
  range.last = *last;
  return range;
}

std::optional<int64_t> parse_http_date(std::string_view text) {
  constexpr std::string_view kPattern = "aaa, dd aaa dddd dd:dd:dd GMT";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != kPattern.size()) return std::nullopt;
  for (size_t i = 0; i < kPattern.size(); ++i) {
    const bool is_letter = lower(text[i]) >= 'a' && lower(text[i]) <= 'z';
    if (kPattern[i] == 'a' ? !is_letter : kPattern[i] == 'd' ? !is_digit(text[i]) : text[i] != kPattern[i]) return std::nullopt;
  }
  const auto number = [&](size_t at, size_t digits) { return static_cast<int64_t>(*parse_number(text.substr(at, digits))); };
  const size_t month = kMonths.find(text.substr(8, 3));
  const int64_t day = number(5, 2);
  const int64_t hour = number(17, 2);
  const int64_t minute = number(20, 2);
  const int64_t second = number(23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return days_from_civil(number(12, 4), static_cast<int64_t>(month / 3) + 1, day) * 86'400 + hour * 3600 + minute * 60 + second;
}

std::optional<uint64_t> parse_retry_after(std::string_view value, int64_t now_s) {
  value = trimmed(value);
  if (const std::optional<uint64_t> seconds = parse_number(value)) return seconds;
  const std::optional<int64_t> date_s = parse_http_date(value);
  if (!date_s) return std::nullopt;
  return *date_s > now_s ? static_cast<uint64_t>(*date_s - now_s) : 0;
}

bool is_strong_etag(std::string_view etag) {
  if (etag.size() < 2 || !etag.starts_with('"') || !etag.ends_with('"')) return false;
  const std::string_view inside = etag.substr(1, etag.size() - 2);
  return std::all_of(inside.begin(), inside.end(), [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '"' && c != 0x7F; });
}

bool is_without_proxy(std::string_view host, uint16_t port, std::string_view no_proxy) {
  while (!no_proxy.empty()) {
    const size_t end = no_proxy.find_first_of(", ");
    std::string_view entry = no_proxy.substr(0, end);
    no_proxy = end == std::string_view::npos ? std::string_view() : no_proxy.substr(end + 1);
    if (entry == "*") return true;
    if (entry.starts_with('[')) {  // an IPv6 address
      const size_t bracket = entry.find(']');
      if (bracket == std::string_view::npos) continue;
      const std::string_view rest = entry.substr(bracket + 1);
      if (!rest.empty() && (rest[0] != ':' || parse_number(rest.substr(1)) != port)) continue;
      entry = entry.substr(1, bracket - 1);
    } else if (const size_t colon = entry.find(':'); colon != std::string_view::npos && colon == entry.rfind(':')) {
      if (parse_number(entry.substr(colon + 1)) != port) continue;
      entry = entry.substr(0, colon);
    }
    while (entry.starts_with('.')) entry.remove_prefix(1);
    if (entry.empty() || host.size() < entry.size()) continue;
    const size_t before = host.size() - entry.size();
    if (is_same_word(host.substr(before), entry) && (before == 0 || host[before - 1] == '.')) return true;
  }
  return false;
}

bool parse_sha256(std::string_view text, uint8_t (&out)[32]) {
  if (text.size() != 64) return false;
  for (size_t i = 0; i < 32; ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return true;
}

void format_sha256(const uint8_t (&digest)[32], char (&out)[65]) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < 32; ++i) {
    out[2 * i] = kDigits[digest[i] >> 4];
    out[2 * i + 1] = kDigits[digest[i] & 15];
  }
  out[64] = '\0';
}

}  // namespace framepump
