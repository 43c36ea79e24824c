// SPDX-License-Identifier: MIT
#include "bench/support/processor_loss.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "bench/support/frames.h"

namespace framepump::bench {
namespace {

// Without schedstat 0: then a thread that slept is not forgiven the wait.
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

// A thread that did not sleep computed or wanted to. One that slept may have meant to, and nobody says for how long: known are its wait for
// other threads, to the microsecond, and what the host took of all processors together.
int64_t ProcessorLoss::lap_us() {
  const Seen now = look();
  const Seen before = std::exchange(last_, now);
  int64_t lost_us = (now.wall_us - before.wall_us) - (now.cpu_us - before.cpu_us);
  if (now.sleeps != before.sleeps) lost_us = std::min(lost_us, now.waited_us - before.waited_us + now.stolen_us - before.stolen_us);
  return std::max<int64_t>(lost_us - (now.siblings_us - before.siblings_us), 0);
}

ProcessorLoss::Seen ProcessorLoss::look() {
  Seen seen;
  seen.sleeps = sleeps_of_thread();
  seen.wall_us = wall_us();
  seen.cpu_us = thread_cpu_us();
  seen.siblings_us = process_cpu_us() - seen.cpu_us;
  seen.waited_us = waited_for_threads_us();
  seen.stolen_us = stolen_by_host_us();
  return seen;
}

}  // namespace framepump::bench
