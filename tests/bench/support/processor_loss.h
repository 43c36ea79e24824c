// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace framepump::bench {

// What others had of the processors while the calling thread wanted one: threads of other processes, and the host of a virtual machine.
// A frame that is late by no more than that is not late by its own doing. One for a thread.
//
// The thread's own clock lacks that of the wall's, and besides only the time in which the thread slept. It may sleep in ppoll(), which is
// measured (see the .cpp), and within a MeasuredSleep; what these took longer than they were asked to is loss, too.
class ProcessorLoss {
 public:
  ProcessorLoss();
  int64_t lap_us();  // since it was called last, or since it was made

 private:
  struct Seen {
    int64_t wall_us = 0;
    int64_t cpu_us = 0;             // computed by this thread: without what the host took (CONFIG_PARAVIRT_TIME_ACCOUNTING)
    int64_t siblings_us = 0;        // computed by the other threads of this process
    int64_t wished_us = 0;          // slept as long as it was asked for, where that is measured
    int64_t unmeasured_sleeps = 0;  // how many others there were
    int64_t waited_us = 0;          // ready to run, while other threads did
  };
  static Seen look();
  Seen last_;
};

// A system call in which the calling thread sleeps until something comes or `limit_us` have passed (negative: without a limit).
class MeasuredSleep {
 public:
  explicit MeasuredSleep(int64_t limit_us);
  ~MeasuredSleep();
  MeasuredSleep(const MeasuredSleep&) = delete;
  MeasuredSleep& operator=(const MeasuredSleep&) = delete;

 private:
  int64_t limit_us_;
  int64_t wall_us_ = 0;
  int64_t cpu_us_ = 0;
  int64_t sleeps_ = 0;
};

}  // namespace framepump::bench
