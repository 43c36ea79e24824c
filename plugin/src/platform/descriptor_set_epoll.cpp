// SPDX-License-Identifier: MIT
#include "platform/features.h"

#if defined(FRAMEPUMP_LINUX)

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "platform/descriptor_set.h"

namespace framepump {

DescriptorSet::~DescriptorSet() {
  if (descriptor_ != -1) close(static_cast<int>(descriptor_));
}

bool DescriptorSet::open() {
  if (descriptor_ == -1) descriptor_ = epoll_create1(EPOLL_CLOEXEC);
  return descriptor_ != -1;
}

bool DescriptorSet::watch(intptr_t descriptor, bool readable, bool writable) {
  epoll_event event = {};
  event.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
  event.data.fd = static_cast<int>(descriptor);
  const int set = static_cast<int>(descriptor_);
  const int one = static_cast<int>(descriptor);
  if (epoll_ctl(set, EPOLL_CTL_MOD, one, &event) == 0) return true;
  return errno == ENOENT && epoll_ctl(set, EPOLL_CTL_ADD, one, &event) == 0;
}

// One that was closed has left by itself.
void DescriptorSet::forget(intptr_t descriptor) {
  epoll_event none = {};
  epoll_ctl(static_cast<int>(descriptor_), EPOLL_CTL_DEL, static_cast<int>(descriptor), &none);
}

std::span<DescriptorSet::Ready> DescriptorSet::look(std::span<Ready> out) {
  constexpr size_t kAtOnce = 64;
  epoll_event events[kAtOnce];
  const int room = static_cast<int>(std::min(out.size(), kAtOnce));
  const int count = epoll_wait(static_cast<int>(descriptor_), events, room, 0);
  for (int i = 0; i < count; ++i) {
    const uint32_t is = events[i].events;
    out[static_cast<size_t>(i)] = {events[i].data.fd, (is & (EPOLLIN | EPOLLHUP)) != 0, (is & EPOLLOUT) != 0, (is & EPOLLERR) != 0};
  }
  return out.first(count < 0 ? 0 : static_cast<size_t>(count));
}

}  // namespace framepump

#endif
