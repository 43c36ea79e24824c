// SPDX-License-Identifier: MIT
#include "bench/support/tcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace framepump::bench {
namespace {

sockaddr_in address_of(const std::string& host, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) die("'" + host + "' is not a numeric IPv4 address");
  return address;
}

int new_socket() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) die_errno("socket");
  return descriptor;
}

}  // namespace

void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

void cannot_run(const std::string& why) {
  constexpr int kCannotRun = 77;
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(kCannotRun);
}

void die_errno(const std::string& what) { die(what + ": " + std::strerror(errno)); }

bool raise_descriptor_limit(uint64_t wanted) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return true;
  const rlimit raised = {wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return true;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max >= wanted;
}

int tcp_listen(const std::string& host, uint16_t port, int backlog) {
  const int descriptor = new_socket();
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = address_of(host, port);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) die_errno("bind " + host);
  if (listen(descriptor, backlog) != 0) die_errno("listen");
  return descriptor;
}

uint16_t local_port(int descriptor) {
  sockaddr_in address = {};
  socklen_t size_bytes = sizeof(address);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size_bytes) != 0) die_errno("getsockname");
  return ntohs(address.sin_port);
}

int tcp_connect(const std::string& host, uint16_t port, int receive_buffer_bytes) {
  const int descriptor = new_socket();
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (receive_buffer_bytes > 0) setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  const sockaddr_in address = address_of(host, port);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) die_errno("connect " + host);
  return descriptor;
}

void set_nonblocking(int descriptor) {
  if (fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0) die_errno("fcntl");
}

}  // namespace framepump::bench
