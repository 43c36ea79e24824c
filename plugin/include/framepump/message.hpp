// SPDX-License-Identifier: MIT
//
// Messages over a stream: whole ones come out, each as one run of bytes, and each goes in as a whole or not at all.
//
//   fp::MessageReader reader = fp::MessageReader::open(stream, fp::Framing::varint(64 * 1024)).value();
//   while (std::optional<fp::Message> message = reader.next()) handle(message->bytes);      // once per tick
//   fp::send_message(stream, fp::Framing::varint(64 * 1024), answer);
//
// All calls are for the thread that ticks; none blocks, none allocates (but open, which asks the plugin for a log of arrivals).
#pragma once

#include <framepump/message_writer.hpp>

#include <array>
#include <optional>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

// A whole message. `bytes` is a view: valid until the next tick or the next call of its reader, and as long as nobody consumes, closes or
// aborts the stream. It lies where the kernel wrote it, unless it crosses the seam of two blocks: then it was joined.
struct Message {
  std::span<const std::byte> bytes;
  // Of its last byte, so of the moment when it was complete. 0 with Arrivals::unknown.
  int64_t arrived_us = 0;      // at the kernel, on the frame's clock
  int64_t waited_us = 0;       // from then until this tick began
  uint32_t waited_frames = 0;  // ticks that began in between; 0: it came after the last one had begun
  uint32_t arrival_flags = 0;  // FRAMEPUMP_ARRIVAL_*: how much that is worth

  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

// Takes whole messages out of a stream. It holds no bytes: until a message is whole they stay in the stream, so a reader may go and
// another one be made at any time between two messages. A stream has one reader at a time.
class MessageReader {
 public:
  enum class Arrivals : uint8_t { measured, unknown };  // measured costs 8 KiB a stream and a tenth of each read
  enum class State : uint8_t {
    not_yet,    // no whole message now: after a later tick
    ended,      // the peer's stream ended behind a message
    truncated,  // it ended inside of one, whose bytes are gone
    too_large,  // a message was larger than the framing allows: the stream was aborted, CLOSED says so too
    malformed,  // a message's length was none: the same
    gone,       // the stream was closed here, or its handle is stale
  };

  // As good as one of a stale stream.
  MessageReader() = default;
  // invalid_argument: the framing's values are impossible. too_large: it allows messages that are larger than peek can ever give, and
  // the text says how large that is. stale_handle, out_of_memory.
  static Result<MessageReader> open(Stream stream, const Framing& framing, Arrivals arrivals = Arrivals::measured) {
    if (Status status = framing.check(); !status) return status.error();
    const Result<StreamInfo> info = stream.info();
    if (!info) return info.error();
    if (framing.largest_total_bytes() > info->peek_limit_bytes) {
      char text[256];
      std::snprintf(text, sizeof(text),
                    "framing: the largest message takes %llu bytes of the stream, allowed are at most %llu: the lesser of "
                    "stream.receive_limit_kib and a sixteenth of memory.budget_kib",
                    long_of(framing.largest_total_bytes()), long_of(info->peek_limit_bytes));
      return Error(ErrorCode::too_large, text);
    }
    if (arrivals == Arrivals::measured) {
      if (Status status = stream.watch_arrivals(Watch::on); !status) return status.error();
    }
    return MessageReader(stream, framing, arrivals);
  }

  // The next whole message; it is consumed by the next call of next or done. Nothing: state() says why.
  std::optional<Message> next() {
    done();
    if (state_ != State::not_yet) return std::nullopt;
    return framing_.is_delimited() ? next_delimited() : next_sized();
  }
  // Consumes the message that next returned, which ends its view. A reader that goes without this leaves it in the stream.
  void done() {
    if (taken_bytes_ == 0) return;
    (void)stream_.consume(taken_bytes_);
    taken_bytes_ = 0;
  }
  // As next, with the reason why there is none: not_yet; closed: ended or truncated; too_large; malformed; stale_handle.
  Result<Message> try_next() {
    if (std::optional<Message> message = next()) return *message;
    return error();
  }

  State state() const { return state_; }
  // The state in a sentence.
  Error error() const {
    char text[256];
    switch (state_) {
      case State::not_yet: return Error(ErrorCode::not_yet, "no whole message has come yet");
      case State::ended: return Error(ErrorCode::closed, "the stream has ended");
      case State::truncated:
        std::snprintf(text, sizeof(text), "the stream ended inside of a message: after %llu of at least %llu bytes", long_of(have_bytes_),
                      long_of(verdict_.total_bytes));
        return Error(ErrorCode::closed, text);
      case State::too_large:
      case State::malformed:
        explain(text);
        return Error(state_ == State::too_large ? ErrorCode::too_large : ErrorCode::malformed, text);
      default: return Error(ErrorCode::stale_handle, "the stream is gone");
    }
  }
  Stream stream() const { return stream_; }
  const Framing& framing() const { return framing_; }

 private:
  MessageReader(Stream stream, const Framing& framing, Arrivals arrivals)
      : stream_(stream), framing_(framing), arrivals_(arrivals), state_(State::not_yet) {}
  static unsigned long long long_of(uint64_t value) { return value; }

  std::optional<Message> next_sized() {
    const std::span<const std::byte> front = stream_.front();
    Verdict verdict = front.size() < Framing::kMaxHeaderBytes ? look_across_seam(front) : framing_.look(front);
    if (verdict.kind != Verdict::Kind::incomplete && verdict.total_bytes <= front.size()) return settle(verdict, front);
    return wait_or_join(verdict);
  }
  // A header of which there is only a part before the seam.
  Verdict look_across_seam(std::span<const std::byte> front) const {
    std::array<std::byte, Framing::kMaxHeaderBytes> header = {};
    size_t count = 0;
    for (std::span<const std::byte> run = front; !run.empty() && count < header.size(); run = stream_.run_at(count)) {
      const size_t step = std::min(run.size(), header.size() - count);
      std::memcpy(header.data() + count, run.data(), step);
      count += step;
    }
    return framing_.look(std::span(header).first(count));
  }

  std::optional<Message> next_delimited() {
    while (found_bytes_ == 0) {
      const std::span<const std::byte> run = stream_.run_at(search_.searched_bytes);
      if (run.empty()) break;
      if (framing_.look_on(search_, run)) found_bytes_ = search_.searched_bytes;
      if (found_bytes_ == 0 && search_.searched_bytes >= framing_.largest_total_bytes()) break;
    }
    return wait_or_join(found_bytes_ != 0 ? Verdict{.total_bytes = found_bytes_} : framing_.not_found(search_));
  }

  // What is not in one piece, or not there.
  std::optional<Message> wait_or_join(const Verdict& verdict) {
    if (verdict.kind == Verdict::Kind::too_large || verdict.kind == Verdict::Kind::malformed) return refuse(verdict);
    // Nobody knows how long a message will be whose end is to be looked for, so room is asked for the largest.
    const bool is_open_ended = framing_.is_delimited() && found_bytes_ == 0;
    const void* view = nullptr;
    const uint64_t wanted_bytes = is_open_ended ? framing_.largest_total_bytes() : verdict.total_bytes;
    switch (stream_.peek_into(wanted_bytes, view)) {
      case ErrorCode::ok: break;
      case ErrorCode::not_yet: return std::nullopt;
      case ErrorCode::closed: return end(verdict);
      default: state_ = State::gone; return std::nullopt;
    }
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(view), wanted_bytes);
    return settle(is_open_ended ? verdict : framing_.is_delimited() ? framing_.found(search_, bytes) : framing_.look(bytes), bytes);
  }
  std::optional<Message> settle(const Verdict& verdict, std::span<const std::byte> bytes) {
    if (verdict.kind != Verdict::Kind::whole) return refuse(verdict);
    taken_bytes_ = verdict.total_bytes;
    search_ = {};
    found_bytes_ = 0;
    Message message = {.bytes = bytes.subspan(verdict.begin, verdict.size_bytes)};
    if (arrivals_ == Arrivals::unknown) return message;
    const Arrival arrival = stream_.arrival(taken_bytes_ - 1).value_or(Arrival());
    message.arrived_us = arrival.arrived_us;
    message.waited_us = arrival.waited_us;
    message.waited_frames = arrival.waited_frames;
    message.arrival_flags = arrival.flags;
    return message;
  }
  // The peer's stream has ended. What cannot become a message is taken, or the closed stream would keep its place.
  std::optional<Message> end(const Verdict& verdict) {
    verdict_ = verdict;
    have_bytes_ = stream_.available();
    state_ = have_bytes_ == 0 ? State::ended : State::truncated;
    (void)stream_.consume(have_bytes_);
    return std::nullopt;
  }
  std::optional<Message> refuse(const Verdict& verdict) {
    verdict_ = verdict;
    state_ = verdict.kind == Verdict::Kind::malformed ? State::malformed : State::too_large;
    char text[256];
    explain(text);
    (void)stream_.abort_because(state_ == State::malformed ? Reason::malformed_message : Reason::message_too_large, text);
    return std::nullopt;
  }
  template <size_t N>
  void explain(char (&text)[N]) const {
    if (state_ == State::malformed) {
      std::snprintf(text, N, "a message is malformed: %s", verdict_.why);
    } else {
      std::snprintf(text, N, "a message has %s%llu bytes, allowed are at most %u", framing_.is_delimited() ? "at least " : "",
                    long_of(verdict_.size_bytes), framing_.max_bytes());
    }
  }

  Stream stream_;
  Framing framing_ = Framing::varint(1);
  Arrivals arrivals_ = Arrivals::unknown;
  State state_ = State::gone;
  Framing::Search search_;
  uint64_t found_bytes_ = 0;  // the delimiter was found, right before here
  uint64_t taken_bytes_ = 0;  // of the message that is out
  uint64_t have_bytes_ = 0;   // at the end
  Verdict verdict_;
};

}  // namespace v0
}  // namespace framepump
