// SPDX-License-Identifier: MIT
//
// WSAPoll() waits for sockets only, so this is a TCP connection over loopback, as there are no pipes among sockets. Not UDP, which may
// lose what is sent.
#if defined(_WIN32)

#include "platform/wake_signal.h"

#include "platform/windows_sockets.h"

namespace framepump {
namespace {

constexpr int64_t kConnectLimitUs = 2'000'000;  // over loopback it is there at once

bool wait_for(Socket socket, short events) {
  WSAPOLLFD entry = {system_socket(socket), events, 0};
  return poll_sockets(&entry, 1, kConnectLimitUs) > 0;
}

// Any program of this machine could connect first, so whose connection it is, is looked at.
bool accept_from(Socket listener, Socket client, Socket& out) {
  SocketAddress own;
  SocketAddress peer;
  if (!local_address(client, own) || !wait_for(listener, POLLRDNORM)) return false;
  while (accept_stream(listener, {}, out, peer).status == IoStatus::ok) {
    if (is_same_endpoint(peer, own)) return true;
    close_socket(out);
    if (!wait_for(listener, POLLRDNORM)) return false;
  }
  return false;
}

bool connect_pair(Socket listener, Socket client, Socket& server) {
  SocketAddress address;
  if (!local_address(listener, address)) return false;
  const IoStatus status = start_connect(client, address).status;
  if (status != IoStatus::ok && status != IoStatus::would_block) return false;
  return wait_for(client, POLLOUT) && finish_connect(client).status == IoStatus::ok && accept_from(listener, client, server);
}

}  // namespace

WakeSignal::~WakeSignal() {
  Socket read_end{read_fd_};
  Socket write_end{write_fd_};
  close_socket(read_end);
  close_socket(write_end);
}

bool WakeSignal::open() {
  if (read_fd_ != -1) return true;
  SocketAddress loopback;
  Socket listener;
  Socket client;
  Socket server;
  bool is_open = parse_address("127.0.0.1", 0, loopback) && open_listener(loopback, {}, listener).status == IoStatus::ok &&
                 open_stream(AddressFamily::ipv4, {}, client).status == IoStatus::ok && connect_pair(listener, client, server);
  close_socket(listener);
  if (!is_open) {
    close_socket(client);
    close_socket(server);
    return false;
  }
  read_fd_ = server.value;
  write_fd_ = client.value;
  return true;
}

// A full connection refuses the byte, and is as raised as can be.
void WakeSignal::raise() {
  const SendBuffer byte = {"!", 1};
  send({write_fd_}, {&byte, 1});
}

void WakeSignal::clear() {
  char bytes[256];
  const ReceiveBuffer room = {bytes, sizeof(bytes)};
  while (receive({read_fd_}, {&room, 1}).status == IoStatus::ok) {
  }
}

bool WakeSignal::sleep(int64_t timeout_us, std::span<const intptr_t> others) {
  WSAPOLLFD sockets[1 + kMostOthers] = {{static_cast<SOCKET>(read_fd_), POLLRDNORM, 0}};
  uint32_t count = 1;
  for (const intptr_t other : others) sockets[count++] = {static_cast<SOCKET>(other), POLLRDNORM, 0};
  poll_sockets(sockets, count, timeout_us);
  if (sockets[0].revents == 0) return false;
  clear();
  return true;
}

}  // namespace framepump

#endif
