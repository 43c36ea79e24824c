// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

namespace framepump::test {

// A second process: what runs there shares no lock and no memory with the test. It is a fork, so start it before anything that
// runs threads; it dies with the test.
class ChildProcess {
 public:
  // `body`'s result is the exit status. It must not use doctest, which belongs to the parent.
  explicit ChildProcess(const std::function<int()>& body);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Waits for its end. A negative result: it died of that signal.
  int exit_status();

 private:
  pid_t pid_ = -1;
};

// Bodies for it. Both return 0 when every byte went or came as it should.

// Accepts one connection of a listening socket and sends the pattern of a seed; then waits for the peer to close.
int serve_pattern(int listening_descriptor, uint64_t seed, uint64_t size_bytes);
// Accepts one connection, and receives the pattern of a seed until the end of stream.
int check_pattern(int listening_descriptor, uint64_t seed, uint64_t size_bytes);

}  // namespace framepump::test
