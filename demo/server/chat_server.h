// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/coroutines.hpp>

#include <map>
#include <string>
#include <string_view>

namespace demo {

// A chat of lines, one coroutine for each that is connected: nc HOST PORT, a name, and then whatever is to be said. /who lists who is there,
// /quit leaves. Who writes too fast, reads too slowly or sends no lines is told so and goes.
class ChatServer {
 public:
  explicit ChatServer(framepump::Network& network) : tasks_(network) {}

  // Port 0: any that is free. Returns the one it is.
  framepump::Result<uint16_t> open(const char* host, uint16_t port);

  framepump::Tasks& tasks() { return tasks_; }  // its methods are tasks of these
  size_t members() const { return members_.size(); }

 private:
  class Member;
  using Line = framepump::Result<std::string>;

  framepump::Task<> welcome_all();
  framepump::Task<> talk(framepump::TaskStream stream);
  framepump::Task<bool> ask_name(Member& member);
  framepump::Task<Line> next_line(Member& member);
  void tell(Member& member, const std::string& text);
  void tell_all(const std::string& text, const Member* except);
  std::string who() const;

  framepump::TaskListener listener_;
  std::map<std::string, Member*> members_;  // by name
  size_t guests_ = 0;                       // with a name or without
  framepump::Tasks tasks_;                  // the last: they end before the rest goes
};

}  // namespace demo
