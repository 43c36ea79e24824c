// SPDX-License-Identifier: MIT
//
// Opening, connecting, accepting and closing. Moving bytes is in socket_io_windows.cpp, options are in socket_options_windows.cpp.
#if defined(_WIN32)

#include "platform/socket.h"

#include <algorithm>
#include <climits>

#include "platform/windows_sockets.h"

namespace framepump {
namespace {

int option_of(SOCKET socket, int level, int name) {
  int value = 0;
  int size = sizeof(value);
  return getsockopt(socket, level, name, reinterpret_cast<char*>(&value), &size) == 0 ? value : WSAGetLastError();
}

void set_option(SOCKET socket, int level, int name, int value) {
  setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof(value));
}

void make_non_blocking(SOCKET socket) {
  u_long on = 1;
  ioctlsocket(socket, static_cast<long>(FIONBIO), &on);
}

IoResult open_socket(AddressFamily family, Socket& out) {
  if (family == AddressFamily::none) return failure_of(WSAEAFNOSUPPORT);
  const int domain = family == AddressFamily::ipv4 ? AF_INET : AF_INET6;
  const SOCKET socket = WSASocketW(domain, SOCK_STREAM, IPPROTO_TCP, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (socket == INVALID_SOCKET) return failure_of(WSAGetLastError());
  make_non_blocking(socket);
  out.value = static_cast<intptr_t>(socket);
  return {};
}

// Closing may change the code that says why we close.
IoResult close_and_fail(Socket& socket, int error) {
  close_socket(socket);
  return failure_of(error);
}

}  // namespace

SocketSystem::~SocketSystem() {
  if (is_started_) WSACleanup();
}

// Winsock counts: the last of as many clean-ups ends it for the process, so that of the game goes on.
bool SocketSystem::start() {
  WSADATA unused = {};
  is_started_ = is_started_ || WSAStartup(MAKEWORD(2, 2), &unused) == 0;
  return is_started_;
}

IoResult open_stream(AddressFamily family, const StreamOptions& options, Socket& out) {
  Socket socket;
  const IoResult result = open_socket(family, socket);
  if (result.status != IoStatus::ok) return result;
  apply_stream_options(system_socket(socket), options);
  out = socket;
  return {};
}

IoResult start_connect(Socket socket, const SocketAddress& peer) {
  const SystemAddress address = to_system(peer);
  if (address.size == 0) return failure_of(WSAEAFNOSUPPORT);
  if (connect(system_socket(socket), address.pointer(), address.size) == 0) return finish_connect(socket);
  return failure_of(WSAGetLastError());
}

IoResult finish_connect(Socket socket) {
  const int error = option_of(system_socket(socket), SOL_SOCKET, SO_ERROR);
  if (error != 0) return failure_of(error);
  const ConnectState state = connect_state(socket);
  SocketAddress peer;
  if (state == ConnectState::connected && peer_address(socket, peer)) {
    return is_connected_to_itself(socket, peer) ? failure_of(WSAECONNREFUSED) : IoResult{};
  }
  if (state == ConnectState::under_way) return failure_of(WSAEWOULDBLOCK);
  // It may have failed between the two questions. A failure that was told before looks like none.
  const int late_error = option_of(system_socket(socket), SOL_SOCKET, SO_ERROR);
  return failure_of(late_error != 0 ? late_error : WSAENOTCONN);
}

IoResult pending_error(Socket socket) {
  const int error = option_of(system_socket(socket), SOL_SOCKET, SO_ERROR);
  if (error > 0) return failure_of(error);
  // Of a connection that was made and then reset, SO_ERROR may know nothing.
  char byte = 0;
  if (recv(system_socket(socket), &byte, 1, MSG_PEEK) >= 0) return {};
  const int peeked = WSAGetLastError();
  return peeked == WSAEWOULDBLOCK ? IoResult{} : failure_of(peeked);
}

IoResult open_listener(const SocketAddress& address, const ListenOptions& options, Socket& out) {
  Socket socket;
  const IoResult result = open_socket(address.family, socket);
  if (result.status != IoStatus::ok) return result;
  const SOCKET handle = system_socket(socket);
  // SO_REUSEADDR would let any other program take the port over.
  set_option(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
  if (address.family == AddressFamily::ipv6) set_option(handle, IPPROTO_IPV6, IPV6_V6ONLY, options.dual_stack ? 0 : 1);
  apply_stream_options(handle, options.stream);
  const SystemAddress system = to_system(address);
  if (bind(handle, system.pointer(), system.size) != 0) return close_and_fail(socket, WSAGetLastError());
  if (listen(handle, static_cast<int>(std::min<uint32_t>(options.backlog, INT_MAX))) != 0) {
    return close_and_fail(socket, WSAGetLastError());
  }
  out = socket;
  return {};
}

IoResult accept_stream(Socket listener, const StreamOptions& options, Socket& out, SocketAddress& peer) {
  // More dead connections in a row than this are an error that does not go away.
  constexpr uint32_t kMaxSkips = 64;
  SystemAddress address = {};
  SOCKET socket = INVALID_SOCKET;
  for (uint32_t skips = 0; socket == INVALID_SOCKET; ++skips) {
    address.size = sizeof(address.storage);
    socket = accept(system_socket(listener), address.pointer(), &address.size);
    if (socket != INVALID_SOCKET) break;
    const int error = WSAGetLastError();
    if (skips == kMaxSkips || (error != WSAECONNRESET && error != WSAECONNABORTED)) return failure_of(error);
  }
  SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
  make_non_blocking(socket);
  apply_stream_options(socket, options);
  out.value = static_cast<intptr_t>(socket);
  peer = from_system(address);
  return {};
}

void shutdown_write(Socket socket) { shutdown(system_socket(socket), SD_SEND); }

void close_socket(Socket& socket) {
  if (socket.is_open()) closesocket(system_socket(socket));
  socket.value = -1;
}

void abort_socket(Socket& socket) {
  const linger at_once = {1, 0};
  if (socket.is_open()) {
    setsockopt(system_socket(socket), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once), sizeof(at_once));
  }
  close_socket(socket);
}

}  // namespace framepump

#endif
