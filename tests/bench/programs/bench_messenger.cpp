// SPDX-License-Identifier: MIT
//
// The other end of benchmarks with many connections: takes everyone in, and sends each a message per frame once `--connections` are
// there (never, when they are to stay idle). Prints its port as one line of JSON; ends when its standard input does.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "bench/support/messages.h"

namespace bench = framepump::bench;

namespace {

void talk(const std::vector<int>& connections, const bench::MessageOptions& options) {
  // The reader's first frames see who is connected before the first message comes.
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  bench::align_to(options.frames_per_s, 0.5);  // the readers' frames begin at 0
  bench::FrameLoop frames(options.frames_per_s);
  for (uint32_t number = 0; number < options.messages; ++number) {
    frames.wait_for_frame();
    for (uint32_t at = 0; at < connections.size(); ++at) {
      const bench::Message message = bench::make_message(at, number);
      if (send(connections[at], &message, sizeof(message), MSG_NOSIGNAL) != sizeof(message)) return;  // the reader has gone
    }
  }
}

// False: the reader has gone without a word, or our own starter has.
bool wait_for(int descriptor) {
  pollfd both[] = {{descriptor, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  while (poll(both, 2, -1) > 0) {
    if (both[1].revents != 0) return false;
    if (both[0].revents != 0) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Takes connections, and sends a message per frame on each.");
  bench::MessageOptions options;
  bool is_idle = false;
  app.add_option("--connections", options.connections, "how many make a round")->capture_default_str();
  app.add_option("--messages", options.messages, "to send on each")->capture_default_str();
  app.add_option("--fps", options.frames_per_s, "messages a second on each")->capture_default_str();
  app.add_flag("--idle", is_idle, "send nothing");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(options.connections + 100);
  const int listener = bench::tcp_listen("0.0.0.0", 0);
  std::printf("{\"port\":%u}\n", bench::local_port(listener));
  std::fflush(stdout);
  for (;;) {
    std::vector<int> connections;
    while (connections.size() < options.connections) {
      if (!wait_for(listener)) return 0;
      const int connection = accept(listener, nullptr, nullptr);
      if (connection < 0) bench::die_errno("accept");
      const int on = 1;
      setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      connections.push_back(connection);
    }
    if (!is_idle) talk(connections, options);
    char rest = 0;
    // The round ends when its reader does.
    if (wait_for(connections.back())) (void)!recv(connections.back(), &rest, 1, 0);
    for (const int connection : connections) close(connection);
  }
}
