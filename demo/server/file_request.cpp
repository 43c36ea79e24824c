// SPDX-License-Identifier: MIT
#include "demo/server/file_request.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>

#include "demo/protocol/update_protocol.h"

namespace demo {
namespace {

// Since then the same seed and size have made the same bytes.
constexpr std::string_view kLastModified = "Mon, 23 Nov 2026 00:00:00 GMT";

struct Range {
  uint64_t first = 0;
  uint64_t last = UINT64_MAX;
};

// Digits only. What 64 bits do not hold is the most that they hold: no update is as large.
std::optional<uint64_t> parse_number(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? number : UINT64_MAX;
}

// "bytes=5-" or "bytes=5-9".
std::optional<Range> parse_range(std::string_view value) {
  const size_t equals = value.find('=');
  if (equals == std::string_view::npos || !is_same_word(value.substr(0, equals), "bytes")) return std::nullopt;
  value.remove_prefix(equals + 1);
  const size_t dash = value.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> first = parse_number(value.substr(0, dash));
  if (!first) return std::nullopt;
  if (dash + 1 == value.size()) return Range{*first};
  const std::optional<uint64_t> last = parse_number(value.substr(dash + 1));
  if (!last || *last < *first) return std::nullopt;
  return Range{*first, *last};
}

// False: it makes no sense. Words that we do not know are none of our business.
bool read_query(std::string_view query, FileRequest& request) {
  while (!query.empty()) {
    const std::string_view word = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), word.size() + 1));
    const size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    if (name != "seed" && name != "bytes") continue;
    const std::optional<uint64_t> number = equals == std::string_view::npos ? std::nullopt : parse_number(word.substr(equals + 1));
    if (!number) return false;
    (name == "seed" ? request.seed : request.size_bytes) = *number;
  }
  return request.size_bytes <= kLargestUpdateBytes;
}

HttpStatus choose_range(const HttpRequest& head, FileRequest& request) {
  const std::optional<std::string_view> value = field_of(head, "range");
  const std::optional<Range> range = value && !request.is_head ? parse_range(*value) : std::nullopt;
  if (!range) return HttpStatus::ok;
  const std::optional<std::string_view> condition = field_of(head, "if-range");
  if (condition && *condition != etag_of_update(request.seed, request.size_bytes) && *condition != kLastModified) return HttpStatus::ok;
  if (range->first >= request.size_bytes) {
    request.end = 0;
    return HttpStatus::no_such_range;
  }
  request.begin = range->first;
  request.end = std::min(range->last, request.size_bytes - 1) + 1;
  return HttpStatus::partial;
}

std::string date_line(int64_t now_s) {
  const std::time_t time = static_cast<std::time_t>(now_s);
  std::tm parts = {};
  gmtime_r(&time, &parts);
  char text[64] = "";
  std::strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  return text;
}

// What the file is, and what part of it this is.
std::string file_lines(const FileRequest& request) {
  std::string lines = "Content-Type: application/octet-stream\r\nContent-Length: " + std::to_string(request.end - request.begin) +
                      "\r\nAccept-Ranges: bytes\r\nETag: " + etag_of_update(request.seed, request.size_bytes) +
                      "\r\nLast-Modified: " + std::string(kLastModified) + "\r\n";
  if (request.status != HttpStatus::partial) return lines;
  return lines + "Content-Range: bytes " + std::to_string(request.begin) + "-" + std::to_string(request.end - 1) + "/" +
         std::to_string(request.size_bytes) + "\r\n";
}

std::string refusal_lines(const FileRequest& request, size_t body_bytes) {
  std::string lines = "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n";
  if (request.status == HttpStatus::method_not_allowed) lines += "Allow: GET, HEAD\r\n";
  if (request.status == HttpStatus::no_such_range) lines += "Content-Range: bytes */" + std::to_string(request.size_bytes) + "\r\n";
  if (request.status == HttpStatus::too_busy) lines += "Retry-After: 1\r\n";
  return lines;
}

}  // namespace

FileRequest judge_file_request(std::string_view bytes) {
  FileRequest request;
  HttpRequest head;
  request.status = read_request(bytes, head);
  if (request.status != HttpStatus::ok) return request;
  request.is_head = head.method == "HEAD";
  request.seed = kUsualSeed;
  request.size_bytes = kUsualUpdateBytes;
  if (head.path != kUpdatePath) {
    request.status = HttpStatus::not_found;
  } else if (head.method != "GET" && !request.is_head) {
    request.status = HttpStatus::method_not_allowed;
  } else if (!read_query(head.query, request)) {
    request.status = HttpStatus::bad_request;
  } else {
    request.end = request.size_bytes;
    request.status = choose_range(head, request);
  }
  return request;
}

std::string etag_of_update(uint64_t seed, uint64_t size_bytes) {
  return "\"" + std::to_string(seed) + "-" + std::to_string(size_bytes) + "\"";
}

std::string file_response(const FileRequest& request, int64_t now_s) {
  const bool has_file = request.status == HttpStatus::ok || request.status == HttpStatus::partial;
  const std::string body = has_file ? std::string() : std::string(words_of(request.status)) + "\n";
  return "HTTP/1.1 " + std::to_string(static_cast<int>(request.status)) + " " + words_of(request.status) + "\r\n" + date_line(now_s) +
         (has_file ? file_lines(request) : refusal_lines(request, body.size())) + "Connection: close\r\n\r\n" + (request.is_head ? "" : body);
}

}  // namespace demo
