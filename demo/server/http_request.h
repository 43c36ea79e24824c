// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace demo {

constexpr size_t kMostRequestBytes = 4096;

enum class HttpStatus : int {
  incomplete = 0,  // more bytes must come
  ok = 200,
  partial = 206,
  bad_request = 400,
  not_found = 404,
  method_not_allowed = 405,
  timed_out = 408,
  no_such_range = 416,
  too_large = 431,
  too_busy = 503,
};
const char* words_of(HttpStatus status);

// The head of a request in its parts, which point into the bytes that were read.
struct HttpRequest {
  std::string_view method;
  std::string_view path;    // begins with '/'
  std::string_view query;   // what is behind the '?', or empty
  std::string_view fields;  // the lines behind the first, each with a line end before and behind it
};

// Takes a head apart: ok, or incomplete, bad_request, too_large. It must be whole, HTTP/1.0 or 1.1, with lines that end in CR LF and without
// control characters; what follows it is not looked at.
HttpStatus read_request(std::string_view bytes, HttpRequest& request);
// The value without blanks around it; empty if it is there more than once. Nothing: it is not there.
std::optional<std::string_view> field_of(const HttpRequest& request, std::string_view name);
// As ASCII letters go, whatever their case.
bool is_same_word(std::string_view a, std::string_view b);

// What to answer to these bytes, as far as they have come. One page is served: GET `path`.
HttpStatus judge_request(std::string_view bytes, std::string_view path);
// Headers and body, for a connection that then closes.
std::string http_response(HttpStatus status, std::string_view body);

}  // namespace demo
