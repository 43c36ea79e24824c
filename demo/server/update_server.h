// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "demo/protocol/update_protocol.h"
#include "demo/server/updates_by_seed.h"

namespace demo {

// Serves the update to every client that asks, from whatever offset it asks for, as fast as each takes it.
class UpdateServer {
 public:
  UpdateServer(framepump::Network& network, framepump::Listener listener, UpdatesBySeed& updates)
      : network_(network), listener_(listener), updates_(updates) {}

  // After tick: new clients, requests, and as much of the update as there is room for.
  void serve();
  // Some client has bytes to come, so the next frame should come soon.
  bool is_busy() const { return is_busy_; }
  size_t clients() const { return sessions_.size(); }

 private:
  struct Session {
    framepump::Stream stream;
    std::shared_ptr<const UpdateBytes> bytes;  // null: has not asked yet
    uint64_t offset = 0;
    uint64_t end = 0;
  };

  void on_event(const framepump::Event& event);
  void read_request(Session& session);
  void welcome(framepump::Stream stream);
  void send_more(Session& session);
  void refuse(Session& session, const std::string& why);

  framepump::Network& network_;
  framepump::Listener listener_;
  UpdatesBySeed& updates_;
  std::unordered_map<framepump_handle, Session> sessions_;
  bool is_busy_ = false;
};

}  // namespace demo
