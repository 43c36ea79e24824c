// SPDX-License-Identifier: MIT
//
// Small messages on many connections with bare system calls: edge-triggered epoll and one recv for each that is ready. A short read counts
// as EWOULDBLOCK, as it does in FramePump.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/support/messages.h"

namespace bench = framepump::bench;

namespace {

void tick(int poller, bench::MessageRun& run, const std::vector<int>& connections) {
  epoll_event events[256];
  char buffer[2048];
  int count = 0;
  do {
    count = epoll_wait(poller, events, 256, 0);
    for (int i = 0; i < count; ++i) {
      const size_t at = events[i].data.u32;
      const ssize_t got = recv(connections[at], buffer, sizeof(buffer), 0);
      if (got > 0) run.check().take(at, buffer, static_cast<size_t>(got));
    }
  } while (count == 256);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads messages with bare system calls.");
  bench::MessageOptions options;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(options.connections + 100);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> connections;
  for (uint32_t at = 0; at < options.connections; ++at) {
    connections.push_back(bench::tcp_connect(options.host, options.port));
    bench::set_nonblocking(connections.back());
    epoll_event event = {EPOLLIN | EPOLLRDHUP | EPOLLET, {.u32 = at}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connections.back(), &event) != 0) bench::die_errno("epoll_ctl");
  }
  bench::align_to(options.frames_per_s, 0);
  bench::MessageRun run(options);
  while (!run.is_done()) {
    run.frame_begins();
    tick(poller, run, connections);
    run.tick_ends();
    run.frame_ends();
  }
  run.print();
}
