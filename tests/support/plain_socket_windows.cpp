// SPDX-License-Identifier: MIT
#if defined(_WIN32)

#include "support/plain_socket.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <doctest/doctest.h>

#include <cerrno>

namespace framepump::test {
namespace {

// Handles are small numbers, so that the tests' descriptors hold them.
SOCKET handle_of(int descriptor) { return static_cast<SOCKET>(static_cast<intptr_t>(descriptor)); }
int descriptor_of(SOCKET socket) { return static_cast<int>(socket); }

// For the whole program: tests open sockets before the first network is there, and after the last.
[[maybe_unused]] const int started = [] {
  WSADATA unused = {};
  return WSAStartup(MAKEWORD(2, 2), &unused);
}();

sockaddr_in loopback(uint32_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<u_short>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* pointer(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

template <typename Value>
int set_option(int descriptor, int name, const Value& value) {
  return setsockopt(handle_of(descriptor), SOL_SOCKET, name, reinterpret_cast<const char*>(&value), sizeof(value));
}

int open_socket() {
  const SOCKET socket = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE_NE(socket, INVALID_SOCKET);
  const DWORD limit_ms = 10'000;
  set_option(descriptor_of(socket), SO_RCVTIMEO, limit_ms);
  set_option(descriptor_of(socket), SO_SNDTIMEO, limit_ms);
  return descriptor_of(socket);
}

void set_blocking(int descriptor, u_long non_blocking) { ioctlsocket(handle_of(descriptor), static_cast<long>(FIONBIO), &non_blocking); }

}  // namespace

PlainSocket PlainSocket::listen(int backlog) {
  PlainSocket made(open_socket());
  const sockaddr_in address = loopback(0);
  REQUIRE_EQ(bind(handle_of(made.descriptor_), pointer(address), sizeof(address)), 0);
  REQUIRE_EQ(::listen(handle_of(made.descriptor_), backlog), 0);
  return made;
}

PlainSocket PlainSocket::connect(uint32_t port) {
  PlainSocket made = unconnected();
  made.connect_to(port);
  return made;
}

PlainSocket PlainSocket::unconnected() { return PlainSocket(open_socket()); }

void PlainSocket::connect_to(uint32_t port) {
  const sockaddr_in address = loopback(port);
  REQUIRE_EQ(::connect(handle_of(descriptor_), pointer(address), sizeof(address)), 0);
}

PlainSocket PlainSocket::accept() {
  PlainSocket made(descriptor_of(::accept(handle_of(descriptor_), nullptr, nullptr)));
  REQUIRE(made.is_open());
  return made;
}

uint32_t PlainSocket::port() const {
  sockaddr_in address = {};
  int size = sizeof(address);
  REQUIRE_EQ(getsockname(handle_of(descriptor_), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

void PlainSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const int sent = ::send(handle_of(descriptor_), bytes.data(), static_cast<int>(bytes.size()), 0);
    REQUIRE_GT(sent, 0);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

int64_t PlainSocket::send_now(std::string_view bytes) const {
  set_blocking(descriptor_, 1);
  const int sent = ::send(handle_of(descriptor_), bytes.data(), static_cast<int>(bytes.size()), 0);
  set_blocking(descriptor_, 0);
  return sent;
}

std::string PlainSocket::receive_to_end(int& error) {
  std::string bytes;
  char buffer[65536];
  int taken = 0;
  while ((taken = recv(handle_of(descriptor_), buffer, sizeof(buffer), 0)) > 0) bytes.append(buffer, static_cast<size_t>(taken));
  const int code = WSAGetLastError();
  error = taken == 0 ? 0 : code == WSAECONNRESET ? ECONNRESET : code;
  return bytes;
}

std::string PlainSocket::receive(size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  const int taken = recv(handle_of(descriptor_), bytes.data(), static_cast<int>(size_bytes), MSG_WAITALL);
  bytes.resize(taken < 0 ? 0 : static_cast<size_t>(taken));
  return bytes;
}

void PlainSocket::shutdown_write() { shutdown(handle_of(descriptor_), SD_SEND); }

void PlainSocket::close() {
  if (is_open()) closesocket(handle_of(descriptor_));
  descriptor_ = -1;
}

void PlainSocket::reset() {
  const linger at_once = {1, 0};
  set_option(descriptor_, SO_LINGER, at_once);
  close();
}

void PlainSocket::vanish() { FAIL("a user of Windows cannot cut a connection's cable"); }

void PlainSocket::keep_small_receive_buffer() { REQUIRE_EQ(set_option(descriptor_, SO_RCVBUF, int{4096}), 0); }

void PlainSocket::keep_small_send_buffer() { REQUIRE_EQ(set_option(descriptor_, SO_SNDBUF, int{64 * 1024}), 0); }

}  // namespace framepump::test

#endif
