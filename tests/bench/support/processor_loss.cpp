// SPDX-License-Identifier: MIT
#include "bench/support/processor_loss.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include "bench/support/frames.h"

namespace framepump::bench {
namespace {

struct Sleeps {
  bool are_measured = false;
  int64_t count = 0;
  int64_t wished_us = 0;
};

thread_local Sleeps sleeps;

int64_t sleeps_of_thread() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

// Without schedstat 0: then a thread that slept elsewhere is forgiven nothing.
int64_t waited_for_threads_us() {
  thread_local const int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  char text[80] = "";
  const ssize_t size = pread(file, text, sizeof(text) - 1, 0);
  unsigned long long waited_ns = 0;
  if (size <= 0 || std::sscanf(text, "%*u %llu", &waited_ns) != 1) return 0;
  return static_cast<int64_t>(waited_ns / 1000);
}

}  // namespace

ProcessorLoss::ProcessorLoss() {
  sleeps.are_measured = true;
  last_ = look();
}

// Of a sleep that is not measured nobody knows whether it was meant to be as long: then only the wait for other threads is known.
int64_t ProcessorLoss::lap_us() {
  const Seen now = look();
  const Seen before = std::exchange(last_, now);
  int64_t lost_us = (now.wall_us - before.wall_us) - (now.cpu_us - before.cpu_us) - (now.wished_us - before.wished_us);
  if (now.unmeasured_sleeps != before.unmeasured_sleeps) lost_us = std::min(lost_us, now.waited_us - before.waited_us);
  return std::max<int64_t>(lost_us - (now.siblings_us - before.siblings_us), 0);
}

ProcessorLoss::Seen ProcessorLoss::look() {
  Seen seen;
  seen.wall_us = wall_us();
  seen.cpu_us = thread_cpu_us();
  seen.siblings_us = process_cpu_us() - seen.cpu_us;
  seen.wished_us = sleeps.wished_us;
  seen.unmeasured_sleeps = sleeps_of_thread() - sleeps.count;
  seen.waited_us = waited_for_threads_us();
  return seen;
}

MeasuredSleep::MeasuredSleep(int64_t limit_us) : limit_us_(limit_us) {
  if (!sleeps.are_measured) return;
  sleeps_ = sleeps_of_thread();
  cpu_us_ = thread_cpu_us();
  wall_us_ = wall_us();
}

MeasuredSleep::~MeasuredSleep() {
  if (!sleeps.are_measured) return;
  const int64_t took_us = wall_us() - wall_us_;
  const int64_t asked_us = limit_us_ < 0 ? took_us : std::min(took_us, limit_us_);
  sleeps.wished_us += std::max<int64_t>(asked_us - (thread_cpu_us() - cpu_us_), 0);
  sleeps.count += sleeps_of_thread() - sleeps_;
}

}  // namespace framepump::bench

// In place of the C library's: what waits in FramePump and in the bare programs.
extern "C" int ppoll(pollfd* descriptors, nfds_t count, const timespec* limit, const sigset_t* signals) {
  timespec left = {};
  if (limit != nullptr) left = *limit;  // Linux counts it down
  const framepump::bench::MeasuredSleep sleep(limit == nullptr ? -1 : int64_t{left.tv_sec} * 1'000'000 + left.tv_nsec / 1000);
  return static_cast<int>(syscall(SYS_ppoll, descriptors, count, limit == nullptr ? nullptr : &left, signals, size_t{_NSIG / 8}));
}
