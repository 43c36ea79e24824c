// SPDX-License-Identifier: MIT
#include "demo/server/http_request.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using demo::HttpStatus;

namespace {

HttpStatus judge(const std::string& bytes) { return demo::judge_request(bytes, "/metrics"); }

const std::string kGood = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9100\r\nAccept: */*\r\n\r\n";

}  // namespace

TEST_CASE("a whole request for the page is answered, wherever it was cut on its way") {
  CHECK(judge(kGood) == HttpStatus::ok);
  for (size_t size = 0; size < kGood.size(); ++size) CHECK(judge(kGood.substr(0, size)) == HttpStatus::incomplete);
  CHECK(judge("GET /metrics HTTP/1.0\r\n\r\n") == HttpStatus::ok);
  CHECK(judge("GET /metrics?name=x HTTP/1.1\r\nHOST:a\r\n\r\n") == HttpStatus::ok);
  CHECK(judge(kGood + std::string("\0\n garbage behind the head", 25)) == HttpStatus::ok);
}

TEST_CASE("other pages and methods are refused, each by its own status") {
  CHECK(judge("GET / HTTP/1.0\r\n\r\n") == HttpStatus::not_found);
  CHECK(judge("GET /metrics/ HTTP/1.0\r\n\r\n") == HttpStatus::not_found);
  CHECK(judge("GET /metricsx HTTP/1.0\r\n\r\n") == HttpStatus::not_found);
  CHECK(judge("GET /../metrics HTTP/1.0\r\n\r\n") == HttpStatus::not_found);
  CHECK(judge("POST /metrics HTTP/1.0\r\n\r\n") == HttpStatus::method_not_allowed);
  CHECK(judge("HEAD /metrics HTTP/1.0\r\n\r\n") == HttpStatus::method_not_allowed);
}

TEST_CASE("what is no request is refused before it is whole, if that can be seen") {
  for (const char* bytes : {"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET  /metrics HTTP/1.0\r\n\r\n", "get /metrics HTTP/1.0\r\n\r\n",
                            "GET metrics HTTP/1.0\r\n\r\n", "GET /metrics HTTP/2.0\r\n\r\n", "GET /metrics HTTP/1.0 \r\n\r\n",
                            "GET /metrics HTTP/1.1\r\n\r\n", "GET /metrics HTTP/1.0\n\n", "GET /metrics\rHTTP/1.0", "\n", "\x16\x03\x01",
                            "GET /\x01 HTTP/1.0"}) {
    CAPTURE(bytes);
    CHECK(judge(bytes) == HttpStatus::bad_request);
  }
  CHECK(judge(std::string("GET /metrics\0 HTTP/1.0", 22)) == HttpStatus::bad_request);
}

TEST_CASE("a head without an end is too large at some point") {
  std::string bytes = "GET /metrics HTTP/1.0\r\nX: ";
  bytes.resize(demo::kMostRequestBytes - 1, 'x');
  CHECK(judge(bytes) == HttpStatus::incomplete);
  CHECK(judge(bytes + "x") == HttpStatus::too_large);
}

TEST_CASE("random bytes are refused or waited for, never answered") {
  uint64_t state = 20261126;
  for (int run = 0; run < 2'000; ++run) {
    std::string bytes = run % 2 == 0 ? kGood : std::string();
    for (int i = 0; i < 1 + run % 40; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const char letter = static_cast<char>(state >> 56);
      if (bytes.empty() || run % 2 == 1) bytes += letter;
      else bytes[(state >> 32) % 22] = letter == 0 ? '\x7f' : letter;
    }
    const HttpStatus status = judge(bytes);
    CAPTURE(run);
    if (status == HttpStatus::ok) CHECK(bytes.find("GET /metrics") == 0);
  }
}

TEST_CASE("a response says how long it is, and a wrong method what is right") {
  const std::string good = demo::http_response(HttpStatus::ok, "a 1\n");
  CHECK(good.find("HTTP/1.1 200 OK\r\n") == 0);
  CHECK(good.find("Content-Type: text/plain; version=0.0.4") != std::string::npos);
  CHECK(good.ends_with("Connection: close\r\n\r\na 1\n"));
  CHECK(good.find("Content-Length: 4\r\n") != std::string::npos);
  CHECK(demo::http_response(HttpStatus::method_not_allowed, "").find("\r\nAllow: GET\r\n") != std::string::npos);
  CHECK(demo::http_response(HttpStatus::too_large, "").find("HTTP/1.1 431 ") == 0);
}
