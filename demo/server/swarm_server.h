// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "demo/protocol/swarm_protocol.h"
#include "demo/server/swarm.h"

namespace demo {

// Runs the swarm and tells its clients about it: snapshots unreliably, who joins, leaves and says something reliably.
class SwarmServer {
 public:
  SwarmServer(framepump::Network& network, framepump::Host host) : network_(network), host_(host) {}

  // After tick: joins, leaves, steering, chat; and as many steps of the swarm as are due.
  void serve(int64_t now_us);
  // Nobody needs steps when nobody looks; INT64_MAX then.
  int64_t next_step_us() const { return members_.empty() ? INT64_MAX : next_step_us_; }
  size_t members() const { return members_.size(); }
  double loss() const;  // 0 to 1, of reliable packets, the mean of all members
  // Says goodbye to all; the host closes when they know.
  void stop();

 private:
  struct Member {
    framepump::Peer peer;
    uint16_t id = 0;  // 0: has not said hello
    std::string name;
  };

  void on_accepted(const framepump::Event& event, int64_t now_us);
  void on_closed(const framepump::Event& event);
  void on_message(const framepump::Received& message);
  void on_talk(Member& member, const Talk& talk);
  void welcome(Member& member, const std::string& name);
  void tell(const Member& member, const Talk& talk);
  void tell_all(const Talk& talk);
  void send_snapshot();

  framepump::Network& network_;
  framepump::Host host_;
  Swarm swarm_;
  std::unordered_map<framepump_handle, Member> members_;
  Snapshot snapshot_;
  std::vector<std::byte> bytes_;
  int64_t next_step_us_ = 0;
};

}  // namespace demo
