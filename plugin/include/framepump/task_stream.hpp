// SPDX-License-Identifier: MIT
//
// Streams that tasks wait on. See coroutines.hpp; what their methods return is in task_stream_await.hpp.
#pragma once

#include <framepump/task_line.hpp>

#include <cstdio>
#include <span>
#include <string_view>
#include <utility>

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

}  // namespace v0
}  // namespace framepump
