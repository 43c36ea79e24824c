// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/library_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "platform/features.h"

namespace framepump {

int open_library_socket(int domain, int type, int protocol) {
#if defined(FRAMEPUMP_LINUX)
  return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
#else
  const int descriptor = socket(domain, type, protocol);
  if (descriptor < 0) return -1;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
#if defined(SO_NOSIGPIPE)
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
  return descriptor;
#endif
}

int close_library_socket(int descriptor) { return close(descriptor); }

int connect_library_socket(int descriptor, const sockaddr* address, uint32_t address_bytes) {
  const int result = connect(descriptor, address, address_bytes);
  if (result != 0 && errno == EINTR) errno = EINPROGRESS;  // it goes on by itself
  return result;
}

int64_t receive_from(int descriptor, void* out, size_t size_bytes, int flags, sockaddr* from, uint32_t* from_bytes) {
  socklen_t bytes = from_bytes != nullptr ? static_cast<socklen_t>(*from_bytes) : 0;
  ssize_t taken = -1;
  do {
    taken = recvfrom(descriptor, out, size_bytes, flags, from, from_bytes != nullptr ? &bytes : nullptr);
  } while (taken < 0 && errno == EINTR);
  if (from_bytes != nullptr) *from_bytes = bytes;
  return taken;
}

int64_t send_parts(int descriptor, const iovec* parts, int count) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(parts);  // it is only read
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
#if defined(MSG_NOSIGNAL)
  constexpr int kFlags = MSG_NOSIGNAL;
#else
  constexpr int kFlags = 0;
#endif
  ssize_t sent = -1;
  do {
    sent = sendmsg(descriptor, &message, kFlags);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

int64_t pretend_would_block() {
  errno = EWOULDBLOCK;
  return -1;
}

bool was_would_block() { return errno == EWOULDBLOCK || errno == EAGAIN; }

}  // namespace framepump

#endif
