// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace demo {

constexpr size_t kMostRequestBytes = 4096;

enum class HttpStatus : int {
  incomplete = 0,  // more bytes must come
  ok = 200,
  bad_request = 400,
  not_found = 404,
  method_not_allowed = 405,
  timed_out = 408,
  too_large = 431,
};

// What to answer to these bytes, as far as they have come. One page is served: GET `path`. The head must be whole, HTTP/1.0 or 1.1, with lines
// that end in CR LF and without control characters; what follows it is not looked at.
HttpStatus judge_request(std::string_view bytes, std::string_view path);
// Headers and body, for a connection that then closes.
std::string http_response(HttpStatus status, std::string_view body);

}  // namespace demo
