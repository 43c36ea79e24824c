// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/wake_signal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "platform/posix.h"

#if defined(FRAMEPUMP_LINUX)
#include <sys/eventfd.h>
#endif

namespace framepump {

namespace {

int number_of(intptr_t descriptor) { return static_cast<int>(descriptor); }

}  // namespace

WakeSignal::~WakeSignal() {
  if (write_fd_ != read_fd_) close(number_of(write_fd_));
  if (read_fd_ != -1) close(number_of(read_fd_));
}

bool WakeSignal::open() {
  if (read_fd_ != -1) return true;
#if defined(FRAMEPUMP_LINUX)
  read_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  write_fd_ = read_fd_;
#else
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) return false;
  for (const int end : ends) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
  read_fd_ = ends[0];
  write_fd_ = ends[1];
#endif
  return read_fd_ != -1;
}

void WakeSignal::raise() {
  const uint64_t one = 1;
  // A full counter or pipe refuses the write, and is as raised as can be.
  while (write(number_of(write_fd_), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

void WakeSignal::clear() {
  uint64_t raises = 0;
#if defined(FRAMEPUMP_LINUX)
  while (read(number_of(read_fd_), &raises, sizeof(raises)) < 0 && errno == EINTR) {
  }
#else
  while (true) {
    const ssize_t taken = read(number_of(read_fd_), &raises, sizeof(raises));
    if (taken == 0 || (taken < 0 && errno != EINTR)) return;
  }
#endif
}

bool WakeSignal::sleep(int64_t timeout_us, std::span<const intptr_t> others) {
  pollfd descriptors[1 + kMostOthers] = {{number_of(read_fd_), POLLIN, 0}};
  uint32_t count = 1;
  for (const intptr_t other : others) descriptors[count++] = {number_of(other), POLLIN, 0};
  poll_descriptors(descriptors, count, timeout_us);
  if (descriptors[0].revents == 0) return false;
  clear();
  return true;
}

}  // namespace framepump

#endif
