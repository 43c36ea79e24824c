// SPDX-License-Identifier: MIT
//
// Moving bytes.
#if !defined(_WIN32)

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "platform/posix.h"
#include "platform/socket.h"

namespace framepump {
namespace {

#if defined(MSG_NOSIGNAL)
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
#else
constexpr int kSendFlags = MSG_DONTWAIT;  // SO_NOSIGPIPE was set when it was opened
#endif

IoResult moved(ssize_t size_bytes) { return {IoStatus::ok, 0, static_cast<uint64_t>(size_bytes)}; }

#if defined(SCM_TIMESTAMPNS)
int64_t arrival_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp = {};
    std::memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
    return int64_t{stamp.tv_sec} * 1'000'000'000 + stamp.tv_nsec;
  }
  return 0;
}
#endif

// `message` may bring room for control data.
IoResult receive_message(Socket socket, std::span<const ReceiveBuffer> buffers, msghdr& message) {
  iovec parts[kMaxReceiveBuffers];
  const size_t count = std::min<size_t>(buffers.size(), kMaxReceiveBuffers);
  for (size_t i = 0; i < count; ++i) parts[i] = {buffers[i].data, buffers[i].size_bytes};
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  ssize_t taken = 0;
  do {
    taken = recvmsg(descriptor_of(socket), &message, MSG_DONTWAIT);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0) return failure_of(errno);
  return taken == 0 ? nothing_received(buffers.first(count)) : moved(taken);
}

}  // namespace

// One buffer needs no list of buffers for the kernel to read.
IoResult receive(Socket socket, std::span<const ReceiveBuffer> buffers) {
  if (buffers.size() != 1) {
    msghdr message = {};
    return receive_message(socket, buffers, message);
  }
  ssize_t taken = 0;
  do {
    taken = recv(descriptor_of(socket), buffers[0].data, buffers[0].size_bytes, MSG_DONTWAIT);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0) return failure_of(errno);
  return taken == 0 ? nothing_received(buffers) : moved(taken);
}

IoResult receive_stamped(Socket socket, std::span<const ReceiveBuffer> buffers, int64_t& arrival_ns) {
  arrival_ns = 0;
  msghdr message = {};
#if defined(SCM_TIMESTAMPNS)
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
#endif
  const IoResult result = receive_message(socket, buffers, message);
#if defined(SCM_TIMESTAMPNS)
  if (result.size_bytes > 0) arrival_ns = arrival_of(message);
#endif
  return result;
}

IoResult send(Socket socket, std::span<const SendBuffer> buffers) {
  iovec parts[kMaxSendBuffers];
  const size_t count = std::min<size_t>(buffers.size(), kMaxSendBuffers);
  for (size_t i = 0; i < count; ++i) parts[i] = {const_cast<void*>(buffers[i].data), buffers[i].size_bytes};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  ssize_t taken = 0;
  do {
    taken = sendmsg(descriptor_of(socket), &message, kSendFlags);
  } while (taken < 0 && errno == EINTR);
  return taken < 0 ? failure_of(errno) : moved(taken);
}

}  // namespace framepump

#endif
