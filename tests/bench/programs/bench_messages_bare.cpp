// SPDX-License-Identifier: MIT
//
// Small messages on many connections with bare system calls: edge-triggered epoll and one recv for each that is ready. A short read counts
// as EWOULDBLOCK, as it does in FramePump. `--keep` keeps the bytes for gameplay after the tick, as FramePump promises, and does no more.
// `--delay-acks` lets the kernel's acknowledgements wait, as FramePump does for streams that talk; here from the first message on.
#include <netinet/in.h>
#include <netinet/tcp.h>
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
  bool delays_acks = false;

  template <typename Read>
  void tick(Read read) {
    epoll_event events[kBatch];
    int count = 0;
    do {
      count = epoll_wait(poller, events, kBatch, 0);
      for (int i = 0; i < count; ++i) read(events[i].data.u32);
    } while (count == kBatch);
  }
  // The timer that ends the delay ends the mode, too.
  ssize_t receive(size_t at, char* buffer, size_t size) {
    const int descriptor = connections[at].descriptor;
    const int quickly = 0;
    if (delays_acks) setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &quickly, sizeof(quickly));
    return recv(descriptor, buffer, size, 0);
  }
  void take(size_t at) {
    char buffer[sizeof(Connection::bytes)];
    const ssize_t got = receive(at, buffer, sizeof(buffer));
    if (got > 0) run.check().take(at, buffer, static_cast<size_t>(got));
  }
  void keep(size_t at) {
    Connection& connection = connections[at];
    const size_t before = connection.kept_bytes;
    const ssize_t got = receive(at, connection.bytes + before, sizeof(connection.bytes) - before);
    if (got <= 0) return;
    if (before == 0) ready.push_back(at);
    connection.kept_bytes += static_cast<size_t>(got);
  }
  void gameplay() {
    for (const size_t at : ready) {
      run.check().take(at, connections[at].bytes, connections[at].kept_bytes);
      connections[at].kept_bytes = 0;
    }
    ready.clear();
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads messages with bare system calls.");
  bench::MessageOptions options;
  bool is_keeping = false;
  bool delays_acks = false;
  options.add_to(app);
  app.add_flag("--keep", is_keeping, "keep the bytes for gameplay after the tick");
  app.add_flag("--delay-acks", delays_acks, "let the kernel acknowledge after the call that reads");
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
  Reader reader{run, connections, {}, poller, delays_acks};
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
