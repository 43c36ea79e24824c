// SPDX-License-Identifier: MIT
//
// What ends in the middle of its work; AddressSanitizer looks on.
#include <doctest/doctest.h>

#include "support/test_network.h"

using namespace framepump::test;

TEST_CASE("a network that ends in the middle of everything leaves nothing behind") {
  for (uint32_t threaded : {0u, 1u}) {
    framepump_config config = default_config();
    config.threaded = threaded;
    TestNetwork net(config);
    const framepump_handle host = net.open_host();
    net.peer_connect(net.open_host(), net.host_port(host));
    const framepump_handle listener = net.listen();
    framepump_source source = {};
    source.struct_size = sizeof(source);
    source.take_turn = [](void*, framepump_turn* turn) -> uint32_t {
      turn->wake_at_us = now_us() + 1'000'000;
      return FRAMEPUMP_OUTCOME_DRAINED;
    };
    framepump_handle handle = 0;
    REQUIRE_EQ(api().add_source(net.handle(), &source, &handle), FRAMEPUMP_OK);
    for (int i = 0; i < 20; ++i) net.connect(net.port_of(listener));
    for (int i = 0; i < 10; ++i) net.frame();
    // Timers of streams and hosts are in one queue, and some sources wait for their turn.
    for (int i = 0; i < 20; ++i) net.connect(net.port_of(listener));
  }
}
