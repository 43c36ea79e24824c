// SPDX-License-Identifier: MIT
//
// What the demo's server makes of a request, to its metrics page or for the update, does not depend on the pieces in which it comes; only a
// request for the page is answered with it, and of an update nothing is sent that is not in it.
#include "demo/server/http_request.h"

#include <algorithm>
#include <string>

#include "demo/protocol/update_protocol.h"
#include "demo/server/file_request.h"
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
template <typename Judge>
void check_pieces(std::string_view bytes, HttpStatus whole, Judge judge) {
  const size_t step = 1 + bytes.size() / 64;
  for (size_t size = 0; size < bytes.size(); size += step) {
    const HttpStatus status = judge(bytes.substr(0, size));
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

void check_file(std::string_view bytes) {
  const demo::FileRequest request = demo::judge_file_request(bytes);
  const bool has_file = request.status == HttpStatus::ok || request.status == HttpStatus::partial;
  expect(has_file || request.status == HttpStatus::no_such_range || is_one_of_ours(request.status), "a request for a file has one of the verdicts");
  check_pieces(bytes, request.status, [](std::string_view piece) { return demo::judge_file_request(piece).status; });
  if (request.status == HttpStatus::incomplete) return;
  const std::string response = demo::file_response(request, 1'800'000'000);
  const size_t end = response.find("\r\n\r\n");
  if (end == std::string::npos) return fail("a response to a request for a file has a head");
  expect(response.find("\n\n") == std::string::npos && response.starts_with("HTTP/1.1 "), "nothing that was asked is in the answer");
  expect(has_file || request.begin == request.end, "of a refusal nothing is sent");
  if (!has_file) return;
  expect(request.size_bytes <= demo::kLargestUpdateBytes, "an update is within its bounds");
  expect(request.begin <= request.end && request.end <= request.size_bytes, "what is sent of an update is in it");
  expect(request.status == HttpStatus::partial || (request.begin == 0 && request.end == request.size_bytes), "all of an update is all of it");
  const std::string length = "\r\nContent-Length: " + std::to_string(request.end - request.begin) + "\r\n";
  expect(response.substr(0, end + 2).find(length) != std::string::npos && response.size() == end + 4, "a head says how much follows it");
}

}  // namespace

void http_head(std::string_view bytes) {
  check_file(bytes);
  const HttpStatus status = demo::judge_request(bytes, kPath);
  expect(is_one_of_ours(status), "a request has one of the verdicts");
  check_pieces(bytes, status, [](std::string_view piece) { return demo::judge_request(piece, kPath); });
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
