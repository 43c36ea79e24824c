// SPDX-License-Identifier: MIT
#include "sources/resolver_sockets.h"

#ifdef FRAMEPUMP_WITH_NAMES

#include <ares.h>

#include <algorithm>
#include <utility>

#include "platform/library_socket.h"

namespace framepump {
namespace {

constexpr uint32_t kReadsPerTurn = 16;  // some 5 us each

}  // namespace

// What c-ares calls.
struct NameSocketCallbacks {
  // A socket is new, waits for something else, or is about to be closed.
  static void state(void* self, ares_socket_t descriptor, int readable, int writable) {
    NameSockets& sockets = *static_cast<NameSockets*>(self);
    Poller& poller = sockets.pump_.poller();
    const Socket socket = {static_cast<intptr_t>(descriptor)};
    NameSockets::NameSocket* place = nullptr;
    for (NameSockets::NameSocket& one : sockets.sockets_) {
      if (one.socket.value == socket.value) place = &one;
    }
    if (readable == 0 && writable == 0) {
      if (place == nullptr) return;
      poller.remove(socket, static_cast<Pollable*>(place));
      place->socket.value = -1;
      place->readiness = 0;
      return;
    }
    if (place != nullptr) {
      if (writable != 0) poller.arm(socket, static_cast<Pollable*>(place), kWritable);
      return;
    }
    // Without a place, or memory in the poller, its answer is never read and the query goes to the next server.
    for (NameSockets::NameSocket& one : sockets.sockets_) {
      if (one.socket.is_open()) continue;
      const uint32_t directions = kReadable | (writable != 0 ? uint32_t{kWritable} : 0u);
      if (poller.add(socket, static_cast<Pollable*>(&one), directions) == IoStatus::ok) one.socket = socket;
      return;
    }
  }

#if !defined(_WIN32)
  // c-ares reads UDP until there is no more, so a flood would keep it for ever: it is told so when the turn has had its reads.
  static ares_ssize_t receive(ares_socket_t descriptor, void* out, size_t size_bytes, int flags, sockaddr* from, ares_socklen_t* from_bytes,
                              void* self) {
    NameSockets& sockets = *static_cast<NameSockets*>(self);
    if (sockets.reads_left_ == 0) return static_cast<ares_ssize_t>(pretend_would_block());
    --sockets.reads_left_;
    const int64_t taken = receive_from(descriptor, out, size_bytes, flags, from, from_bytes);
    sockets.is_dry_ = taken < 0 && was_would_block();
    return static_cast<ares_ssize_t>(taken);
  }

  static constexpr ares_socket_functions kFunctions = {
      [](int domain, int type, int protocol, void*) { return open_library_socket(domain, type, protocol); },
      [](ares_socket_t descriptor, void*) { return close_library_socket(descriptor); },
      [](ares_socket_t descriptor, const sockaddr* address, ares_socklen_t bytes, void*) {
        return connect_library_socket(descriptor, address, bytes);
      },
      receive,
      [](ares_socket_t descriptor, const iovec* parts, int count, void*) {
        return static_cast<ares_ssize_t>(send_parts(descriptor, parts, count));
      },
  };
#endif
};

NameSockets::NameSockets(Pump& pump, Source& owner) : pump_(pump), owner_(owner) {
  for (NameSocket& socket : sockets_) socket.all = this;
}

int NameSockets::fill_options(ares_options& options) {
  options.sock_state_cb = NameSocketCallbacks::state;
  options.sock_state_cb_data = this;
  return ARES_OPT_SOCK_STATE_CB;
}

void NameSockets::use_with([[maybe_unused]] ares_channeldata* channel) {
#if !defined(_WIN32)
  ares_set_socket_functions(channel, &NameSocketCallbacks::kFunctions, this);
#endif
}

bool NameSockets::has_ready() const {
  return std::any_of(std::begin(sockets_), std::end(sockets_), [](const NameSocket& socket) { return socket.readiness != 0; });
}

void NameSockets::serve(ares_channeldata* channel) {
  reads_left_ = kReadsPerTurn;
  for (NameSocket& socket : sockets_) {
    if (socket.readiness != 0) serve_one(channel, socket);
  }
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void NameSockets::serve_one(ares_channeldata* channel, NameSocket& socket) {
  while (socket.socket.is_open() && socket.readiness != 0 && reads_left_ > 0) {
    const auto descriptor = static_cast<ares_socket_t>(socket.socket.value);
    const uint32_t readiness = std::exchange(socket.readiness, 0);
    const uint32_t reads_left = reads_left_;
    is_dry_ = false;
    ares_process_fd(channel, (readiness & kReadable) != 0 ? descriptor : ARES_SOCKET_BAD,
                    (readiness & kWritable) != 0 ? descriptor : ARES_SOCKET_BAD);
    if (!socket.socket.is_open() || (readiness & kReadable) == 0) continue;
    if (!is_dry_ && reads_left_ != reads_left) {
      socket.readiness |= kReadable;  // TCP is read in pieces
    } else {
      pump_.poller().arm(socket.socket, static_cast<Pollable*>(&socket), kReadable);
    }
  }
}

}  // namespace framepump

#endif
