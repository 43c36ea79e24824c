// SPDX-License-Identifier: MIT
#include "demo/client/settings.h"

#include <doctest/doctest.h>

using demo::Lane;
using demo::Options;
using demo::Settings;

namespace {

framepump::Network configured() {
  framepump::Config config;
  config.slice_us = 3'000;
  config.quantum_kib = 32;
  config.stall_takeover_ms = 700;
  return framepump::Network::create(framepump::Api::linked(), config).value();
}

}  // namespace

TEST_CASE("a client that began with --naive leaves that lane for what the file says, not for the defaults") {
  framepump::Network network = configured();
  Settings settings(network);
  Options options;
  options.naive = true;
  REQUIRE(settings.apply(options));
  CHECK(settings.lane() == Lane::naive);
  CHECK_FALSE(settings.has_guard());
  REQUIRE(settings.set_lane(Lane::threaded));
  CHECK(settings.lane() == Lane::threaded);
  REQUIRE(settings.set_lane(Lane::drain));
  CHECK(settings.lane() == Lane::drain);
  CHECK_EQ(network.config().slice_us, 3'000);
  CHECK_EQ(network.config().quantum_kib, 32);
  CHECK_EQ(network.config().stall_takeover_ms, 700);
  CHECK_EQ(network.config().kernel_window_kib, framepump::Config().kernel_window_kib);
}

TEST_CASE("the guard comes back as the file has it") {
  framepump::Network network = configured();
  Settings settings(network);
  REQUIRE(settings.toggle_guard());
  CHECK_FALSE(settings.has_guard());
  REQUIRE(settings.toggle_guard());
  CHECK_EQ(network.config().stall_takeover_ms, 700);
}
