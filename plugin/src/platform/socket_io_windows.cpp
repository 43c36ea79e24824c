// SPDX-License-Identifier: MIT
//
// Moving bytes.
#if defined(_WIN32)

#include <algorithm>

#include "platform/socket.h"
#include "platform/windows_sockets.h"

namespace framepump {
namespace {

constexpr uint64_t kMaxPartBytes = 1u << 30;  // a part's length is 32 bits wide, as the sum of them is

WSABUF part_of(void* data, uint64_t size_bytes) {
  return {static_cast<ULONG>(std::min(size_bytes, kMaxPartBytes)), static_cast<char*>(data)};
}

}  // namespace

IoResult receive(Socket socket, std::span<const ReceiveBuffer> buffers) {
  WSABUF parts[kMaxReceiveBuffers];
  const size_t count = std::min<size_t>(buffers.size(), kMaxReceiveBuffers);
  if (count == 0) return {};  // which WSARecv takes for a mistake
  for (size_t i = 0; i < count; ++i) parts[i] = part_of(buffers[i].data, buffers[i].size_bytes);
  DWORD taken = 0;
  DWORD flags = 0;
  if (WSARecv(system_socket(socket), parts, static_cast<DWORD>(count), &taken, &flags, nullptr, nullptr) != 0) {
    return failure_of(WSAGetLastError());
  }
  return taken == 0 ? nothing_received(buffers.first(count)) : IoResult{IoStatus::ok, 0, taken};
}

// There are no stamps for TCP here.
IoResult receive_stamped(Socket socket, std::span<const ReceiveBuffer> buffers, int64_t& arrival_ns) {
  arrival_ns = 0;
  return receive(socket, buffers);
}

IoResult send(Socket socket, std::span<const SendBuffer> buffers) {
  WSABUF parts[kMaxSendBuffers];
  const size_t count = std::min<size_t>(buffers.size(), kMaxSendBuffers);
  if (count == 0) return {};
  for (size_t i = 0; i < count; ++i) parts[i] = part_of(const_cast<void*>(buffers[i].data), buffers[i].size_bytes);
  DWORD taken = 0;
  if (WSASend(system_socket(socket), parts, static_cast<DWORD>(count), &taken, 0, nullptr, nullptr) != 0) {
    return failure_of(WSAGetLastError());
  }
  return {IoStatus::ok, 0, taken};
}

}  // namespace framepump

#endif
