// SPDX-License-Identifier: MIT
//
// Edge-triggered epoll: the kernel keeps the set and the edges, so preparing is nothing, and neither is arming for reading.
#include "platform/features.h"
#include "platform/poller.h"

#if defined(FRAMEPUMP_LINUX)

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "platform/posix.h"

namespace framepump {
namespace {

constexpr uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

// An event of one direction brings the other along if that is ready too, so arriving data says "writable" again and again.
uint32_t readiness_of(uint32_t events) {
  uint32_t readiness = 0;
  if ((events & (EPOLLIN | kEnd)) != 0) readiness |= kReadable;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) readiness |= kWritable;
  if ((events & kEnd) != 0) readiness |= kPeerEnded;
  return readiness;
}

epoll_event event_of(void* key, uint32_t directions) {
  epoll_event event = {};
  event.events = EPOLLET | EPOLLIN | EPOLLRDHUP | ((directions & kWritable) != 0 ? EPOLLOUT : 0u);
  event.data.ptr = key;
  return event;
}

class EpollPoller final : public Poller {
 public:
  explicit EpollPoller(int descriptor) : epoll_fd_(descriptor) {}
  ~EpollPoller() override { close(epoll_fd_); }

  IoStatus add(Socket socket, void* key, uint32_t directions) override {
    epoll_event event = event_of(key, directions);
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, descriptor_of(socket), &event) == 0) return IoStatus::ok;
    return errno == ENOSPC ? IoStatus::out_of_memory : status_of(errno);  // ENOSPC: fs.epoll.max_user_watches
  }

  // Said although closing would do it, since a copy of the descriptor in another process would keep it in the set.
  void remove(Socket socket, void*) override {
    epoll_event unused = {};
    epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, descriptor_of(socket), &unused);
  }

  // Writing is asked for when a send found no room, and stays asked for; each time, since being asked the kernel also says what is ready
  // already: room that came since the send. It costs a twentieth of that send.
  void arm(Socket socket, void* key, uint32_t directions) override {
    if ((directions & kWritable) == 0) return;
    epoll_event event = event_of(key, directions);
    epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, descriptor_of(socket), &event);
  }

  uint32_t harvest(std::span<PollEvent> events) override {
    uint32_t count = 0;
    while (count < events.size()) {
      epoll_event found[kFoundAtOnce];
      const int wanted = static_cast<int>(std::min<size_t>(events.size() - count, kFoundAtOnce));
      const int ready = epoll_wait(epoll_fd_, found, wanted, 0);
      if (ready < 0 && errno == EINTR) continue;
      for (int i = 0; i < ready; ++i) events[count++] = {found[i].data.ptr, readiness_of(found[i].events)};
      if (ready < wanted) break;
    }
    return count;
  }

  WaitSet* make_wait_set() override { return new (std::nothrow) WaitSet; }
  void prepare_wait(WaitSet&) override {}

  bool wait(WaitSet&, WakeSignal& wake, int64_t timeout_us) override {
    // To poll the epoll descriptor says that something is ready and leaves it there.
    pollfd descriptors[2] = {{static_cast<int>(wake.read_descriptor()), POLLIN, 0}, {epoll_fd_, POLLIN, 0}};
    const bool is_ready = poll_descriptors(descriptors, 2, timeout_us) > 0;
    if (descriptors[0].revents != 0) wake.clear();
    return is_ready;
  }

  const char* name() const override { return "epoll"; }

 private:
  static constexpr uint32_t kFoundAtOnce = 256;  // what the pump takes between two looks at the clock

  int epoll_fd_;
};

}  // namespace

Poller* make_epoll_poller() {
  const int descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) return nullptr;
  Poller* poller = new (std::nothrow) EpollPoller(descriptor);
  if (poller == nullptr) close(descriptor);
  return poller;
}

}  // namespace framepump

#else

namespace framepump {

Poller* make_epoll_poller() { return nullptr; }

}  // namespace framepump

#endif
