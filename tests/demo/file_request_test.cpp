// SPDX-License-Identifier: MIT
#include "demo/server/file_request.h"

#include <doctest/doctest.h>

#include <string>

#include "demo/protocol/update_protocol.h"

using demo::FileRequest;
using demo::HttpStatus;

namespace {

const std::string kHost = "Host: localhost:7779\r\n";

FileRequest judge(const std::string& line, const std::string& fields = "") {
  return demo::judge_file_request(line + " HTTP/1.1\r\n" + kHost + fields + "\r\n");
}

// Of an update of 1000 bytes.
FileRequest judge_range(const std::string& fields) { return judge("GET /update.bin?seed=7&bytes=1000", fields); }

bool is_all(const FileRequest& request) { return request.status == HttpStatus::ok && request.begin == 0 && request.end == 1000; }

bool is_part(const FileRequest& request, uint64_t begin, uint64_t end) {
  return request.status == HttpStatus::partial && request.begin == begin && request.end == end;
}

std::string response_to(const FileRequest& request) { return demo::file_response(request, 1'794'000'000); }

bool has(const std::string& response, const std::string& line) { return response.find("\r\n" + line + "\r\n") != std::string::npos; }

}  // namespace

TEST_CASE("a request for the update means the usual one, or that of its query") {
  const FileRequest usual = judge("GET /update.bin");
  CHECK(usual.status == HttpStatus::ok);
  CHECK_EQ(usual.seed, demo::kUsualSeed);
  CHECK_EQ(usual.end, demo::kUsualUpdateBytes);
  const FileRequest other = judge("GET /update.bin?bytes=5&x=y&seed=9&&");
  CHECK(other.status == HttpStatus::ok);
  CHECK_EQ(other.seed, 9);
  CHECK_EQ(other.size_bytes, 5);
  CHECK_EQ(other.end, 5);
  CHECK(judge("HEAD /update.bin").is_head);
  CHECK(judge("GET /update.bin?bytes=0").status == HttpStatus::ok);
  CHECK(judge("GET /update.bin?bytes=17179869184").status == HttpStatus::ok);
}

TEST_CASE("what is no request for the update is refused, each by its own status") {
  CHECK(judge("GET /").status == HttpStatus::not_found);
  CHECK(judge("GET /update.bin/").status == HttpStatus::not_found);
  CHECK(judge("GET /../update.bin").status == HttpStatus::not_found);
  CHECK(judge("POST /update.bin").status == HttpStatus::method_not_allowed);
  CHECK(judge("DELETE /update.bin").status == HttpStatus::method_not_allowed);
  for (const char* query : {"?bytes", "?bytes=", "?bytes=-1", "?bytes=1x", "?bytes=17179869185", "?bytes=99999999999999999999", "?seed=",
                            "?seed=0x1"}) {
    CAPTURE(query);
    CHECK(judge(std::string("GET /update.bin") + query).status == HttpStatus::bad_request);
  }
  CHECK(demo::judge_file_request("GET /update.bin HTTP/1.1\r\n\r\n").status == HttpStatus::bad_request);
  CHECK(demo::judge_file_request("GET /update.bin HTTP/1.1\r\nHost: a\r\n").status == HttpStatus::incomplete);
  CHECK(demo::judge_file_request("GET /update.bin HTTP/1.0\r\nX: " + std::string(demo::kMostRequestBytes, 'x')).status == HttpStatus::too_large);
}

TEST_CASE("a range is what is left from its first byte on, or up to its last, whatever the case of the words") {
  CHECK(is_part(judge_range("Range: bytes=0-\r\n"), 0, 1000));
  CHECK(is_part(judge_range("range:bytes=999-\r\n"), 999, 1000));
  CHECK(is_part(judge_range("RANGE: \tBytes=10-19 \r\n"), 10, 20));
  CHECK(is_part(judge_range("Range: bytes=10-5000\r\n"), 10, 1000));
  for (const char* behind : {"1000-", "1001-1002", "99999999999999999999-"}) {
    CAPTURE(behind);
    const FileRequest request = judge_range(std::string("Range: bytes=") + behind + "\r\n");
    CHECK(request.status == HttpStatus::no_such_range);
    CHECK_EQ(request.end, 0);
    CHECK(has(response_to(request), "Content-Range: bytes */1000"));
  }
  CHECK(judge("GET /update.bin?bytes=0", "Range: bytes=0-\r\n").status == HttpStatus::no_such_range);
}

TEST_CASE("a range of another kind, of a head, or given twice, is answered with all of it") {
  for (const char* fields : {"Range: bytes=-5\r\n", "Range: bytes=0-1,5-6\r\n", "Range: lines=1-\r\n", "Range: bytes=9-5\r\n",
                             "Range: bytes=\r\n", "Range: bytes\r\n", "Range: bytes=a-\r\n", "Range: bytes=1-b\r\n", "Range:\r\n",
                             "Range: bytes=1-\r\nRange: bytes=2-\r\n", "Ranges: bytes=5-\r\n"}) {
    CAPTURE(fields);
    CHECK(is_all(judge_range(fields)));
  }
  CHECK(is_all(judge("HEAD /update.bin?seed=7&bytes=1000", "Range: bytes=5-\r\n")));
}

TEST_CASE("a range on a condition is one of the same file only") {
  const std::string range = "Range: bytes=5-\r\n";
  const std::string same = demo::etag_of_update(7, 1000);
  CHECK(is_part(judge_range(range + "If-Range: " + same + "\r\n"), 5, 1000));
  CHECK(is_part(judge_range("if-range: Mon, 23 Nov 2026 00:00:00 GMT\r\n" + range), 5, 1000));
  for (const std::string& other : {demo::etag_of_update(7, 1001), demo::etag_of_update(8, 1000), "W/" + same,
                                   std::string("Tue, 24 Nov 2026 00:00:00 GMT"), std::string()}) {
    CAPTURE(other);
    CHECK(is_all(judge_range(range + "If-Range: " + other + "\r\n")));
  }
  CHECK(is_all(judge_range(range + "If-Range: " + same + "\r\nIf-Range: " + same + "\r\n")));
}

TEST_CASE("an answer says how long it is, what of the file it is, and when it was sent") {
  const std::string all = response_to(judge_range(""));
  CHECK(all.starts_with("HTTP/1.1 200 OK\r\nDate: Fri, 06 Nov 2026 21:20:00 GMT\r\n"));
  CHECK(has(all, "Content-Length: 1000"));
  CHECK(has(all, "Accept-Ranges: bytes"));
  CHECK(has(all, "ETag: \"7-1000\""));
  CHECK(all.ends_with("\r\nConnection: close\r\n\r\n"));
  const std::string part = response_to(judge_range("Range: bytes=10-19\r\n"));
  CHECK(part.starts_with("HTTP/1.1 206 Partial Content\r\n"));
  CHECK(has(part, "Content-Length: 10"));
  CHECK(has(part, "Content-Range: bytes 10-19/1000"));
  const std::string post = response_to(judge("POST /update.bin"));
  CHECK(has(post, "Allow: GET, HEAD"));
  CHECK(post.ends_with("\r\n\r\nMethod Not Allowed\n"));
  const std::string none = response_to(judge("HEAD /"));
  CHECK(none.starts_with("HTTP/1.1 404 Not Found\r\n"));
  CHECK(none.ends_with("\r\n\r\n"));
}
