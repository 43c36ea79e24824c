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

enum class Heard { starter_left, descriptor, first_left };

// `first`: the connection of a reader that may leave before all of its connections are made; -1: there is none.
Heard wait_for(int descriptor, int first = -1) {
  pollfd all[] = {{descriptor, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}, {first, POLLIN, 0}};
  while (poll(all, 3, -1) > 0) {
    if (all[1].revents != 0) return Heard::starter_left;
    if (all[0].revents != 0) return Heard::descriptor;
    if (all[2].revents != 0) return Heard::first_left;
  }
  return Heard::starter_left;
}

// The next round's connections; none when our starter has gone. A reader that leaves before it has made all of them is forgotten.
std::vector<int> accept_round(int listener, uint32_t count) {
  std::vector<int> connections;
  while (connections.size() < count) {
    const Heard heard = wait_for(listener, connections.empty() ? -1 : connections.front());
    if (heard == Heard::starter_left) return {};
    if (heard == Heard::first_left) {
      for (const int connection : connections) close(connection);
      connections.clear();
      continue;
    }
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) bench::die_errno("accept");
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connections.push_back(connection);
  }
  return connections;
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
    const std::vector<int> connections = accept_round(listener, options.connections);
    if (connections.empty()) return 0;
    if (!is_idle) talk(connections, options);
    char rest = 0;
    // The round ends when its reader does.
    if (wait_for(connections.back()) == Heard::descriptor) (void)!recv(connections.back(), &rest, 1, 0);
    for (const int connection : connections) close(connection);
  }
}
