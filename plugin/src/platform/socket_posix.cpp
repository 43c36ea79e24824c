// SPDX-License-Identifier: MIT
//
// Opening, connecting, accepting and closing. Moving bytes is in socket_io_posix.cpp, options are in socket_options_posix.cpp.
#if !defined(_WIN32)

#include "platform/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "platform/posix.h"

namespace framepump {
namespace {

int option_of(int descriptor, int level, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(descriptor, level, name, &value, &size) == 0 ? value : errno;
}

void set_option(int descriptor, int level, int name, int value) {
  setsockopt(descriptor, level, name, &value, sizeof(value));
}

#if !defined(FRAMEPUMP_LINUX)
void make_quiet(int descriptor) {
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
#if defined(SO_NOSIGPIPE)
  set_option(descriptor, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
}
#endif

IoResult open_socket(AddressFamily family, Socket& out) {
  if (family == AddressFamily::none) return failure_of(EAFNOSUPPORT);
  const int domain = family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
#if defined(FRAMEPUMP_LINUX)
  const int descriptor = ::socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return failure_of(errno);
#else
  const int descriptor = ::socket(domain, SOCK_STREAM, 0);
  if (descriptor < 0) return failure_of(errno);
  make_quiet(descriptor);
#endif
  out.value = descriptor;
  return {};
}

// Closing may change errno, which says why we close.
IoResult close_and_fail(Socket& socket, int error) {
  close_socket(socket);
  return failure_of(error);
}

bool has_hung_up(Socket socket) {
  pollfd descriptor = {descriptor_of(socket), POLLOUT, 0};
  return poll_descriptors(&descriptor, 1, 0) == 1 && (descriptor.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

// accept(2): Linux hands out errors of the new connection's network here, to be treated like EAGAIN: that connection is gone,
// the next may be well.
bool is_of_a_dead_connection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
#if defined(FRAMEPUMP_LINUX)
    case ENONET:
#endif
      return true;
    default: return false;
  }
}

int accept_once(int listener, SystemAddress& peer) {
  peer.size = sizeof(peer.storage);
#if defined(FRAMEPUMP_LINUX)
  return accept4(listener, peer.pointer(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  return accept(listener, peer.pointer(), &peer.size);
#endif
}

}  // namespace

SocketSystem::~SocketSystem() = default;
bool SocketSystem::start() { return true; }

IoResult open_stream(AddressFamily family, const StreamOptions& options, Socket& out) {
  Socket socket;
  const IoResult result = open_socket(family, socket);
  if (result.status != IoStatus::ok) return result;
  apply_stream_options(descriptor_of(socket), options);
  out = socket;
  return {};
}

IoResult start_connect(Socket socket, const SocketAddress& peer) {
  const SystemAddress address = to_system(peer);
  if (address.size == 0) return failure_of(EAFNOSUPPORT);
  if (connect(descriptor_of(socket), address.pointer(), address.size) == 0) return finish_connect(socket);
  // Interrupted, it goes on by itself.
  return errno == EINTR ? failure_of(EINPROGRESS) : failure_of(errno);
}

IoResult finish_connect(Socket socket) {
  const int error = option_of(descriptor_of(socket), SOL_SOCKET, SO_ERROR);
  if (error != 0) return failure_of(error);
  SocketAddress peer;
  if (peer_address(socket, peer)) return is_connected_to_itself(socket, peer) ? failure_of(ECONNREFUSED) : IoResult{};
  // SO_ERROR tells a failure once only; a socket whose failure was told before looks like one that is still connecting.
  return has_hung_up(socket) ? failure_of(ENOTCONN) : failure_of(EINPROGRESS);
}

IoResult pending_error(Socket socket) {
  const int error = option_of(descriptor_of(socket), SOL_SOCKET, SO_ERROR);
  return error > 0 ? failure_of(error) : IoResult{};
}

IoResult open_listener(const SocketAddress& address, const ListenOptions& options, Socket& out) {
  Socket socket;
  const IoResult result = open_socket(address.family, socket);
  if (result.status != IoStatus::ok) return result;
  const int descriptor = descriptor_of(socket);
  // A restarted server gets its port back although old connections linger in TIME_WAIT.
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family == AddressFamily::ipv6) {
    set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, options.dual_stack ? 0 : 1);
  }
  apply_stream_options(descriptor, options.stream);
  const SystemAddress system = to_system(address);
  if (bind(descriptor, system.pointer(), system.size) != 0) return close_and_fail(socket, errno);
  if (listen(descriptor, static_cast<int>(std::min<uint32_t>(options.backlog, INT_MAX))) != 0) {
    return close_and_fail(socket, errno);
  }
  out = socket;
  return {};
}

IoResult accept_stream(Socket listener, [[maybe_unused]] const StreamOptions& options, Socket& out, SocketAddress& peer) {
  // More dead connections in a row than this are an error that does not go away.
  constexpr uint32_t kMaxSkips = 64;
  SystemAddress address = {};
  int descriptor = -1;
  for (uint32_t skips = 0; descriptor < 0; ++skips) {
    descriptor = accept_once(descriptor_of(listener), address);
    if (descriptor < 0 && (skips == kMaxSkips || !is_of_a_dead_connection(errno))) return failure_of(errno);
  }
#if !defined(FRAMEPUMP_LINUX)
  make_quiet(descriptor);
  apply_stream_options(descriptor, options);
#endif
  out.value = descriptor;
  peer = from_system(address);
  return {};
}

void shutdown_write(Socket socket) { shutdown(descriptor_of(socket), SHUT_WR); }

void close_socket(Socket& socket) {
  // Not repeated after EINTR: on Linux the descriptor is gone by then, and its number may be somebody else's.
  if (socket.is_open()) close(descriptor_of(socket));
  socket.value = -1;
}

void abort_socket(Socket& socket) {
  const linger at_once = {1, 0};
  if (socket.is_open()) setsockopt(descriptor_of(socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close_socket(socket);
}

}  // namespace framepump

#endif
