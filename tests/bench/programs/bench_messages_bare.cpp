// SPDX-License-Identifier: MIT
//
// Small messages on many connections with bare system calls: edge-triggered epoll and one recv for each that is ready. A short read counts
// as EWOULDBLOCK, as it does in FramePump. `--keep` keeps the bytes for gameplay after the tick, as FramePump promises, and does no more.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/support/messages.h"

namespace bench = framepump::bench;

namespace {

constexpr int kBatch = 32;  // as FramePump: with 256 what the kernel touched to find one ready is not in the cache any more when it is read

struct Connection {
  int descriptor = -1;
  size_t kept_bytes = 0;
  char bytes[2048];
};

struct Reader {
  bench::MessageRun& run;
  std::vector<Connection>& connections;
  std::vector<size_t> ready = {};
  int poller = -1;

  template <typename Read>
  void tick(Read read) {
    epoll_event events[kBatch];
    int count = 0;
    do {
      count = epoll_wait(poller, events, kBatch, 0);
      for (int i = 0; i < count; ++i) read(events[i].data.u32);
    } while (count == kBatch);
  }
  void take(size_t at) {
    char buffer[sizeof(Connection::bytes)];
    const ssize_t got = recv(connections[at].descriptor, buffer, sizeof(buffer), 0);
    if (got > 0) run.check().take(at, buffer, static_cast<size_t>(got));
  }
  void keep(size_t at) {
    Connection& connection = connections[at];
    const ssize_t got = recv(connection.descriptor, connection.bytes, sizeof(connection.bytes), 0);
    if (got <= 0) return;
    connection.kept_bytes = static_cast<size_t>(got);
    ready.push_back(at);
  }
  void gameplay() {
    for (const size_t at : ready) run.check().take(at, connections[at].bytes, connections[at].kept_bytes);
    ready.clear();
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads messages with bare system calls.");
  bench::MessageOptions options;
  bool is_keeping = false;
  options.add_to(app);
  app.add_flag("--keep", is_keeping, "keep the bytes for gameplay after the tick");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(options.connections + 100);
  std::vector<Connection> connections(options.connections);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  for (uint32_t at = 0; at < options.connections; ++at) {
    const int descriptor = connections[at].descriptor = bench::tcp_connect(options.host, options.port);
    bench::set_nonblocking(descriptor);
    epoll_event event = {EPOLLIN | EPOLLRDHUP | EPOLLET, {.u32 = at}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) != 0) bench::die_errno("epoll_ctl");
  }
  bench::align_to(options.frames_per_s, 0);
  bench::MessageRun run(options);
  Reader reader{run, connections, {}, poller};
  while (!run.is_done()) {
    run.frame_begins();
    if (is_keeping) {
      reader.tick([&](size_t at) { reader.keep(at); });
    } else {
      reader.tick([&](size_t at) { reader.take(at); });
    }
    run.tick_ends();
    reader.gameplay();
    run.frame_ends();
  }
  run.print();
}
