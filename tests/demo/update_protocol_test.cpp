// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "demo/protocol/address.h"
#include "demo/protocol/update_protocol.h"

namespace {

using demo::UpdateRequest;
using demo::UpdateResponse;
using demo::UpdateStatus;

std::string refusal_of_request(std::span<const std::byte> bytes) {
  std::string error;
  CHECK_FALSE(demo::decode_request(bytes, error));
  return error;
}

std::string refusal_of_response(std::span<const std::byte> bytes) {
  std::string error;
  CHECK_FALSE(demo::decode_response(bytes, error));
  return error;
}

}  // namespace

TEST_CASE("a request and an answer survive the wire") {
  std::string error;
  const auto request = demo::decode_request(encode(UpdateRequest{0x0123456789abcdef, 5, demo::kLargestUpdateBytes}), error);
  REQUIRE(request);
  CHECK_EQ(request->seed, 0x0123456789abcdef);
  CHECK_EQ(request->offset, 5);
  CHECK_EQ(request->size_bytes, demo::kLargestUpdateBytes);
  const auto response = demo::decode_response(encode(UpdateResponse{UpdateStatus::bad_request, 6, 7}), error);
  REQUIRE(response);
  CHECK(response->status == UpdateStatus::bad_request);
  CHECK_EQ(response->offset, 6);
  CHECK_EQ(response->size_bytes, 7);
  CHECK_EQ(error, "");
}

TEST_CASE("a request that asks for what cannot be is refused with what is allowed") {
  CHECK_EQ(refusal_of_request(encode(UpdateRequest{1, 8, 7})),
           "offset is 8, size is 7; allowed are offset <= size <= 17179869184");
  CHECK_NE(refusal_of_request(encode(UpdateRequest{1, 0, demo::kLargestUpdateBytes + 1})), "");
  CHECK_NE(refusal_of_request(encode(UpdateRequest{1, UINT64_MAX, UINT64_MAX})), "");
  CHECK_NE(refusal_of_response(encode(UpdateResponse{UpdateStatus::ok, 8, 7})), "");
  CHECK_EQ(refusal_of_response(encode(UpdateResponse{static_cast<UpdateStatus>(2), 0, 7})), "status is 2, allowed are 0 and 1");
}

TEST_CASE("what is no request or answer, or one of another version, is refused with the reason") {
  auto request = encode(UpdateRequest{1, 0, 1});
  request[4] = std::byte{2};
  CHECK_EQ(refusal_of_request(request), "protocol version is 2, allowed is 1");
  request[0] ^= std::byte{1};
  CHECK_EQ(refusal_of_request(request), "not a request for an update");
  auto response = encode(UpdateResponse{UpdateStatus::ok, 0, 1});
  response[7] = std::byte{1};
  CHECK_EQ(refusal_of_response(response), "protocol version is 16777217, allowed is 1");
  response[3] ^= std::byte{1};
  CHECK_EQ(refusal_of_response(response), "not an answer of an update server");
}

TEST_CASE("an address is a host, a colon and a port of 16 bits, and nothing else") {
  const auto v4 = demo::parse_host_port("127.0.0.1:7777");
  REQUIRE(v4);
  CHECK_EQ(v4->host, "127.0.0.1");
  CHECK_EQ(v4->port, 7777);
  const auto v6 = demo::parse_host_port("[::1]:0");
  REQUIRE(v6);
  CHECK_EQ(v6->host, "::1");
  CHECK_EQ(to_text(*v6), "[::1]:0");
  CHECK_EQ(to_text(*v4), "127.0.0.1:7777");
  for (const char* wrong :
       {"", ":", "127.0.0.1", "127.0.0.1:", ":80", "a:-1", "a:65536", "a:8x", "a: 8", "[]:8", "[:8", "::1:8", "localhost:8"}) {
    CAPTURE(std::string(wrong));
    CHECK_FALSE(demo::parse_host_port(wrong));
  }
}
