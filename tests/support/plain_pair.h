// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include "support/plain_socket.h"
#include "support/test_network.h"

namespace framepump::test {

// Runs a body in frame-locked and in threaded mode.
template <typename Body>
void in_both_modes(Body body) {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    framepump_config config = default_config();
    config.threaded = threaded;
    body(config);
  }
}

// A stream of `net` connected to a plain socket.
struct PlainPair {
  explicit PlainPair(TestNetwork& net, uint32_t flags = 0) {
    stream = net.connect(listener.port(), "127.0.0.1", flags);
    REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }));
    peer = listener.accept();
  }
  PlainSocket listener = PlainSocket::listen();
  PlainSocket peer;
  framepump_handle stream = 0;
};

// The reason with which a stream closes; REASON_NONE: it did not, within the limit.
inline uint32_t reason_of_close(TestNetwork& net, framepump_handle stream, int limit_ms = 10'000) {
  run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CLOSED, stream) != nullptr; }, limit_ms);
  const SeenEvent* closed = net.find(FRAMEPUMP_EVENT_CLOSED, stream);
  return closed == nullptr ? FRAMEPUMP_REASON_NONE : closed->reason;
}

}  // namespace framepump::test
