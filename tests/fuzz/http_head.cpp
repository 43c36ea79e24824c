// SPDX-License-Identifier: MIT
//
// What the demo's server makes of a request does not depend on the pieces in which it comes, and only a request for the page is
// answered with it.
#include "demo/server/http_request.h"

#include <algorithm>
#include <string>

#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

using demo::HttpStatus;

constexpr std::string_view kPath = "/metrics";

bool is_one_of_ours(HttpStatus status) {
  constexpr HttpStatus kAll[] = {HttpStatus::incomplete, HttpStatus::ok,       HttpStatus::bad_request, HttpStatus::not_found,
                                 HttpStatus::method_not_allowed, HttpStatus::too_large};
  return std::find(std::begin(kAll), std::end(kAll), status) != std::end(kAll);
}

// Each beginning of it, or of a long one some of them.
void check_pieces(std::string_view bytes, HttpStatus whole) {
  const size_t step = 1 + bytes.size() / 64;
  for (size_t size = 0; size < bytes.size(); size += step) {
    const HttpStatus status = demo::judge_request(bytes.substr(0, size), kPath);
    expect(status == HttpStatus::incomplete || status == whole, "a verdict stays, whatever comes behind");
  }
}

void check_response(HttpStatus status, std::string_view body) {
  const std::string response = demo::http_response(status, body);
  const size_t end = response.find("\r\n\r\n");
  expect(response.starts_with("HTTP/1.1 " + std::to_string(static_cast<int>(status)) + " "), "a response begins with its status");
  if (end == std::string::npos) return fail("a response has a head");
  const std::string length = "\r\nContent-Length: " + std::to_string(response.size() - end - 4) + "\r\n";
  expect(response.substr(0, end + 2).find(length) != std::string::npos, "a response says how long it is");
}

}  // namespace

void http_head(std::string_view bytes) {
  const HttpStatus status = demo::judge_request(bytes, kPath);
  expect(is_one_of_ours(status), "a request has one of the verdicts");
  check_pieces(bytes, status);
  if (status == HttpStatus::ok) {
    expect(bytes.starts_with("GET /metrics") && bytes.find("\r\n\r\n") < demo::kMostRequestBytes, "the page is for who asks for it");
  }
  if (status == HttpStatus::incomplete) {
    expect(bytes.size() < demo::kMostRequestBytes, "nobody waits for more than a request may have");
  } else {
    check_response(status, bytes);
  }
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(http_head);
