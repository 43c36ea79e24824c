// SPDX-License-Identifier: MIT
//
// What the programs written against libenet alone share.
#pragma once

#include <enet/enet.h>

#include <cstddef>
#include <cstdint>

#include "bench/support/enet_orders.h"

namespace framepump::bench {

constexpr size_t kChannels = 4;

inline ENetAddress loopback(uint16_t port) {
  ENetAddress address = {};
  enet_address_set_host_ip(&address, "127.0.0.1");
  address.port = port;
  return address;
}

}  // namespace framepump::bench
