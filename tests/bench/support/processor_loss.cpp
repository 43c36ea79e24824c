// SPDX-License-Identifier: MIT
#include "bench/support/processor_loss.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "bench/support/frames.h"

namespace framepump::bench {
namespace {

// Without schedstat (see proc_schedstat in the kernel's documentation) 0, and then nothing is forgiven.
int64_t waited_for_threads_us() {
  thread_local const int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  char text[80] = "";
  const ssize_t size = pread(file, text, sizeof(text) - 1, 0);
  unsigned long long waited_ns = 0;
  if (size <= 0 || std::sscanf(text, "%*u %llu", &waited_ns) != 1) return 0;
  return static_cast<int64_t>(waited_ns / 1000);
}

int64_t stolen_by_host_us() {
  static const int file = open("/proc/stat", O_RDONLY | O_CLOEXEC);
  static const int64_t tick_us = 1'000'000 / sysconf(_SC_CLK_TCK);
  char text[200] = "";
  const ssize_t size = pread(file, text, sizeof(text) - 1, 0);
  unsigned long long stolen_ticks = 0;
  if (size <= 0 || std::sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &stolen_ticks) != 1) return 0;
  return static_cast<int64_t>(stolen_ticks) * tick_us;
}

int64_t sleeps_of_thread() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

}  // namespace

void ProcessorLoss::begin() { begin_ = look(); }

// A thread that never went to sleep has computed or wanted to. Of one that slept nobody says how long it meant to: what is known to the
// microsecond is the wait for other threads, and what the host took only as a whole.
int64_t ProcessorLoss::lost_us() const {
  const Seen now = look();
  if (now.sleeps == begin_.sleeps) return (now.wall_us - begin_.wall_us) - (now.cpu_us - begin_.cpu_us);
  return (now.waited_us - begin_.waited_us) + (now.stolen_us - begin_.stolen_us);
}

ProcessorLoss::Seen ProcessorLoss::look() {
  return {.wall_us = bench::wall_us(),
          .cpu_us = thread_cpu_us(),
          .waited_us = waited_for_threads_us(),
          .stolen_us = stolen_by_host_us(),
          .sleeps = sleeps_of_thread()};
}

}  // namespace framepump::bench
