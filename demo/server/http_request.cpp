// SPDX-License-Identifier: MIT
#include "demo/server/http_request.h"

#include <algorithm>

namespace demo {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool is_control(char letter) {
  const auto value = static_cast<unsigned char>(letter);
  return (value < 0x20 && letter != '\t' && letter != '\r' && letter != '\n') || value == 0x7f;
}

// A line end is both characters: others have let requests through that two servers read differently.
bool has_broken_line(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return true;
    if (bytes[i] == '\r' && i + 1 < bytes.size() && bytes[i + 1] != '\n') return true;
  }
  return false;
}

bool is_method(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char letter) { return (letter >= 'A' && letter <= 'Z') || letter == '-'; });
}

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// The value of the first line that begins with the name and a colon; `fields` is cut off behind it.
std::optional<std::string_view> next_field(std::string_view& fields, std::string_view name) {
  while (fields.size() > kLineEnd.size()) {
    fields.remove_prefix(kLineEnd.size());
    const std::string_view line = fields.substr(0, fields.find(kLineEnd));
    fields.remove_prefix(line.size());
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && is_same_word(line.substr(0, colon), name)) return without_blanks(line.substr(colon + 1));
  }
  return std::nullopt;
}

HttpStatus read_line(std::string_view line, HttpRequest& request) {
  const size_t first = line.find(' ');
  const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return HttpStatus::bad_request;
  request.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_method(request.method) || target.empty() || target.front() != '/') return HttpStatus::bad_request;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HttpStatus::bad_request;
  std::string_view fields = request.fields;
  if (version == "HTTP/1.1" && !next_field(fields, "host")) return HttpStatus::bad_request;
  request.path = target.substr(0, target.find('?'));
  request.query = target.substr(std::min(target.size(), request.path.size() + 1));
  return HttpStatus::ok;
}

}  // namespace

const char* words_of(HttpStatus status) {
  switch (status) {
    case HttpStatus::ok: return "OK";
    case HttpStatus::partial: return "Partial Content";
    case HttpStatus::not_found: return "Not Found";
    case HttpStatus::method_not_allowed: return "Method Not Allowed";
    case HttpStatus::timed_out: return "Request Timeout";
    case HttpStatus::no_such_range: return "Range Not Satisfiable";
    case HttpStatus::too_large: return "Request Header Fields Too Large";
    case HttpStatus::too_busy: return "Service Unavailable";
    default: return "Bad Request";
  }
}

bool is_same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char one, char other) { return lower(one) == lower(other); });
}

HttpStatus read_request(std::string_view bytes, HttpRequest& request) {
  // What stands behind the limit is not looked at, or the verdict would depend on how much has come so far.
  bytes = bytes.substr(0, kMostRequestBytes);
  const size_t head_end = bytes.find(kHeadEnd);
  const std::string_view head = bytes.substr(0, head_end == std::string_view::npos ? head_end : head_end + kLineEnd.size());
  if (std::ranges::any_of(head, is_control) || has_broken_line(head)) return HttpStatus::bad_request;
  if (head_end == std::string_view::npos) return bytes.size() == kMostRequestBytes ? HttpStatus::too_large : HttpStatus::incomplete;
  const std::string_view line = head.substr(0, head.find(kLineEnd));
  request.fields = head.substr(line.size());
  return read_line(line, request);
}

std::optional<std::string_view> field_of(const HttpRequest& request, std::string_view name) {
  std::string_view fields = request.fields;
  const std::optional<std::string_view> value = next_field(fields, name);
  return value && next_field(fields, name) ? std::string_view() : value;
}

HttpStatus judge_request(std::string_view bytes, std::string_view path) {
  HttpRequest request;
  const HttpStatus status = read_request(bytes, request);
  if (status != HttpStatus::ok) return status;
  if (request.path != path) return HttpStatus::not_found;
  return request.method == "GET" ? HttpStatus::ok : HttpStatus::method_not_allowed;
}

std::string http_response(HttpStatus status, std::string_view body) {
  const bool is_ok = status == HttpStatus::ok;
  const std::string text = is_ok ? std::string(body) : std::string(words_of(status)) + "\n";
  std::string response = "HTTP/1.1 " + std::to_string(static_cast<int>(status)) + " " + words_of(status) + "\r\n";
  response += is_ok ? "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" : "Content-Type: text/plain; charset=utf-8\r\n";
  if (status == HttpStatus::method_not_allowed) response += "Allow: GET\r\n";
  return response + "Content-Length: " + std::to_string(text.size()) + "\r\nConnection: close\r\n\r\n" + text;
}

}  // namespace demo
