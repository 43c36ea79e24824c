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

bool has_host(std::string_view head) {
  constexpr std::string_view kName = "\r\nhost:";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; };
  return std::search(head.begin(), head.end(), kName.begin(), kName.end(), same) != head.end();
}

HttpStatus judge_line(std::string_view line, std::string_view head, std::string_view path) {
  const size_t first = line.find(' ');
  const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return HttpStatus::bad_request;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_method(method) || target.empty() || target.front() != '/') return HttpStatus::bad_request;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HttpStatus::bad_request;
  if (version == "HTTP/1.1" && !has_host(head)) return HttpStatus::bad_request;
  if (target.substr(0, target.find('?')) != path) return HttpStatus::not_found;
  return method == "GET" ? HttpStatus::ok : HttpStatus::method_not_allowed;
}

const char* words_of(HttpStatus status) {
  switch (status) {
    case HttpStatus::ok: return "OK";
    case HttpStatus::not_found: return "Not Found";
    case HttpStatus::method_not_allowed: return "Method Not Allowed";
    case HttpStatus::timed_out: return "Request Timeout";
    case HttpStatus::too_large: return "Request Header Fields Too Large";
    default: return "Bad Request";
  }
}

}  // namespace

HttpStatus judge_request(std::string_view bytes, std::string_view path) {
  // What stands behind the limit is not looked at, or the verdict would depend on how much has come so far.
  bytes = bytes.substr(0, kMostRequestBytes);
  const size_t head_end = bytes.find(kHeadEnd);
  const std::string_view head = bytes.substr(0, head_end == std::string_view::npos ? head_end : head_end + kLineEnd.size());
  if (std::ranges::any_of(head, is_control) || has_broken_line(head)) return HttpStatus::bad_request;
  if (head_end == std::string_view::npos) return bytes.size() == kMostRequestBytes ? HttpStatus::too_large : HttpStatus::incomplete;
  return judge_line(head.substr(0, head.find(kLineEnd)), head, path);
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
