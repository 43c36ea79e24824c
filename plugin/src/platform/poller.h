// SPDX-License-Identifier: MIT
//
// Readiness of sockets, edge by edge. One file per backend. All calls but wait() belong to whoever holds the pump token.
#pragma once

#include <cstdint>
#include <span>

#include "platform/socket.h"
#include "platform/wake_signal.h"

namespace framepump {

enum Readiness : uint32_t {
  kReadable = 1,   // also end of stream, error, hang-up
  kWritable = 2,   // also error, hang-up
  kPeerEnded = 4,  // end of stream, error or hang-up is in the queue, perhaps behind data: no later edge will announce it
};

// Without initial values: the pump has room for 256 on its stack in each harvest, and mostly one is filled in.
struct PollEvent {
  void* key;           // as given to add
  uint32_t readiness;  // Readiness bits
};

// What a waiter looks at while it sleeps without the token; each waiting thread has its own and reuses it.
class WaitSet {
 public:
  virtual ~WaitSet() = default;
};

class Poller {
 public:
  virtual ~Poller() = default;

  // From now on, with these directions armed. Reading always is; leave writing to arm() for a socket that is writable already, or the
  // kernel reports just that.
  virtual IoStatus add(Socket socket, void* key, uint32_t directions) = 0;
  virtual void remove(Socket socket, void* key) = 0;
  // An event of a direction disarms it; whoever drained that direction to would_block arms it again.
  virtual void arm(Socket socket, void* key, uint32_t directions) = 0;
  // Takes up to events.size() pending events without waiting and returns how many. An event may be spurious.
  virtual uint32_t harvest(std::span<PollEvent> events) = 0;

  // Null when memory runs out. The caller owns it; it must not outlive the poller.
  virtual WaitSet* make_wait_set() = 0;
  // With the token: notes what to wait for. A no-op where the kernel keeps the set.
  virtual void prepare_wait(WaitSet& set) = 0;
  // Without the token: sleeps until a socket is ready, `wake` is raised (and clears it), or `timeout_us` has passed (negative: no
  // limit). Harvests nothing. True: woken or ready.
  virtual bool wait(WaitSet& set, WakeSignal& wake, int64_t timeout_us) = 0;

  virtual const char* name() const = 0;
};

// Null when descriptors or memory run out, or the system has no such backend. The caller owns it. On Windows poll is WSAPoll.
Poller* make_epoll_poller();
Poller* make_poll_poller();

}  // namespace framepump
