// SPDX-License-Identifier: MIT
//
// The chat of the demo's server, as people at terminals see it: plain sockets of the system.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>

#include "demo/server/chat_server.h"
#include "support/plain_socket.h"
#include "support/task_stage.h"

using namespace framepump::test;

namespace {

// Time is real here: somebody reads and writes.
struct Chat {
  explicit Chat(const fp::Config& config) : stage(config) {
    const fp::Result<uint16_t> chosen = server.open("127.0.0.1", 0);
    REQUIRE(bool(chosen));
    port = *chosen;
  }
  TaskStage stage;
  demo::ChatServer server{stage.net};
  uint16_t port = 0;
};

class Terminal {
 public:
  explicit Terminal(Chat& chat) : chat_(chat), socket_(PlainSocket::connect(chat.port)) {}
  // One with a name.
  Terminal(Chat& chat, const std::string& name) : Terminal(chat) {
    type(name);
    REQUIRE(sees("* welcome, " + name));
  }

  void type(const std::string& line) { socket_.send(line + "\n"); }
  // What comes up to there is off the screen then.
  bool sees(const std::string& text) {
    size_t found = std::string::npos;
    const bool is_there = chat_.stage.run_until([&] { return (found = look().find(text)) != std::string::npos; }, 5'000);
    if (is_there) screen_.erase(0, found + text.size());
    return is_there;
  }
  bool sees_end() {
    return chat_.stage.run_until([&] { return (look(), is_ended_); }, 5'000);
  }
  void hang_up() { socket_.close(); }
  PlainSocket& socket() { return socket_; }
  const std::string& look() {
    char bytes[4096];
    int64_t got = 0;
    while ((got = ::recv(socket_.descriptor(), bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) screen_.append(bytes, static_cast<size_t>(got));
    is_ended_ = is_ended_ || got == 0;
    return screen_;
  }

 private:
  Chat& chat_;
  PlainSocket socket_;
  std::string screen_;
  bool is_ended_ = false;
};

}  // namespace

TEST_CASE("the chat asks for a name, and what one says the others see with it") {
  staged_in_all([](const fp::Config& config) {
    Chat chat(config);
    Terminal ann(chat);
    REQUIRE(ann.sees("* your name?"));
    ann.type("not a name");
    REQUIRE(ann.sees("a name has 1 to 16 letters"));
    ann.type("ann\r");
    REQUIRE(ann.sees("* welcome, ann; 1 here: ann"));
    Terminal bob(chat);
    bob.type("ann");
    REQUIRE(bob.sees("* ann is here already"));
    bob.type("bob");
    REQUIRE(bob.sees("2 here: ann bob"));
    REQUIRE(ann.sees("* bob is here\n"));
    Terminal cid(chat, "cid");
    ann.type("hello \x1b[31mall\r");
    REQUIRE(bob.sees("ann: hello ?[31mall\n"));
    REQUIRE(cid.sees("ann: hello ?[31mall\n"));
    CHECK_EQ(ann.look().find("hello"), std::string::npos);
    bob.type("/who");
    REQUIRE(bob.sees("* 3 here: ann bob cid\n"));
    bob.type("/quit");
    REQUIRE(bob.sees("* good bye\n"));
    REQUIRE(bob.sees_end());
    REQUIRE(ann.sees("* bob has left\n"));
    cid.hang_up();
    REQUIRE(ann.sees("* cid has left\n"));
    CHECK_EQ(chat.server.members(), 1);
  });
}

TEST_CASE("the chat shows the door to who writes too fast or too long lines, and says why") {
  staged_in_all([](const fp::Config& config) {
    Chat chat(config);
    Terminal ann(chat, "ann");
    Terminal fast(chat, "fast");
    for (int i = 0; i < 30; ++i) fast.type("buy");
    REQUIRE(fast.sees("* too fast"));
    REQUIRE(fast.sees_end());
    REQUIRE(ann.sees("* fast has left\n"));
    Terminal wordy(chat, "wordy");
    wordy.socket().send(std::string(600, 'w'));
    REQUIRE(wordy.sees("* a line has at most 511 letters"));
    REQUIRE(wordy.sees_end());
    REQUIRE(ann.sees("* wordy has left\n"));
  });
}

TEST_CASE("who reads too slowly is dropped from the chat, and the others do not wait for it") {
  fp::Config config;
  config.linger_ms = 1'000;
  Chat chat(config);
  Terminal slow(chat);
  slow.socket().keep_small_receive_buffer();
  slow.type("slow");
  REQUIRE(slow.sees("* welcome"));
  Terminal ann(chat, "ann");
  Terminal bob(chat, "bob");
  const std::string line(500, 'x');
  int lines = 0;
  // A line each half second is allowed, and a frame is 10 ms on the chat's clock.
  while (chat.server.members() == 3 && lines < 20'000) {
    ann.type(line);
    ++lines;
    REQUIRE(bob.sees("ann: " + line + "\n"));
    chat.stage.tick(51);
  }
  CAPTURE(lines);
  CHECK_EQ(chat.server.members(), 2);
  REQUIRE(ann.sees("* slow has left\n"));
  REQUIRE(bob.sees("* slow has left\n"));
}

TEST_CASE("the chat may go while people talk") {
  Chat chat({});
  Terminal ann(chat, "ann");
  Terminal silent(chat);
  REQUIRE(silent.sees("* your name?"));
  chat.stage.net = make_network({});  // the old one goes, and all tasks with it
  CHECK_EQ(chat.server.members(), 0);
  CHECK_EQ(chat.server.tasks().count(), 0);
}
