// SPDX-License-Identifier: MIT
//
// A storm of connects, with bare system calls: accept until EAGAIN or the end of the slice, and into epoll, as any server has to. The
// options of streams are those of the listener, which Linux hands down. `--peek` also looks for the first bytes of each connection at
// once, as FramePump does, so that what a client brings along is read in the frame of its accept.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "bench/support/storm_options.h"

namespace bench = framepump::bench;

namespace {

bool accept_one(int listener, int poller, bool looks, std::vector<int>& streams) {
  sockaddr_storage peer = {};
  socklen_t size_bytes = sizeof(peer);
  const int descriptor = accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0 && errno == EAGAIN) return false;
  if (descriptor < 0) bench::die_errno("accept");
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.fd = descriptor;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) != 0) bench::die_errno("epoll_ctl");
  char first = 0;
  if (looks) (void)!recv(descriptor, &first, sizeof(first), MSG_PEEK);
  streams.push_back(descriptor);
  return true;
}

uint32_t accept_for_slice(int listener, int poller, bool looks, int64_t slice_us, std::vector<int>& streams) {
  const int64_t deadline_us = bench::wall_us() + slice_us;
  uint32_t accepted = 0;
  constexpr uint32_t kAcceptsPerLook = 4;
  while (accept_one(listener, poller, looks, streams)) {
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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Accepts a storm of connects with bare system calls.");
  bench::StormOptions options;
  options.add_to(app);
  bool looks = false;
  app.add_flag("--peek", looks, "look for the first bytes of each connection at once");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(16'384);
  const int listener = bench::tcp_listen("127.0.0.1", 0, bench::StormOptions::kBacklog);
  bench::set_nonblocking(listener);
  const int on = 1;
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> streams;
  bench::StormRun run(options, bench::local_port(listener));
  while (run.next_frame()) {
    run.tick_begins();
    const uint32_t accepted = accept_for_slice(listener, poller, looks, options.slice_us, streams);
    run.tick_ends(accepted);
    hear(poller, run);
  }
  std::printf("%s\n", run.report().dump().c_str());
  for (int descriptor : streams) close(descriptor);
}
