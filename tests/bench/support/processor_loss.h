// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace framepump::bench {

// What others had of the processors while the calling thread may have wanted one: threads of other processes, and the host of a virtual
// machine. A frame that is late by no more than that is not late by its own doing. Exact for a thread that did not sleep meanwhile, an
// estimate for one that did.
class ProcessorLoss {
 public:
  ProcessorLoss() : last_(look()) {}
  int64_t lap_us();  // since it was called last, or since it was made

 private:
  struct Seen {
    int64_t sleeps = 0;
    int64_t wall_us = 0;
    int64_t cpu_us = 0;       // computed by this thread: without what the host took (CONFIG_PARAVIRT_TIME_ACCOUNTING)
    int64_t siblings_us = 0;  // computed by the other threads of this process
    int64_t waited_us = 0;    // ready to run, while other threads did
    int64_t stolen_us = 0;    // taken by the host, of all processors, in the kernel's hundredths of a second
  };
  static Seen look();
  Seen last_;
};

}  // namespace framepump::bench
