// SPDX-License-Identifier: MIT
//
// Streams, listeners and user sources: borrowed handles. Dropping one closes nothing; using a stale one returns
// ErrorCode::stale_handle. All calls are for the thread that ticks; none blocks.
#pragma once

#include <framepump/result.hpp>
#include <framepump/stale_api.hpp>
#include <framepump/tls.hpp>
#include <framepump/types.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

// What every object of a network has. 16 bytes, trivially copyable. A default-made one is as good as stale.
class Handle {
 public:
  Handle() = default;
  Handle(const framepump_api* api, framepump_handle value) : api_(api), value_(value) {}

  framepump_handle value() const { return value_; }
  explicit operator bool() const { return value_ != 0; }
  friend bool operator==(Handle a, Handle b) { return a.value_ == b.value_; }

  // Comes back in events about this object.
  Status set_user_data(uint64_t user_data) const { return status(api_->set_user_data(value_, user_data)); }
  Status set_priority(Priority priority) const { return status(api_->set_priority(value_, static_cast<uint32_t>(priority))); }

 protected:
  Status status(uint32_t error) const {
    if (error == FRAMEPUMP_OK) return {};
    const auto code = static_cast<ErrorCode>(error);
    // These say all in their name. The network of the others lives and is in our hands, so it can be asked for its sentence.
    const bool is_plain = code == ErrorCode::stale_handle || code == ErrorCode::overlapping_call || code == ErrorCode::not_yet;
    return Error(code, is_plain ? api_->error_name(error) : api_->last_error(value_));
  }

  const framepump_api* api_ = &detail::kStaleApi;
  framepump_handle value_ = 0;
};

// A TCP stream. Views are valid and unchanged until the next tick, or consume, read, close or abort on this stream.
class Stream : public Handle {
 public:
  using Handle::Handle;

  // ---- reading ----

  // Published bytes that were not consumed; 0 for a stale handle.
  uint64_t available() const {
    uint64_t bytes = 0;
    api_->available(value_, &bytes);
    return bytes;
  }
  // The first contiguous run, at least one byte when available() > 0.
  std::span<const std::byte> front() const {
    const void* view = nullptr;
    uint64_t size_bytes = 0;
    if (api_->front(value_, &view, &size_bytes) != FRAMEPUMP_OK) return {};
    return {static_cast<const std::byte*>(view), size_bytes};
  }
  // Exactly `size_bytes` contiguous bytes, or nothing yet. Whether it can ever come true: try_peek says.
  std::optional<std::span<const std::byte>> peek(uint64_t size_bytes) const {
    const void* view = nullptr;
    if (api_->peek(value_, size_bytes, &view) != FRAMEPUMP_OK) return std::nullopt;
    return std::span<const std::byte>(static_cast<const std::byte*>(view), size_bytes);
  }
  // As peek; the error tells not_yet from closed (it ended with fewer) and too_large (beyond stream.receive_limit_kib, or a
  // sixteenth of memory.budget_kib).
  Result<std::span<const std::byte>> try_peek(uint64_t size_bytes) const {
    const void* view = nullptr;
    const uint32_t error = api_->peek(value_, size_bytes, &view);
    if (error != FRAMEPUMP_OK) return status(error).error();
    return std::span<const std::byte>(static_cast<const std::byte*>(view), size_bytes);
  }
  // As peek, with the code alone.
  ErrorCode peek_into(uint64_t size_bytes, const void*& view) const {
    return static_cast<ErrorCode>(api_->peek(value_, size_bytes, &view));
  }
  // The contiguous run that begins with the byte at `offset_bytes` from the first unread one; empty when it has not been published.
  std::span<const std::byte> run_at(uint64_t offset_bytes) const {
    const void* view = nullptr;
    uint64_t size_bytes = 0;
    if (api_->run_at(value_, offset_bytes, &view, &size_bytes) != FRAMEPUMP_OK) return {};
    return {static_cast<const std::byte*>(view), size_bytes};
  }
  // Copies up to buffer.size() bytes and consumes them; returns how many.
  uint64_t read(std::span<std::byte> buffer) const {
    uint64_t taken = 0;
    if (!buffer.empty()) api_->read(value_, buffer.data(), buffer.size(), &taken);
    return taken;
  }
  // Gives bytes back; more than available() is an error and consumes nothing.
  Status consume(uint64_t size_bytes) const { return status(api_->consume(value_, size_bytes)); }

  // ---- writing ----

  // Takes as much as there is room for and returns how much. Less than all: a writable event follows; 0 on a closed stream.
  uint64_t write(std::span<const std::byte> bytes) const {
    uint64_t taken = 0;
    if (!bytes.empty()) api_->write(value_, bytes.data(), bytes.size(), &taken);
    return taken;
  }
  uint64_t write(std::string_view text) const { return write(std::as_bytes(std::span(text))); }
  // All or nothing: no_room (a writable event follows), too_large, closed.
  Status write_all(std::span<const std::byte> bytes) const {
    return bytes.empty() ? Status() : status(api_->write_all(value_, bytes.data(), bytes.size()));
  }
  Status write_all(std::string_view text) const { return write_all(std::as_bytes(std::span(text))); }
  // All of these, one after the other, or nothing, as write_all.
  Status write_parts(std::span<const framepump_part> parts) const {
    return status(api_->write_parts(value_, parts.data(), static_cast<uint32_t>(parts.size())));
  }
  // Room to write in place, at most 65472 bytes; empty when there is none now. Ends with commit or the next write.
  std::span<std::byte> reserve(uint64_t size_bytes) const {
    void* room = nullptr;
    if (api_->reserve(value_, size_bytes, &room) != FRAMEPUMP_OK) return {};
    return {static_cast<std::byte*>(room), size_bytes};
  }
  Status commit(uint64_t size_bytes) const { return status(api_->commit(value_, size_bytes)); }

  // ---- life ----

  // Graceful: what was written still arrives. The closed event follows.
  Status close() const { return status(api_->close(value_)); }
  // At once, with a reset. The closed event follows.
  Status abort() const { return status(api_->abort(value_)); }
  // As abort, and the closed event has this reason (message_too_large or malformed_message) and this sentence.
  Status abort_because(Reason reason, const char* text) const {
    return status(api_->abort_because(value_, static_cast<uint32_t>(reason), text));
  }
  // Half-close: the peer sees the end of the stream, reading goes on.
  Status shutdown_write() const { return status(api_->shutdown_write(value_)); }
  // From now on the arrival of its bytes is written down: 8 KiB, and a tenth more for each read. out_of_memory.
  Status watch_arrivals(Watch watch) const { return status(api_->watch_arrivals(value_, static_cast<uint32_t>(watch))); }
  // When the byte at `offset_bytes` from the first unread one came; nothing when it has not been published or arrivals are not watched.
  std::optional<Arrival> arrival(uint64_t offset_bytes) const {
    Arrival arrival;
    if (api_->arrival(value_, offset_bytes, &arrival) != FRAMEPUMP_OK) return std::nullopt;
    return arrival;
  }
  Result<StreamInfo> info() const {
    StreamInfo info;
    const uint32_t error = api_->stream_info(value_, &info);
    if (error != FRAMEPUMP_OK) return status(error).error();
    return info;
  }
  // What the TLS handshake came to; not_yet before CONNECTED. A plain stream has version 0.
  Result<TlsInfo> tls_info() const {
    TlsInfo info;
    const uint32_t error = api_->tls_info(value_, &info);
    if (error != FRAMEPUMP_OK) return status(error).error();
    return info;
  }
};

// Closes its stream when it goes, gracefully. The network must outlive it, or be gone for good (then closing does nothing).
class UniqueStream {
 public:
  UniqueStream() = default;
  explicit UniqueStream(Stream stream) : stream_(stream) {}
  UniqueStream(UniqueStream&& other) noexcept : stream_(other.release()) {}
  UniqueStream& operator=(UniqueStream&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueStream() { reset(); }

  Stream get() const { return stream_; }
  const Stream* operator->() const { return &stream_; }
  Stream release() { return std::exchange(stream_, Stream()); }
  void reset(Stream stream = {}) {
    if (stream_) (void)stream_.close();
    stream_ = stream;
  }

 private:
  Stream stream_;
};

class Listener : public Handle {
 public:
  using Handle::Handle;

  uint16_t port() const {  // the one chosen, if it was asked for 0; 0 for a stale handle
    uint32_t port = 0;
    api_->listener_port(value_, &port);
    return static_cast<uint16_t>(port);
  }
  Status close() const { return status(api_->close(value_)); }
};

// Gameplay's own work, charged to the slice.
class Source : public Handle {
 public:
  using Handle::Handle;

  Status wake() const { return status(api_->wake_source(value_)); }
  Status close() const { return status(api_->close(value_)); }
};

}  // namespace v0
}  // namespace framepump
