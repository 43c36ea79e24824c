// SPDX-License-Identifier: MIT
//
// A storm of clients: on order as many non-blocking connects as wanted, at once, from several source addresses, as if a game's servers
// had just come back. They stay until the contestant has gone. Told to speak, each says its number.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "bench/support/control.h"
#include "bench/support/frames.h"
#include "bench/support/tcp.h"

namespace bench = framepump::bench;

namespace {

constexpr uint32_t kClientsPerAddress = 1000;  // far from the ports that one address has

sockaddr_in loopback(uint32_t last_byte, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f000000u + last_byte);
  return address;
}

int start_client(uint32_t index, uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) bench::die_errno("socket");
  const sockaddr_in source = loopback(2 + index / kClientsPerAddress, 0);
  const sockaddr_in server = loopback(1, port);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&source), sizeof(source)) != 0) bench::die_errno("bind");
  const int result = connect(descriptor, reinterpret_cast<const sockaddr*>(&server), sizeof(server));
  if (result != 0 && errno != EINPROGRESS) bench::die_errno("connect");
  return descriptor;
}

bool is_connected(int descriptor) {
  sockaddr_in peer = {};
  socklen_t size_bytes = sizeof(peer);
  return getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size_bytes) == 0;
}

// Those that connect later than this count as failed: the third try of a kernel whose first ones were turned away.
size_t wait_for_connections(const std::vector<int>& clients) {
  constexpr int64_t kPatienceUs = 8'000'000;
  const int64_t give_up_us = bench::wall_us() + kPatienceUs;
  size_t connected = 0;
  while (connected < clients.size() && bench::wall_us() < give_up_us) {
    if (is_connected(clients[connected])) {
      ++connected;
    } else {
      usleep(5'000);
    }
  }
  return connected;
}

void speak(const std::vector<int>& clients) {
  for (uint32_t number = 0; number < clients.size(); ++number) send(clients[number], &number, sizeof(number), MSG_NOSIGNAL);
}

// Without a wait in TIME_WAIT, or the next storms would run out of ports.
void leave(const std::vector<int>& clients) {
  for (int client : clients) {
    const linger at_once = {1, 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(client);
  }
}

void carry_out(bench::Order& order) {
  std::vector<int> clients;
  while (const auto line = order.next()) {
    std::istringstream words(*line);
    std::string what;
    uint16_t port = 0;
    uint32_t count = 0;
    words >> what >> port >> count;
    if (what == "connect") {
      const int64_t start_us = bench::wall_us();
      for (uint32_t index = 0; index < count; ++index) clients.push_back(start_client(index, port));
      const int64_t started_us = bench::wall_us();
      const size_t connected = wait_for_connections(clients);
      order.answer(nlohmann::json{{"start_us", start_us}, {"connect_calls_us", started_us - start_us}, {"connected", connected}}.dump());
    } else if (what == "speak") {
      speak(clients);
    }
  }
  leave(clients);
}

}  // namespace

int main() {
  if (!bench::raise_descriptor_limit(16'384)) bench::cannot_run("needs 16384 descriptors: raise the hard limit of open files");
  bench::serve_orders("", carry_out);
}
