// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "demo/server/http_request.h"

namespace demo {

constexpr std::string_view kUpdatePath = "/update.bin";

// What a request for the update asks for, and what it is answered with.
struct FileRequest {
  HttpStatus status = HttpStatus::incomplete;  // ok: all of it; partial: from `begin` to `end`; or why not
  bool is_head = false;                        // only the head of the answer is wanted
  uint64_t seed = 0;
  uint64_t size_bytes = 0;  // of the whole update
  uint64_t begin = 0;       // of the bytes to send; of a refusal there are none
  uint64_t end = 0;
};

// GET or HEAD /update.bin?seed=NUMBER&bytes=NUMBER, both of which can be left out. One range is served, with a first byte and with or without
// a last; other kinds are answered with the whole update, as RFC 9110 allows, and so is a range under the condition (If-Range) of another file.
FileRequest judge_file_request(std::string_view bytes);

// Names exactly these bytes: an update is made of nothing but its seed and size.
std::string etag_of_update(uint64_t seed, uint64_t size_bytes);

// The head of the answer, for a connection that then closes; of a refusal all of it. `now_s`: seconds since 1970.
std::string file_response(const FileRequest& request, int64_t now_s);

}  // namespace demo
