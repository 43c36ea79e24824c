// SPDX-License-Identifier: MIT
//
// What the methods of a TaskStream return, to be awaited: each looks whether it has what it waits for, and says how it ended.
#pragma once

#include <framepump/task_stream.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

class OpenedAwait : public LineAwait<OpenedAwait, TaskStream> {
 public:
  using LineAwait::LineAwait;
  static WaitingLine& line(TaskStream& stream) { return stream.readers_; }
  bool attempt(TaskStream& stream) { return stream.is_open_ || stream.is_closed_; }
  Status result(const TaskStream* stream) {
    if (stream == nullptr) return Error(ErrorCode::closed, "the stream was closed here", Reason::closed_here);
    // One that has ended by now may have brought something; whoever reads it hears of the end.
    return stream->is_open_ && stream->core_ != nullptr ? Status() : Status(stream->closed_error());
  }
};

// Both kinds of reads. What they found is good for the turn that they found it in.
class ReadBase {
 protected:
  // Peeks at exactly so many. False: not yet.
  bool look(const framepump_api& api, Stream stream, uint64_t size_bytes) {
    const void* view = nullptr;
    const uint32_t error = api.peek(stream.value(), size_bytes, &view);
    if (error == FRAMEPUMP_ERROR_NOT_YET) return false;
    code_ = static_cast<ErrorCode>(error);
    view_ = static_cast<const std::byte*>(view);
    size_bytes_ = size_bytes;
    return true;
  }
  bool refuse(ErrorCode code) {
    code_ = code;
    return true;
  }
  // Of a stream that is there; closed and stale are the same to whoever reads.
  bool is_end() const { return code_ == ErrorCode::closed || code_ == ErrorCode::stale_handle; }

  const std::byte* view_ = nullptr;
  uint64_t size_bytes_ = 0;
  ErrorCode code_ = ErrorCode::closed;
};

class ReadAwait : public LineAwait<ReadAwait, TaskStream>, private ReadBase {
 public:
  static constexpr uint64_t kSome = UINT64_MAX;
  ReadAwait(TaskStream* stream, uint64_t wanted_bytes) : LineAwait(stream), wanted_bytes_(wanted_bytes) {}

  static WaitingLine& line(TaskStream& stream) { return stream.readers_; }
  bool attempt(TaskStream& stream) {
    stream.drop_view();
    const framepump_api& api = *stream.core_->api();
    if (wanted_bytes_ != kSome) {
      if (look(api, stream.stream_, wanted_bytes_)) return true;
      return stream.is_over() && refuse(ErrorCode::closed);
    }
    const std::span<const std::byte> run = stream.stream_.front();
    if (run.empty()) return look(api, stream.stream_, 1) || (stream.is_over() && refuse(ErrorCode::closed));
    code_ = ErrorCode::ok;
    view_ = run.data();
    size_bytes_ = run.size();
    return true;
  }
  Result<std::span<const std::byte>> result(TaskStream* stream) {
    if (stream == nullptr) return Error(ErrorCode::closed, "the stream was closed here", Reason::closed_here);
    if (is_end()) return stream->closed_error();
    if (code_ != ErrorCode::ok) return Error(code_, stream->core_->api()->last_error(stream->stream_.value()));
    stream->viewed_bytes_ = size_bytes_;
    return std::span(view_, size_bytes_);
  }

 private:
  uint64_t wanted_bytes_;
};

class ReadUntilAwait : public LineAwait<ReadUntilAwait, TaskStream>, private ReadBase {
 public:
  ReadUntilAwait(TaskStream* stream, char delimiter, uint64_t limit_bytes)
      : LineAwait(stream), limit_bytes_(limit_bytes), delimiter_(delimiter) {}

  static WaitingLine& line(TaskStream& stream) { return stream.readers_; }
  bool attempt(TaskStream& stream) {
    stream.drop_view();
    const framepump_api& api = *stream.core_->api();
    search(stream.stream_);
    if (is_found_) {  // a line that lies in one run stays where it is
      if (!look(api, stream.stream_, seen_bytes_ + 1)) return stream.is_over() && refuse(ErrorCode::closed);
      size_bytes_ = seen_bytes_;
      return true;
    }
    if (seen_bytes_ >= limit_bytes_) return refuse(ErrorCode::too_large);
    // One byte more, or it has ended.
    return look(api, stream.stream_, seen_bytes_ + 1) || (stream.is_over() && refuse(ErrorCode::closed));
  }
  Result<std::string_view> result(TaskStream* stream) {
    if (stream == nullptr) return Error(ErrorCode::closed, "the stream was closed here", Reason::closed_here);
    if (is_end()) return stream->closed_error();
    if (code_ == ErrorCode::too_large && seen_bytes_ >= limit_bytes_) {
      char text[120];
      std::snprintf(text, sizeof(text), "read_until: no delimiter in the first %llu bytes, which is its limit",
                    static_cast<unsigned long long>(limit_bytes_));
      return Error(code_, text);
    }
    if (code_ != ErrorCode::ok) return Error(code_, stream->core_->api()->last_error(stream->stream_.value()));
    stream->viewed_bytes_ = size_bytes_ + 1;
    return std::string_view(reinterpret_cast<const char*>(view_), size_bytes_);
  }

 private:
  // Looks on, run by run, at most to the limit. No byte is looked at twice.
  void search(Stream stream) {
    while (!is_found_ && seen_bytes_ < limit_bytes_) {
      const std::span<const std::byte> run = stream.run_at(seen_bytes_);
      if (run.empty()) return;
      const uint64_t size_bytes = std::min<uint64_t>(run.size(), limit_bytes_ - seen_bytes_);
      const void* found = std::memchr(run.data(), delimiter_, size_bytes);
      is_found_ = found != nullptr;
      seen_bytes_ += is_found_ ? static_cast<uint64_t>(static_cast<const std::byte*>(found) - run.data()) : size_bytes;
    }
  }

  uint64_t limit_bytes_;
  uint64_t seen_bytes_ = 0;  // without the delimiter
  char delimiter_;
  bool is_found_ = false;    // behind those
};

// Reader: next() gives a message or nothing, state() says why, error() says it in a sentence.
template <typename Reader>
class MessageAwait : public LineAwait<MessageAwait<Reader>, TaskStream> {
 public:
  using Message = typename decltype(std::declval<Reader&>().next())::value_type;
  MessageAwait(TaskStream* stream, Reader& reader) : LineAwait<MessageAwait, TaskStream>(stream), reader_(&reader) {}

  static WaitingLine& line(TaskStream& stream) { return stream.readers_; }
  bool attempt(TaskStream& stream) {
    stream.drop_view();
    message_ = reader_->next();
    return message_ || reader_->state() != Reader::State::not_yet || stream.is_over();
  }
  Result<Message> result(TaskStream* stream) {
    if (stream == nullptr) return Error(ErrorCode::closed, "the stream was closed here", Reason::closed_here);
    if (message_) return *message_;
    if (stream->core_ == nullptr || reader_->state() == Reader::State::not_yet) return stream->closed_error();
    const Error error = reader_->error();
    return Error(error.code(), error.text(), stream->reason_);
  }

 private:
  Reader* reader_;
  std::optional<Message> message_;
};

class WriteAwait : public LineAwait<WriteAwait, TaskStream> {
 public:
  WriteAwait(TaskStream* stream, std::span<const std::byte> bytes) : LineAwait(stream), bytes_(bytes) {}

  static WaitingLine& line(TaskStream& stream) { return stream.writers_; }
  bool attempt(TaskStream& stream) {
    if (stream.is_closed_) return true;
    const framepump_api& api = *stream.core_->api();
    code_ = bytes_.empty() ? FRAMEPUMP_OK : FRAMEPUMP_ERROR_TOO_LARGE;
    if (!bytes_.empty() && !is_in_pieces_) code_ = api.write_all(stream.stream_.value(), bytes_.data(), bytes_.size());
    if (code_ == FRAMEPUMP_ERROR_TOO_LARGE) {  // it never fits: as much as there is room for
      is_in_pieces_ = true;
      uint64_t taken = 0;
      code_ = api.write(stream.stream_.value(), bytes_.data(), bytes_.size(), &taken);
      bytes_ = bytes_.subspan(taken);
      if (code_ == FRAMEPUMP_OK && !bytes_.empty()) code_ = FRAMEPUMP_ERROR_NO_ROOM;
    }
    return code_ != FRAMEPUMP_ERROR_NO_ROOM;
  }
  Status result(const TaskStream* stream) {
    if (stream == nullptr) return Error(ErrorCode::closed, "the stream was closed here", Reason::closed_here);
    const bool is_end = code_ == FRAMEPUMP_ERROR_CLOSED || code_ == FRAMEPUMP_ERROR_STALE_HANDLE;
    if (stream->is_closed_ || stream->core_ == nullptr || is_end) return stream->closed_error();
    if (code_ == FRAMEPUMP_OK) return {};
    return Error(static_cast<ErrorCode>(code_), stream->core_->api()->last_error(stream->stream_.value()));
  }

 private:
  std::span<const std::byte> bytes_;
  uint32_t code_ = FRAMEPUMP_ERROR_CLOSED;
  bool is_in_pieces_ = false;
};

}  // namespace detail

inline detail::OpenedAwait TaskStream::opened() { return detail::OpenedAwait(this); }
inline detail::ReadAwait TaskStream::read_exactly(uint64_t size_bytes) { return detail::ReadAwait(this, size_bytes); }
inline detail::ReadAwait TaskStream::read_some() { return detail::ReadAwait(this, detail::ReadAwait::kSome); }
inline detail::ReadUntilAwait TaskStream::read_until(char delimiter, uint64_t limit_bytes) {
  return detail::ReadUntilAwait(this, delimiter, limit_bytes);
}
template <typename Reader>
detail::MessageAwait<Reader> TaskStream::read_message(Reader& reader) {
  return detail::MessageAwait<Reader>(this, reader);
}
inline detail::WriteAwait TaskStream::write_all(std::span<const std::byte> bytes) { return detail::WriteAwait(this, bytes); }
inline detail::WriteAwait TaskStream::write_all(std::string_view text) { return write_all(std::as_bytes(std::span(text))); }

}  // namespace v0
}  // namespace framepump
