// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace framepump::bench {

// What others had of the processors while the calling thread wanted one: threads of this machine, and the machine beneath a virtual one.
// A frame that is late by no more than that is not late by its own doing.
class ProcessorLoss {
 public:
  ProcessorLoss() { begin(); }
  void begin();
  int64_t lost_us() const;  // since begin()

 private:
  struct Seen {
    int64_t wall_us = 0;
    int64_t cpu_us = 0;     // computed by this thread: on Linux without what the host took meanwhile
    int64_t waited_us = 0;  // ready to run, while other threads did
    int64_t stolen_us = 0;  // taken by the host, of all processors, in the kernel's hundredths of a second
    int64_t sleeps = 0;
  };
  static Seen look();
  Seen begin_;
};

}  // namespace framepump::bench
