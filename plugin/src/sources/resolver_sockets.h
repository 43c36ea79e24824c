// SPDX-License-Identifier: MIT
//
// The sockets of c-ares in the pump. Only for the resolver.
#pragma once

#include <cstdint>

#include "platform/socket.h"
#include "pump/pump.h"

struct ares_channeldata;
struct ares_options;

namespace framepump {

// Opens the sockets of one channel at a time, watches them with the pump's poller, and lets c-ares read them, some at a turn.
class NameSockets {
 public:
  // `owner` is made ready when a socket is.
  NameSockets(Pump& pump, Source& owner);
  NameSockets(const NameSockets&) = delete;
  NameSockets& operator=(const NameSockets&) = delete;

  // Before and after ares_init_options; any thread. Returns the bits of its mask.
  int fill_options(ares_options& options);
  void use_with(ares_channeldata* channel);

  bool has_ready() const;
  // Each socket until it is dry, together as many reads as a turn has; and what timed out is sent again.
  void serve(ares_channeldata* channel);

 private:
  friend struct NameSocketCallbacks;
  static constexpr uint32_t kMostSockets = 16;  // one UDP and one TCP for each server; resolv.conf has three of those at most by custom

  struct NameSocket final : Pollable {
    NameSockets* all = nullptr;
    Socket socket;
    uint32_t readiness = 0;  // not served yet

    void on_ready(uint32_t found) override {
      readiness |= found;
      all->pump_.make_ready(all->owner_);
    }
  };
  void serve_one(ares_channeldata* channel, NameSocket& socket);

  Pump& pump_;
  Source& owner_;
  NameSocket sockets_[kMostSockets];
  uint32_t reads_left_ = 0;
  bool is_dry_ = false;  // the socket that c-ares is at had no more
};

}  // namespace framepump
