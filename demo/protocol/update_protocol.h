// SPDX-License-Identifier: MIT
//
// How a client asks for the update and what the server answers. Everything is little-endian; both sides check what they get,
// because data from the wire is never trusted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace demo {

constexpr uint32_t kProtocolVersion = 1;
constexpr uint64_t kLargestUpdateBytes = uint64_t{16} << 30;
// What is meant without a word about it.
constexpr uint64_t kUsualSeed = 20261123;
constexpr uint64_t kUsualUpdateBytes = 115'000'000;

// "Send me the bytes from `offset` to `size_bytes` of the update with this seed."
struct UpdateRequest {
  uint64_t seed = 0;
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
};

// "Here they come" (as many as follow this header), or why not.
enum class UpdateStatus : uint32_t { ok = 0, bad_request = 1 };
struct UpdateResponse {
  UpdateStatus status = UpdateStatus::ok;
  uint64_t offset = 0;
  uint64_t size_bytes = 0;  // of the whole update
};

constexpr size_t kRequestBytes = 32;
constexpr size_t kResponseBytes = 28;

std::array<std::byte, kRequestBytes> encode(const UpdateRequest& request);
std::array<std::byte, kResponseBytes> encode(const UpdateResponse& response);
// Nothing: `error` names what was wrong. The spans must have the sizes above.
std::optional<UpdateRequest> decode_request(std::span<const std::byte> bytes, std::string& error);
std::optional<UpdateResponse> decode_response(std::span<const std::byte> bytes, std::string& error);

}  // namespace demo
