// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "downloads/fixed_text.h"
#include "platform/address.h"

namespace framepump {

struct HostAddresses {
  static constexpr uint32_t kMostAddresses = 8;
  SocketAddress addresses[kMostAddresses];
  uint32_t count = 0;
  FixedText<256> error;  // for people; empty when there are addresses
};

// Turns the names of hosts into addresses, without waiting. All calls come from the file thread; whoever finds an answer on another one
// wakes it afterwards.
class NameLookup {
 public:
  static constexpr uint32_t kNoTicket = 0;

  // kNoTicket: too many questions at once, or no memory.
  virtual uint32_t ask(const char* host) = 0;
  // True: answered, with addresses or an error, and the ticket is gone.
  virtual bool look(uint32_t ticket, HostAddresses& answer) = 0;
  virtual void forget(uint32_t ticket) = 0;

 protected:
  ~NameLookup() = default;
};

// What the hosts file says, read anew for each question: all that there is where nobody asks DNS servers.
class HostsFileLookup final : public NameLookup {
 public:
  explicit HostsFileLookup(const char* path = "/etc/hosts") : path_(path) {}

  uint32_t ask(const char* host) override;
  bool look(uint32_t ticket, HostAddresses& answer) override;
  void forget(uint32_t) override {}

 private:
  const char* path_;
  HostAddresses answer_;  // asked and looked at at once
};

}  // namespace framepump
