// SPDX-License-Identifier: MIT
//
// Streams that tasks wait on. See coroutines.hpp.
#pragma once

#include <framepump/task_line.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

class TaskStream;

namespace detail {

class OpenedAwait;
class ReadAwait;
class ReadUntilAwait;
class WriteAwait;
template <typename Reader>
class MessageAwait;

}  // namespace detail

// A stream that tasks wait on, and its owner: it closes the stream gracefully when it goes. It may be moved, also while tasks wait on it;
// those that wait when it goes get ErrorCode::closed. Several tasks may read or write it: each gets, or sends, all of its bytes before
// the next one.
//
// What a read returns is a view: unchanged until the next read of this stream, or until it closes here; the read takes the bytes
// off the stream, so nothing needs to be consumed. A read ends with ErrorCode::closed and Error::reason() once the stream has ended and
// what is left of it is less than was asked for; with too_large when it can never be had.
class TaskStream : private detail::Watch {
 public:
  TaskStream() { set_up(); }
  // See Tasks::adopt.
  TaskStream(detail::TaskCore& core, Stream stream, State state) : core_(&core), stream_(stream) {
    set_up();
    handle = stream.value();
    is_open_ = state != State::connecting;
    is_closed_ = state == State::closing || state == State::closed;
    core.add_watch(*this);
  }
  TaskStream(TaskStream&& other) noexcept {
    set_up();
    take_over(other);
  }
  TaskStream& operator=(TaskStream&& other) noexcept {
    if (this == &other) return *this;
    close_and_leave();
    take_over(other);
    return *this;
  }
  ~TaskStream() { close_and_leave(); }

  Stream get() const { return stream_; }  // for everything that waits for nothing
  explicit operator bool() const { return core_ != nullptr && !is_closed_; }
  detail::TaskCore* task_core() const { return core_; }  // null: its Tasks are gone

  // ---- to be awaited ----

  detail::ReadAwait read_exactly(uint64_t size_bytes);             // Result<std::span<const std::byte>>
  detail::ReadAwait read_some();                                   // the same, of at least one byte
  // Up to and with the delimiter, which must come within `limit_bytes`, or it is too_large. Result<std::string_view>, without it.
  detail::ReadUntilAwait read_until(char delimiter, uint64_t limit_bytes = 4096);
  // The next whole message of a reader of this stream (see message.hpp), which must live as long: Result<Message>.
  template <typename Reader>
  detail::MessageAwait<Reader> read_message(Reader& reader);
  // Status. Waits for room; what can never fit at once is sent in pieces. The bytes must stay where they are until it returns.
  detail::WriteAwait write_all(std::span<const std::byte> bytes);
  detail::WriteAwait write_all(std::string_view text);
  detail::OpenedAwait opened();                                    // Status: once it is connected, or why not

  // ---- at once ----

  // Graceful; whoever waits for it gets ErrorCode::closed.
  void close() { end(Reason::closed_here, [](Stream stream) { return stream.close(); }); }
  void abort() { end(Reason::aborted_here, [](Stream stream) { return stream.abort(); }); }
  Status shutdown_write() { return stream_.shutdown_write(); }

 private:
  friend class detail::OpenedAwait;
  friend class detail::ReadAwait;
  friend class detail::ReadUntilAwait;
  friend class detail::WriteAwait;
  template <typename Reader>
  friend class detail::MessageAwait;

  static constexpr uint64_t kTextBytes = 192;  // of what the closed event said

  void set_up() {
    on_event = [](Watch& self, const framepump_event& event) { static_cast<TaskStream&>(self).note(event); };
    on_readable = [](Watch& self) { static_cast<TaskStream&>(self).readers_.wake(); };
    on_end = [](Watch& self) { static_cast<TaskStream&>(self).leave(); };
  }
  void note(const framepump_event& event) {
    switch (event.kind) {
      case FRAMEPUMP_EVENT_CONNECTED: is_open_ = true; break;
      case FRAMEPUMP_EVENT_PEER_HALF_CLOSED: reason_ = Reason::closed_by_peer; break;
      case FRAMEPUMP_EVENT_CLOSED:
        is_closed_ = true;
        reason_ = static_cast<Reason>(event.reason);
        keep_text(event.text);
        break;
      default: break;
    }
    readers_.wake();
    if (event.kind != FRAMEPUMP_EVENT_PEER_HALF_CLOSED) writers_.wake();
  }
  void keep_text(const char* text) {
    if (text == nullptr || text_ != nullptr) return;
    text_ = static_cast<char*>(core_->memory().take(kTextBytes));
    if (text_ == nullptr) return;  // then the reason's name has to do
    const char* name = core_->api()->reason_name(static_cast<uint32_t>(reason_));
    std::snprintf(text_, kTextBytes, "%s (%s)", name, text);
  }
  // Of a call that said `code` (an Error without reason), or of a stream that is no more.
  Error closed_error() const {
    const char* text = text_;
    if (text == nullptr) text = core_ == nullptr ? "the tasks or their network are gone" : core_->api()->reason_name(static_cast<uint32_t>(reason_));
    return Error(ErrorCode::closed, text, reason_);
  }
  // Nothing is left and nothing comes. A stream that was closed here says only "not yet"; so does one that ended, while there is no memory
  // to join what is left of it.
  bool is_over() const { return is_closed_ && stream_.available() == 0; }
  // What the last read gave is not needed any more.
  void drop_view() {
    if (viewed_bytes_ > 0) (void)stream_.consume(std::exchange(viewed_bytes_, 0));
  }
  template <typename How>
  void end(Reason reason, How how) {
    if (!stream_) return;
    (void)how(stream_);
    viewed_bytes_ = 0;
    is_closed_ = true;
    if (reason_ == Reason::none) reason_ = reason;
    readers_.wake();
    writers_.wake();
  }
  void close_and_leave() {
    if (stream_) (void)stream_.close();
    leave();
    stream_ = Stream();
  }
  // Its core knows it no more, and whoever waits for it goes on.
  void leave() {
    if (core_ == nullptr) return;
    const auto forget = [](detail::TaskState& task) { static_cast<detail::TargetWait<TaskStream>*>(task.awaiter)->target = nullptr; };
    readers_.for_each(forget);
    writers_.for_each(forget);
    readers_.dissolve();
    writers_.dissolve();
    core_->watches().remove(*this);
    if (text_ != nullptr) core_->memory().give_back(std::exchange(text_, nullptr), kTextBytes);
    core_ = nullptr;
  }
  void take_over(TaskStream& other) {
    stream_ = std::exchange(other.stream_, Stream());
    handle = std::exchange(other.handle, 0);
    viewed_bytes_ = std::exchange(other.viewed_bytes_, 0);
    text_ = std::exchange(other.text_, nullptr);
    reason_ = other.reason_;
    is_open_ = other.is_open_;
    is_closed_ = other.is_closed_;
    core_ = std::exchange(other.core_, nullptr);
    readers_.take_over(other.readers_);
    writers_.take_over(other.writers_);
    if (core_ == nullptr) return;
    const auto follow = [this](detail::TaskState& task) { static_cast<detail::TargetWait<TaskStream>*>(task.awaiter)->target = this; };
    readers_.for_each(follow);
    writers_.for_each(follow);
    core_->watches().remove(other);
    core_->watches().add(*this, core_->memory());
  }

  detail::TaskCore* core_ = nullptr;
  Stream stream_;
  detail::WaitingLine readers_;
  detail::WaitingLine writers_;
  uint64_t viewed_bytes_ = 0;  // of the last read; consumed by the next one
  char* text_ = nullptr;       // what the closed event said
  Reason reason_ = Reason::none;
  bool is_open_ = false;
  bool is_closed_ = false;
};

namespace detail {

class OpenedAwait : public LineAwait<OpenedAwait, TaskStream> {
 public:
  using LineAwait::LineAwait;
  static WaitingLine& line(TaskStream& stream) { return stream.readers_; }
  bool attempt(TaskStream& stream) { return stream.is_open_ || stream.is_closed_; }
  Status result(const TaskStream* stream) {
    if (stream == nullptr) return Error(ErrorCode::closed, "the stream was closed here", Reason::closed_here);
    return stream->is_closed_ || stream->core_ == nullptr ? Status(stream->closed_error()) : Status();
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
