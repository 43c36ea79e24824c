// SPDX-License-Identifier: MIT
//
// What the tests of this room share: sockets over loopback, waiting with a limit, a child process.
#pragma once

#include <doctest/doctest.h>
#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "platform/clock.h"
#include "platform/socket.h"

namespace framepump::test {

constexpr int64_t kLimitUs = 10'000'000;  // nothing here takes a second; a loaded machine may need a few

// Looks every millisecond until it is so. False: the limit passed.
template <typename Condition>
bool becomes_true(Condition condition, int64_t limit_us = kLimitUs) {
  const int64_t deadline_us = monotonic_us() + limit_us;
  while (!condition()) {
    if (monotonic_us() > deadline_us) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Closes what it holds.
class OwnedSocket {
 public:
  OwnedSocket() = default;
  ~OwnedSocket() { close_socket(socket); }
  OwnedSocket(OwnedSocket&& other) noexcept : socket(std::exchange(other.socket, {})) {}
  OwnedSocket& operator=(OwnedSocket&& other) noexcept {
    std::swap(socket, other.socket);
    return *this;
  }

  int descriptor() const { return static_cast<int>(socket.value); }

  Socket socket;
};

inline SocketAddress loopback(AddressFamily family, uint16_t port = 0) {
  SocketAddress address;
  REQUIRE(parse_address(family == AddressFamily::ipv4 ? "127.0.0.1" : "::1", port, address));
  return address;
}

struct TestListener {
  OwnedSocket owned;
  SocketAddress address;

  explicit TestListener(AddressFamily family = AddressFamily::ipv4, const ListenOptions& options = {}) {
    REQUIRE(open_listener(loopback(family), options, owned.socket).status == IoStatus::ok);
    REQUIRE(local_address(owned.socket, address));
  }
  OwnedSocket accept() const {
    OwnedSocket accepted;
    SocketAddress peer;
    REQUIRE(becomes_true([&] { return accept_stream(owned.socket, {}, accepted.socket, peer).status == IoStatus::ok; }));
    return accepted;
  }
};

// A connect that was begun.
inline OwnedSocket begin_connect(const SocketAddress& address, const StreamOptions& options = {}) {
  OwnedSocket client;
  REQUIRE(open_stream(address.family, options, client.socket).status == IoStatus::ok);
  const IoStatus status = start_connect(client.socket, address).status;
  REQUIRE((status == IoStatus::ok || status == IoStatus::would_block));
  return client;
}

// The final answer of a connect.
inline IoResult outcome_of(const OwnedSocket& client) {
  IoResult result;
  REQUIRE(becomes_true([&] {
    result = finish_connect(client.socket);
    return result.status != IoStatus::would_block;
  }));
  return result;
}

struct SocketPair {
  OwnedSocket client;
  OwnedSocket server;

  explicit SocketPair(AddressFamily family = AddressFamily::ipv4, const StreamOptions& client_options = {},
                      const ListenOptions& listen_options = {}) {
    const TestListener listener(family, listen_options);
    client = begin_connect(listener.address, client_options);
    server = listener.accept();
    REQUIRE(outcome_of(client).status == IoStatus::ok);
  }
};

inline IoResult send_text(const OwnedSocket& to, std::string_view text) {
  const SendBuffer buffer = {text.data(), text.size()};
  return send(to.socket, {&buffer, 1});
}

inline IoResult receive_once(const OwnedSocket& from, std::string& out, size_t room = 65536) {
  std::vector<char> bytes(room);
  const ReceiveBuffer buffer = {bytes.data(), bytes.size()};
  const IoResult result = receive(from.socket, {&buffer, 1});
  out.append(bytes.data(), result.size_bytes);
  return result;
}

// Receives until something else than "nothing yet" or data is said, and says that.
inline IoResult receive_to_the_end(const OwnedSocket& from, std::string& out) {
  IoResult result;
  REQUIRE(becomes_true([&] {
    do {
      result = receive_once(from, out);
    } while (result.status == IoStatus::ok);
    return result.status != IoStatus::would_block;
  }));
  return result;
}

inline bool receive_exactly(const OwnedSocket& from, std::string& out, size_t size_bytes) {
  return becomes_true([&] {
    while (out.size() < size_bytes && receive_once(from, out, size_bytes - out.size()).status == IoStatus::ok) {
    }
    return out.size() == size_bytes;
  });
}

#if !defined(_WIN32)
// Runs it in a process of its own, for what cannot be taken back in this one. Returns what it returns (0 to 127), or 128 after
// a crash.
template <typename Body>
int in_child(Body body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(body());
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
#endif

}  // namespace framepump::test
