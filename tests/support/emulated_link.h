// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace framepump::test {

struct LinkOptions {
  int64_t delay_us = 5'000;               // one way, each way
  uint64_t rate_bits_per_s = 100'000'000; // each way, of IP packets
  uint64_t queue_bytes = 1'000'000;       // of the bottleneck; what does not fit is dropped (tail drop)
  double loss = 0;                        // probability that a packet is dropped, each way
  uint64_t seed = 1;                      // of the losses
};

struct LinkStatistics {
  uint64_t packets = 0;       // offered
  uint64_t delivered = 0;
  uint64_t lost = 0;          // by chance
  uint64_t queue_drops = 0;
};

// Two network namespaces joined by a link of a given delay, rate, queue and loss: real TCP over an emulated network, for kernels without
// netem. Each namespace has a TUN device; a process carries packets between them, so they reach TCP unmerged. Needs root.
//
// Nothing of it has a name, so nothing is left behind when a test crashes: the namespaces live as long as the descriptors do, the
// process dies with its parent.
class EmulatedLink {
 public:
  enum class End { a, b };

  // Null: `why_not` says why.
  static std::unique_ptr<EmulatedLink> open(const LinkOptions& options, std::string& why_not);
  ~EmulatedLink();
  EmulatedLink(const EmulatedLink&) = delete;
  EmulatedLink& operator=(const EmulatedLink&) = delete;

  static const char* address(End end) { return end == End::a ? "10.77.0.1" : "10.77.0.2"; }
  // From `end` towards the other one.
  LinkStatistics statistics(End end) const;

  // A child process inside one end's namespace; what `body` returns comes back from wait(). Start it before this process has threads.
  class Child {
   public:
    Child() = default;
    Child(pid_t pid, int result_fd) : pid_(pid), result_fd_(result_fd) {}
    Child(Child&& other) noexcept;
    Child& operator=(Child&&) = delete;
    ~Child();  // kills it if it still runs
    // Empty when it crashed or did not end within the limit.
    std::string wait(int limit_ms);

   private:
    pid_t pid_ = -1;
    int result_fd_ = -1;
  };
  Child run(End end, const std::function<std::string()>& body) const;

 private:
  struct Shared;

  EmulatedLink() = default;

  int namespace_fds_[2] = {-1, -1};
  pid_t carrier_ = -1;
  Shared* shared_ = nullptr;
};

}  // namespace framepump::test
