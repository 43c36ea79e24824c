// SPDX-License-Identifier: MIT
//
// A storm of connects, with bare system calls: accept until EAGAIN or the end of the slice, and into epoll, as any server has to. The
// options of streams are those of the listener, which Linux hands down. `--second-thread`: in a process that has another thread, as each
// game has and FramePump makes one; the kernel then counts references to descriptors that it need not count for a process of one thread.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "bench/support/storm_options.h"

namespace bench = framepump::bench;

namespace {

constexpr int kDescriptors = 16'384;

bool accept_one(int listener, int poller, std::vector<int>& streams) {
  sockaddr_storage peer = {};
  socklen_t size_bytes = sizeof(peer);
  const int descriptor = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0 && errno == EAGAIN) return false;
  if (descriptor < 0) bench::die_errno("accept");
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.fd = descriptor;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) != 0) bench::die_errno("epoll_ctl");
  streams.push_back(descriptor);
  return true;
}

uint32_t accept_for_slice(int listener, int poller, int64_t slice_us, std::vector<int>& streams) {
  const int64_t deadline_us = bench::wall_us() + slice_us;
  uint32_t accepted = 0;
  constexpr uint32_t kAcceptsPerLook = 4;
  while (accept_one(listener, poller, streams)) {
    if (++accepted % kAcceptsPerLook == 0 && bench::wall_us() >= deadline_us) break;
  }
  return accepted;
}

void hear(int poller, bench::StormRun& run) {
  epoll_event events[256];
  const int count = epoll_wait(poller, events, 256, 0);
  for (int i = 0; i < count; ++i) {
    uint32_t number = 0;
    if (recv(events[i].data.fd, &number, sizeof(number), 0) == sizeof(number)) run.hear(number);
  }
}

// With two threads the kernel waits for milliseconds each time the table of descriptors grows: so first it is made as large as it will be.
void start_thread() {
  if (dup2(STDERR_FILENO, kDescriptors - 1) < 0) bench::die_errno("dup2");
  close(kDescriptors - 1);
  bench::start_idle_thread();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Accepts a storm of connects with bare system calls.");
  bench::StormOptions options;
  options.add_to(app);
  bool has_thread = false;
  app.add_flag("--second-thread", has_thread, "in a process of more than one thread, as games are");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(kDescriptors);
  if (has_thread) start_thread();
  const int listener = bench::tcp_listen("127.0.0.1", 0, bench::StormOptions::kBacklog);
  bench::set_nonblocking(listener);
  const int on = 1;
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> streams;
  bench::StormRun run(options, bench::local_port(listener));
  while (run.next_frame()) {
    run.tick_begins();
    const uint32_t accepted = accept_for_slice(listener, poller, options.slice_us, streams);
    run.tick_ends(accepted);
    hear(poller, run);
  }
  std::printf("%s\n", run.report().dump().c_str());
  for (int descriptor : streams) close(descriptor);
}
