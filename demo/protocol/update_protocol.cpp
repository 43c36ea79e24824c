// SPDX-License-Identifier: MIT
#include "demo/protocol/update_protocol.h"

namespace demo {
namespace {

constexpr uint32_t kRequestMagic = 0x71755046;   // "FPuq": a question for an update
constexpr uint32_t kResponseMagic = 0x61755046;  // "FPua": the answer

template <typename T>
void put(std::byte*& at, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) *at++ = static_cast<std::byte>(value >> (8 * i));
}

template <typename T>
T get(const std::byte*& at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(static_cast<T>(*at++) << (8 * i));
  return value;
}

std::string wrong_version(uint32_t version) {
  return "protocol version is " + std::to_string(version) + ", allowed is " + std::to_string(kProtocolVersion);
}

std::string out_of_range(uint64_t offset, uint64_t size_bytes) {
  return "offset is " + std::to_string(offset) + ", size is " + std::to_string(size_bytes) +
         "; allowed are offset <= size <= " + std::to_string(kLargestUpdateBytes);
}

}  // namespace

std::array<std::byte, kRequestBytes> encode(const UpdateRequest& request) {
  std::array<std::byte, kRequestBytes> bytes;
  std::byte* at = bytes.data();
  put(at, kRequestMagic);
  put(at, kProtocolVersion);
  put(at, request.seed);
  put(at, request.offset);
  put(at, request.size_bytes);
  return bytes;
}

std::array<std::byte, kResponseBytes> encode(const UpdateResponse& response) {
  std::array<std::byte, kResponseBytes> bytes;
  std::byte* at = bytes.data();
  put(at, kResponseMagic);
  put(at, kProtocolVersion);
  put(at, static_cast<uint32_t>(response.status));
  put(at, response.offset);
  put(at, response.size_bytes);
  return bytes;
}

std::optional<UpdateRequest> decode_request(std::span<const std::byte> bytes, std::string& error) {
  const std::byte* at = bytes.data();
  if (get<uint32_t>(at) != kRequestMagic) {
    error = "not a request for an update";
    return std::nullopt;
  }
  if (const uint32_t version = get<uint32_t>(at); version != kProtocolVersion) {
    error = wrong_version(version);
    return std::nullopt;
  }
  UpdateRequest request;
  request.seed = get<uint64_t>(at);
  request.offset = get<uint64_t>(at);
  request.size_bytes = get<uint64_t>(at);
  if (request.offset <= request.size_bytes && request.size_bytes <= kLargestUpdateBytes) return request;
  error = out_of_range(request.offset, request.size_bytes);
  return std::nullopt;
}

std::optional<UpdateResponse> decode_response(std::span<const std::byte> bytes, std::string& error) {
  const std::byte* at = bytes.data();
  if (get<uint32_t>(at) != kResponseMagic) {
    error = "not an answer of an update server";
    return std::nullopt;
  }
  if (const uint32_t version = get<uint32_t>(at); version != kProtocolVersion) {
    error = wrong_version(version);
    return std::nullopt;
  }
  UpdateResponse response;
  const uint32_t status = get<uint32_t>(at);
  if (status > static_cast<uint32_t>(UpdateStatus::bad_request)) {
    error = "status is " + std::to_string(status) + ", allowed are 0 and 1";
    return std::nullopt;
  }
  response.status = static_cast<UpdateStatus>(status);
  response.offset = get<uint64_t>(at);
  response.size_bytes = get<uint64_t>(at);
  if (response.offset <= response.size_bytes && response.size_bytes <= kLargestUpdateBytes) return response;
  error = out_of_range(response.offset, response.size_bytes);
  return std::nullopt;
}

}  // namespace demo
