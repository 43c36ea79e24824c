// SPDX-License-Identifier: MIT
#include "demo/server/chat_server.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace demo {
namespace {

namespace fp = framepump;

constexpr size_t kMostGuests = 256;
constexpr size_t kMostNameLetters = 16;
constexpr uint64_t kMostLineBytes = 512;
constexpr uint64_t kMostUnsentBytes = 64 * 1024;  // a screenful is 2 KiB: who is so far behind does not read
constexpr int64_t kPatienceMs = 50'000;           // for a name; the server's own stream.idle_timeout_ms closes after 60 s
constexpr double kLinesAtOnce = 10;
constexpr double kLinesPerSecond = 2;

bool is_name(std::string_view text) {
  const auto is_letter = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= kMostNameLetters && std::all_of(text.begin(), text.end(), is_letter);
}

// As the others may see it: a terminal obeys control characters.
std::string harmless(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out.back() == '\r') out.pop_back();
  std::replace_if(out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return out;
}

}  // namespace

// One that is connected. When its task ends, however that comes, it is gone and the others hear of it.
class ChatServer::Member {
 public:
  Member(ChatServer& chat, fp::TaskStream stream) : stream_(std::move(stream)), chat_(chat), counted_at_us_(chat.tasks_.now_us()) { ++chat.guests_; }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() {
    --chat_.guests_;
    if (name_.empty()) return;
    chat_.members_.erase(name_);
    chat_.tell_all("* " + name_ + " has left", nullptr);
  }

  void join(const std::string& name) {
    name_ = name;
    chat_.members_[name] = this;
  }
  const std::string& name() const { return name_; }
  fp::TaskStream& stream() { return stream_; }
  // False: faster than anybody types.
  bool may_say_more() {
    const int64_t now_us = chat_.tasks_.now_us();
    lines_left_ = std::min(kLinesAtOnce, lines_left_ + static_cast<double>(now_us - counted_at_us_) * kLinesPerSecond / 1e6);
    counted_at_us_ = now_us;
    return --lines_left_ >= 0;
  }

 private:
  fp::TaskStream stream_;
  ChatServer& chat_;
  std::string name_;  // empty: not yet
  double lines_left_ = kLinesAtOnce;
  int64_t counted_at_us_;
};

fp::Result<uint16_t> ChatServer::open(const char* host, uint16_t port) {
  fp::Result<fp::TaskListener> listener = tasks_.listen(host, port);
  if (!listener) return listener.error();
  listener_ = std::move(*listener);
  if (!tasks_.start(welcome_all())) return tasks_.error();
  return listener_.port();
}

fp::Task<> ChatServer::welcome_all() {
  while (true) {
    fp::Result<fp::TaskStream> stream = co_await listener_.accept();
    if (!stream) co_return;
    if (guests_ < kMostGuests) {
      tasks_.start(talk(std::move(*stream)));
    } else {
      (void)stream->get().write("* the chat is full\n");
    }
  }
}

fp::Task<> ChatServer::talk(fp::TaskStream stream) {
  Member member(*this, std::move(stream));
  if (!co_await ask_name(member)) co_return;
  tell(member, "* welcome, " + member.name() + "; " + who() + "; /who, /quit");
  tell_all("* " + member.name() + " is here", &member);
  while (true) {
    const Line line = co_await next_line(member);
    if (!line || *line == "/quit") co_return tell(member, "* good bye");
    if (*line == "/who") {
      tell(member, "* " + who());
    } else if (!line->empty()) {
      tell_all(member.name() + ": " + *line, &member);
    }
  }
}

fp::Task<bool> ChatServer::ask_name(Member& member) {
  tell(member, "* your name?");
  while (true) {
    const Line line = co_await fp::with_timeout(next_line(member), kPatienceMs);
    if (!line) {
      if (line.error().code() == fp::ErrorCode::timed_out) tell(member, "* no name, no chat");
      co_return false;
    }
    if (!is_name(*line)) {
      tell(member, "* a name has 1 to 16 letters, digits, _ or -; your name?");
    } else if (members_.contains(*line)) {
      tell(member, "* " + *line + " is here already; your name?");
    } else {
      member.join(*line);
      co_return true;
    }
  }
}

// An error: it is gone, or has been told why it goes.
fp::Task<ChatServer::Line> ChatServer::next_line(Member& member) {
  const fp::Result<std::string_view> line = co_await member.stream().read_until('\n', kMostLineBytes);
  if (!line && line.error().code() == fp::ErrorCode::too_large) tell(member, "* a line has at most 511 letters");
  if (!line) co_return line.error();
  if (member.may_say_more()) co_return harmless(*line);
  tell(member, "* too fast: 2 lines a second are fine");
  co_return fp::Error(fp::ErrorCode::no_room, "too many lines");
}

// It never waits: who reads slowly must not hold up the others. What is written before close() still arrives, if it is read at all.
void ChatServer::tell(Member& member, const std::string& text) {
  fp::TaskStream& stream = member.stream();
  const fp::Result<fp::StreamInfo> info = stream.get().info();
  const bool is_behind = info && info->unsent_bytes > kMostUnsentBytes;
  if (is_behind || !stream.get().write_all(text + "\n")) {
    (void)stream.get().write_all("* you read too slowly\n");
    stream.close();  // its task hears of it, and ends
  }
}

void ChatServer::tell_all(const std::string& text, const Member* except) {
  for (const auto& [name, member] : members_) {
    if (member != except) tell(*member, text);
  }
}

std::string ChatServer::who() const {
  std::string text = std::to_string(members_.size()) + " here:";
  for (const auto& [name, member] : members_) text += " " + name;
  return text;
}

}  // namespace demo
