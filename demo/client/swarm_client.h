// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "demo/client/swarm_view.h"
#include "demo/protocol/address.h"
#include "demo/protocol/swarm_protocol.h"

namespace demo {

// This client's part in the swarm: sees it, steers a light of its own, hears and says something. A connection that ends is made again.
class SwarmClient {
 public:
  SwarmClient(framepump::Network& network, const framepump_api& api, HostPort server, std::string name);

  // Once a frame, after tick.
  void update(int64_t now_us);
  // Where the own light is to go, 0 to 1 both ways.
  void steer(float x, float y);
  void say(const std::string& text);

  SwarmView& view() { return view_; }
  const SwarmView& view() const { return view_; }
  bool is_connected() const { return own_id_ != 0; }
  uint16_t own_id() const { return own_id_; }
  const std::string& status() const { return status_; }  // one line for the panel
  framepump::Peer peer() const { return peer_; }         // null without a connection
  // Times that the server gave this client up, or seemed to have gone.
  uint64_t drops() const { return drops_; }
  // Empty: not a client's light.
  const std::string& name_of(uint16_t id) const;
  const std::deque<std::string>& chat() const { return chat_; }  // the newest lines
  uint64_t dropped() const;                                      // messages that this side had no room for

 private:
  void connect(int64_t now_us);
  void on_connected();
  void on_closed(const framepump::Event& event, int64_t now_us);
  void on_message(const framepump::Received& message, int64_t now_us);
  void on_talk(const Talk& talk);
  void add_line(const std::string& line);
  void send(const Talk& talk);

  framepump::Network& network_;
  const framepump_api& api_;
  HostPort server_;
  std::string name_;
  framepump::Host host_;
  framepump::Peer peer_;
  int64_t retry_at_us_ = 0;
  uint16_t own_id_ = 0;
  uint32_t steer_number_ = 0;
  uint64_t drops_ = 0;
  std::string status_ = "connecting";
  SwarmView view_;
  Snapshot snapshot_;
  std::map<uint16_t, std::string> names_;
  std::deque<std::string> chat_;
  std::vector<std::byte> bytes_;
};

}  // namespace demo
