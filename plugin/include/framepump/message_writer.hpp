// SPDX-License-Identifier: MIT
//
// Sending messages: each goes into the stream as a whole or not at all. message.hpp has the other direction.
#pragma once

#include <framepump/framing.hpp>
#include <framepump/stream.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

// All of the parts, one after the other, as one message; or nothing: no_room (a writable event follows once it fits), too_large (for the
// framing, or for stream.send_limit_kib), invalid_argument (Framing::check_message; more than 14 parts), closed. The bytes are copied
// once, into the stream.
inline Status send_message(Stream stream, const Framing& framing, std::span<const std::span<const std::byte>> parts) {
  constexpr size_t kMostParts = 14;
  if (parts.size() > kMostParts) return Error(ErrorCode::invalid_argument, "send_message: more than 14 parts");
  if (Status status = framing.check_message(parts); !status) return status;
  std::array<framepump_part, kMostParts + 2> all;
  std::array<std::byte, Framing::kMaxHeaderBytes> header;
  uint32_t count = 0;
  uint64_t size_bytes = 0;
  for (const std::span<const std::byte> part : parts) {
    size_bytes += part.size();
    all[++count] = {part.data(), part.size()};
  }
  all[0] = {header.data(), framing.write_header(static_cast<uint32_t>(size_bytes), header)};
  all[++count] = {framing.delimiter().data(), framing.delimiter().size()};
  return stream.write_parts({all.data(), count + 1});
}
inline Status send_message(Stream stream, const Framing& framing, std::span<const std::byte> bytes) {
  return send_message(stream, framing, std::span<const std::span<const std::byte>>(&bytes, 1));
}
inline Status send_message(Stream stream, const Framing& framing, std::string_view text) {
  return send_message(stream, framing, std::as_bytes(std::span(text)));
}

// A stream and how its messages lie in it. A value; it owns nothing.
class MessageWriter {
 public:
  MessageWriter() = default;
  MessageWriter(Stream stream, const Framing& framing) : stream_(stream), framing_(framing) {}

  // As send_message.
  Status send(std::span<const std::byte> bytes) const { return send_message(stream_, framing_, bytes); }
  Status send(std::string_view text) const { return send_message(stream_, framing_, text); }
  Status send(std::span<const std::span<const std::byte>> parts) const { return send_message(stream_, framing_, parts); }
  // Room to write a message in place, of just this size, 1 to 65450 bytes. Empty when there is none now (a writable event follows once
  // there is), or when the framing or the stream's limit does not allow it. Ends with commit or the next call that writes.
  std::span<std::byte> reserve(uint32_t size_bytes) {
    reserved_ = {};
    if (!framing_.check() || size_bytes == 0 || size_bytes > framing_.max_bytes()) return {};
    std::array<std::byte, Framing::kMaxHeaderBytes> header;
    const uint32_t header_bytes = framing_.write_header(size_bytes, header);
    const std::span<const std::byte> delimiter = framing_.delimiter();
    const std::span<std::byte> room = stream_.reserve(header_bytes + uint64_t{size_bytes} + delimiter.size());
    if (room.empty()) return {};
    std::copy_n(header.begin(), header_bytes, room.begin());
    std::copy(delimiter.begin(), delimiter.end(), room.end() - static_cast<ptrdiff_t>(delimiter.size()));
    total_bytes_ = room.size();
    reserved_ = room.subspan(header_bytes, size_bytes);
    return reserved_;
  }
  // Sends what was written there. invalid_argument: nothing was reserved, or Framing::check_message; then nothing is sent.
  Status commit() {
    const std::span<const std::byte> bytes = std::exchange(reserved_, {});
    if (bytes.empty()) return Error(ErrorCode::invalid_argument, "commit: no message was reserved");
    Status status = framing_.check_message(std::span<const std::span<const std::byte>>(&bytes, 1));
    if (!status) {
      (void)stream_.commit(0);
      return status;
    }
    return stream_.commit(total_bytes_);
  }
  Stream stream() const { return stream_; }
  const Framing& framing() const { return framing_; }

 private:
  Stream stream_;
  Framing framing_ = Framing::varint(1);
  std::span<std::byte> reserved_;
  uint64_t total_bytes_ = 0;
};

}  // namespace v0
}  // namespace framepump
