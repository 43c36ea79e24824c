// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "support/plain_socket.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace framepump::test {
namespace {

sockaddr_in loopback(uint32_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* pointer(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

int open_socket() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE_GE(descriptor, 0);
  const timeval limit = {10, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return descriptor;
}

}  // namespace

PlainSocket PlainSocket::listen(int backlog) {
  PlainSocket made(open_socket());
  const sockaddr_in address = loopback(0);
  REQUIRE_EQ(bind(made.descriptor_, pointer(address), sizeof(address)), 0);
  REQUIRE_EQ(::listen(made.descriptor_, backlog), 0);
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
  REQUIRE_EQ(::connect(descriptor_, pointer(address), sizeof(address)), 0);
}

bool PlainSocket::try_connect_to(uint32_t port) {
  const sockaddr_in address = loopback(port);
  return ::connect(descriptor_, pointer(address), sizeof(address)) == 0;
}

PlainSocket PlainSocket::accept() {
  PlainSocket made(accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(made.is_open());
  return made;
}

uint32_t PlainSocket::port() const {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  REQUIRE_EQ(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

void PlainSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    REQUIRE_GT(sent, 0);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

int64_t PlainSocket::send_now(std::string_view bytes) const {
  return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::string PlainSocket::receive_to_end(int& error) {
  std::string bytes;
  char buffer[65536];
  ssize_t taken = 0;
  while ((taken = recv(descriptor_, buffer, sizeof(buffer), 0)) > 0) bytes.append(buffer, static_cast<size_t>(taken));
  error = taken < 0 ? errno : 0;
  return bytes;
}

std::string PlainSocket::receive(size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  const ssize_t taken = recv(descriptor_, bytes.data(), size_bytes, MSG_WAITALL);
  bytes.resize(taken < 0 ? 0 : static_cast<size_t>(taken));
  return bytes;
}

void PlainSocket::shutdown_write() { shutdown(descriptor_, SHUT_WR); }

void PlainSocket::close() {
  if (is_open()) ::close(descriptor_);
  descriptor_ = -1;
}

void PlainSocket::reset() {
  const linger at_once = {1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

void PlainSocket::vanish() {
  sock_filter nothing_passes = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program = {1, &nothing_passes};
  REQUIRE_EQ(setsockopt(descriptor_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
}

void PlainSocket::keep_small_receive_buffer() {
  const int bytes = 4096;
  REQUIRE_EQ(setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
}

void PlainSocket::keep_small_send_buffer() {
  const int bytes = 64 * 1024;
  REQUIRE_EQ(setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

}  // namespace framepump::test

#endif
