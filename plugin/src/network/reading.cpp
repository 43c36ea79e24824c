// SPDX-License-Identifier: MIT
//
// What gameplay does with received bytes.
#include <algorithm>
#include <cstring>
#include <span>

#include "network/network.h"

namespace framepump {

uint32_t Network::available(framepump_handle handle, uint64_t* bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  *bytes = stream->gate.available_bytes();
  return FRAMEPUMP_OK;
}

uint32_t Network::front(framepump_handle handle, const void** view, uint64_t* size_bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  const std::span<const std::byte> run = stream->gate.received.front(stream->gate.published, pool_);
  *view = run.data();
  *size_bytes = run.size();
  return run.empty() ? FRAMEPUMP_ERROR_NOT_YET : FRAMEPUMP_OK;
}

uint32_t Network::run_at(framepump_handle handle, uint64_t offset_bytes, const void** view, uint64_t* size_bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  const std::span<const std::byte> run = stream->gate.received.run_at(offset_bytes, stream->gate.published, pool_);
  *view = run.data();
  *size_bytes = run.size();
  return run.empty() ? FRAMEPUMP_ERROR_NOT_YET : FRAMEPUMP_OK;
}

uint32_t Network::peek(framepump_handle handle, uint64_t size_bytes, const void** view) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  StreamGate& gate = stream->gate;
  if (size_bytes == 0) return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "peek: size_bytes is 0, allowed is 1 or more");
  if (size_bytes > peek_limit_bytes_) {
    return fail(FRAMEPUMP_ERROR_TOO_LARGE,
                "peek: size_bytes is %llu, allowed are at most %llu: the lesser of stream.receive_limit_kib and a sixteenth of "
                "memory.budget_kib",
                static_cast<unsigned long long>(size_bytes), static_cast<unsigned long long>(peek_limit_bytes_));
  }
  if (gate.available_bytes() < size_bytes) {
    if (gate.state == FRAMEPUMP_STATE_CLOSED || gate.state == FRAMEPUMP_STATE_PEER_HALF_CLOSED) {
      return fail(FRAMEPUMP_ERROR_CLOSED, "peek: the stream ended with %llu of %llu bytes",
                  static_cast<unsigned long long>(gate.available_bytes()), static_cast<unsigned long long>(size_bytes));
    }
    gate.peek_bytes = static_cast<uint32_t>(size_bytes);
    if (!gate.is_listed_peek) gate.is_listed_peek = peeks_.push(gate.index);
    if (gate.receive_blocked.load()) command(*stream, kCommandRoom);
    return FRAMEPUMP_ERROR_NOT_YET;
  }
  std::span<const std::byte> run = gate.received.front(gate.published, pool_);
  if (run.size() < size_bytes) {
    // Every join that is still in use belongs to a stream with a complete message, so room comes when that one consumes.
    if (!gate.received.join(size_bytes, gate.published, pool_, gate.retired)) return FRAMEPUMP_ERROR_NOT_YET;
    run = gate.received.front(gate.published, pool_);
  }
  gate.peek_bytes = 0;
  *view = run.data();
  return FRAMEPUMP_OK;
}

uint32_t Network::read(framepump_handle handle, void* buffer, uint64_t capacity_bytes, uint64_t* taken) {
  TcpStream* stream = nullptr;
  *taken = 0;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  std::byte* out = static_cast<std::byte*>(buffer);
  while (*taken < capacity_bytes) {
    const std::span<const std::byte> run = stream->gate.received.front(stream->gate.published, pool_);
    if (run.empty()) break;
    const uint64_t size_bytes = std::min<uint64_t>(run.size(), capacity_bytes - *taken);
    std::memcpy(out + *taken, run.data(), size_bytes);
    *taken += size_bytes;
    consume(handle, size_bytes);
  }
  return FRAMEPUMP_OK;
}

uint32_t Network::consume(framepump_handle handle, uint64_t size_bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  StreamGate& gate = stream->gate;
  if (size_bytes > gate.available_bytes()) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "consume: size_bytes is %llu, allowed are at most %llu, the bytes available",
                static_cast<unsigned long long>(size_bytes), static_cast<unsigned long long>(gate.available_bytes()));
  }
  if (size_bytes == 0) return FRAMEPUMP_OK;
  gate.received.free_retired(gate.retired, pool_);
  gate.received.consume(size_bytes, pool_);
  gate.peek_bytes = 0;
  // Below half of the limit, so that a reader that takes a little at a time does not make the pump read a little at a time.
  if (gate.receive_blocked.load() &&
      gate.received.queued_bytes() <= settings_.receive_limit_bytes.load(std::memory_order_relaxed) / 2) {
    command(*stream, kCommandRoom);
  }
  return FRAMEPUMP_OK;
}

}  // namespace framepump
