// SPDX-License-Identifier: MIT
//
// Whatever bytes come, in whatever pieces and with whatever seams, the same messages come out of them, and what was framed comes out as it
// went in.
#include <framepump/message.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

using Bytes = std::span<const std::byte>;
using Kind = Verdict::Kind;

constexpr uint64_t kPeekLimitBytes = 1500;
// Beyond it messages are cut off: a target that is given 100 bytes need not be told so of one with 2 GB.
constexpr uint32_t kLargestMaximum = 2000;

// Takes numbers off the front; zeros when there is nothing left.
class Choices {
 public:
  explicit Choices(std::string_view& bytes) : bytes_(bytes) {}
  uint8_t byte() {
    const uint8_t value = bytes_.empty() ? 0 : static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(bytes_.empty() ? 0 : 1);
    return value;
  }
  uint32_t up_to(uint32_t most) { return 1 + (byte() * 256u + byte()) % most; }
  std::string_view text(size_t size) {
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view& bytes_;
};

Framing choose_framing(Choices& choices) {
  const uint8_t kind = choices.byte();
  const uint32_t max_bytes = choices.up_to(kLargestMaximum);
  const ByteOrder order = (kind & 0x80) != 0 ? ByteOrder::big : ByteOrder::little;
  switch (kind % 7) {
    case 0: return Framing::varint(max_bytes);
    case 1: return Framing::fixed16(max_bytes, order);
    case 2: return Framing::fixed32(max_bytes, order);
    case 3: return Framing::fixed_size(max_bytes);
    case 4: return Framing::lines(max_bytes, order == ByteOrder::big ? LineEnd::lf : LineEnd::lf_or_crlf);
    default: return Framing::delimited(choices.text(choices.byte() % 18u), max_bytes);  // one too many is refused
  }
}

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// ---- The pure part ----

void check_verdict(const Framing& framing, const Verdict& verdict, size_t size) {
  if (verdict.kind == Kind::incomplete) {
    expect(verdict.total_bytes > size, "who has to wait is told of more bytes than there are");
    const uint64_t most_bytes = std::max<uint64_t>(framing.largest_total_bytes(), Framing::kMaxHeaderBytes);
    expect(verdict.total_bytes <= most_bytes, "nobody waits for more than the largest message takes, or a header");
  } else if (verdict.kind == Kind::whole) {
    expect(verdict.size_bytes <= framing.max_bytes(), "a message is no larger than is allowed");
    expect(verdict.begin + verdict.size_bytes <= verdict.total_bytes && verdict.total_bytes <= size, "a message lies within its bytes");
    expect(verdict.total_bytes > 0, "a message takes something of the stream");
  } else if (verdict.kind == Kind::too_large) {
    expect(verdict.size_bytes > framing.max_bytes(), "what is too large is larger than allowed");
  } else {
    expect(verdict.why[0] != '\0', "what is malformed is told why");
  }
}

bool is_same(const Verdict& a, const Verdict& b) {
  if (a.kind != b.kind) return false;
  return a.kind != Kind::whole || (a.begin == b.begin && a.size_bytes == b.size_bytes && a.total_bytes == b.total_bytes);
}

// By the first place where the delimiter stands, as anybody would look for it.
void check_delimited(const Framing& framing, Bytes bytes, const Verdict& verdict) {
  const std::string text = text_of(bytes);
  const std::string delimiter = text_of(framing.delimiter());
  const size_t end = text.find(delimiter);
  if (verdict.kind == Kind::whole) expect(verdict.total_bytes == end + delimiter.size(), "a message ends at the first delimiter");
  if (verdict.kind == Kind::incomplete) expect(end == std::string::npos, "a delimiter that is there is found");
}

void check_look(const Framing& framing, Bytes bytes) {
  const Verdict whole = framing.look(bytes);
  check_verdict(framing, whole, bytes.size());
  const size_t step = 1 + bytes.size() / 64;
  for (size_t size = 0; size < bytes.size(); size += step) {
    const Verdict verdict = framing.look(bytes.first(size));
    check_verdict(framing, verdict, size);
    expect(verdict.kind == Kind::incomplete || is_same(verdict, whole), "a verdict stays, whatever comes behind");
  }
  if (framing.is_delimited()) check_delimited(framing, bytes, whole);
}

// Empty: the framing refuses it.
std::string framed(const Framing& framing, Bytes message, size_t cut) {
  const Bytes parts[] = {message.first(cut), message.subspan(cut)};
  if (!framing.check_message(parts)) return "";
  std::array<std::byte, Framing::kMaxHeaderBytes> header;
  const uint32_t header_bytes = framing.write_header(static_cast<uint32_t>(message.size()), header);
  return text_of(Bytes(header).first(header_bytes)) + text_of(message) + text_of(framing.delimiter());
}

void check_message(const Framing& framing, Bytes message, std::string_view behind) {
  const std::string wire = framed(framing, message, message.size() / 2);
  if (wire.empty()) return;
  expect(framed(framing, message, 0) == wire, "a message is judged alike in whatever parts it comes");
  const std::string all = wire + std::string(behind);
  const Verdict verdict = framing.look(bytes_of(all));
  expect(verdict.kind == Kind::whole && verdict.total_bytes == wire.size(), "what was framed is a message");
  if (verdict.kind != Kind::whole) return;
  expect(text_of(bytes_of(all).subspan(verdict.begin, verdict.size_bytes)) == text_of(message), "a message comes out as it went in");
}

// What look() makes of it, one message after the other.
std::vector<std::string> messages_of(const Framing& framing, Bytes bytes, Kind& end) {
  std::vector<std::string> messages;
  for (;;) {
    const Verdict verdict = framing.look(bytes);
    end = verdict.kind;
    if (verdict.kind != Kind::whole) return messages;
    messages.push_back(text_of(bytes.subspan(verdict.begin, verdict.size_bytes)));
    bytes = bytes.subspan(verdict.total_bytes);
  }
}

// ---- The reader, over a stream that is made of these bytes ----

class FakeStream;
FakeStream* fake = nullptr;

// Published in pieces, with seams between blocks. Every view is memory of its own, which goes when views end.
class FakeStream {
 public:
  FakeStream(Bytes bytes, size_t block_bytes, size_t piece_bytes) : bytes_(bytes), block_bytes_(block_bytes), piece_bytes_(piece_bytes) {
    fake = this;
  }
  ~FakeStream() { fake = nullptr; }

  bool publish() {  // false: that was all, and the peer's stream has ended
    views_.clear();
    is_ended_ = published_ == bytes_.size();
    published_ += std::min(piece_bytes_, bytes_.size() - published_);
    return !is_ended_;
  }
  bool is_aborted() const { return is_aborted_; }
  uint64_t unread() const { return published_ - consumed_; }

  uint32_t run_at(uint64_t offset, const void** view, uint64_t* size) {
    if (offset >= unread()) return FRAMEPUMP_ERROR_NOT_YET;
    const size_t at = consumed_ + offset;
    *size = std::min(block_bytes_ - at % block_bytes_, published_ - at);
    *view = view_of(at, *size);
    return FRAMEPUMP_OK;
  }
  uint32_t peek(uint64_t size, const void** view) {
    if (size > kPeekLimitBytes) return FRAMEPUMP_ERROR_TOO_LARGE;
    if (size > unread()) return is_ended_ ? FRAMEPUMP_ERROR_CLOSED : FRAMEPUMP_ERROR_NOT_YET;
    *view = view_of(consumed_, size);
    return FRAMEPUMP_OK;
  }
  uint32_t consume(uint64_t size) {
    expect(size <= unread(), "a reader takes no more than there is");
    views_.clear();
    consumed_ += std::min(size, unread());
    return FRAMEPUMP_OK;
  }
  uint32_t abort() {
    is_aborted_ = true;
    return FRAMEPUMP_OK;
  }

 private:
  const void* view_of(size_t at, size_t size) {
    views_.push_back(std::make_unique<std::byte[]>(size));
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), size, views_.back().get());
    return views_.back().get();
  }

  Bytes bytes_;
  size_t block_bytes_;
  size_t piece_bytes_;
  size_t published_ = 0;
  size_t consumed_ = 0;
  bool is_ended_ = false;
  bool is_aborted_ = false;
  std::vector<std::unique_ptr<std::byte[]>> views_;
};

framepump_api fake_api() {
  framepump_api api = detail::make_stale_api();
  api.stream_info = [](framepump_handle, framepump_stream_info* info) -> uint32_t {
    info->peek_limit_bytes = kPeekLimitBytes;
    return FRAMEPUMP_OK;
  };
  api.available = [](framepump_handle, uint64_t* bytes) -> uint32_t { return *bytes = fake->unread(), FRAMEPUMP_OK; };
  api.front = [](framepump_handle, const void** view, uint64_t* size) { return fake->run_at(0, view, size); };
  api.run_at = [](framepump_handle, uint64_t offset, const void** view, uint64_t* size) { return fake->run_at(offset, view, size); };
  api.peek = [](framepump_handle, uint64_t size, const void** view) { return fake->peek(size, view); };
  api.consume = [](framepump_handle, uint64_t size) { return fake->consume(size); };
  api.abort_because = [](framepump_handle, uint32_t, const char*) { return fake->abort(); };
  return api;
}

void check_reader(const Framing& framing, Bytes bytes, size_t block_bytes, size_t piece_bytes) {
  static const framepump_api api = fake_api();
  FakeStream stream(bytes, block_bytes, piece_bytes);
  Result<MessageReader> reader = MessageReader::open(Stream(&api, 1), framing, MessageReader::Arrivals::unknown);
  expect(static_cast<bool>(reader) == (framing.largest_total_bytes() <= kPeekLimitBytes), "a framing is taken whose messages can be peeked at");
  if (!reader) return;

  std::vector<std::string> messages;
  for (bool goes_on = true; goes_on;) {
    goes_on = stream.publish();
    while (const std::optional<Message> message = reader->next()) messages.push_back(text_of(message->bytes));
    goes_on = goes_on && reader->state() == MessageReader::State::not_yet;
  }
  Kind end = Kind::incomplete;
  expect(messages == messages_of(framing, bytes, end), "the same messages come in whatever pieces");
  const bool is_refused = end == Kind::too_large || end == Kind::malformed;
  expect(stream.is_aborted() == is_refused, "a stream is aborted for what is no message, and for nothing else");
  if (is_refused) {
    expect(reader->state() == (end == Kind::malformed ? MessageReader::State::malformed : MessageReader::State::too_large),
           "a reader says why it was aborted");
    return;
  }
  expect(stream.unread() == 0, "nothing is left of a stream that has ended");
  expect(reader->state() == MessageReader::State::ended || reader->state() == MessageReader::State::truncated,
         "a reader says how the stream has ended");
}

}  // namespace

// What the framing is, where the seams are and how much comes at a time; then the stream.
void message_frames(std::string_view bytes) {
  Choices choices(bytes);
  const Framing framing = choose_framing(choices);
  const size_t block_bytes = choices.up_to(300);
  const size_t piece_bytes = choices.up_to(300);
  const Bytes stream = std::as_bytes(std::span(bytes.data(), bytes.size()));
  if (!framing.check()) {
    expect(framing.look(stream).kind != Kind::whole || !framing.is_delimited(), "without a delimiter there is no message");
    return;
  }
  check_look(framing, stream);
  check_message(framing, stream.first(std::min<size_t>(stream.size(), framing.max_bytes())), bytes);
  check_reader(framing, stream, block_bytes, piece_bytes);
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(message_frames);
