// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "network/handle.h"

namespace framepump {

class Network;

// Which networks live, so that a handle alone finds its network and a stale one finds nothing. The plugin's only state that is not part of a
// network. Any thread.

// The handle of a new network; null when kMaxNetworks live.
framepump_handle register_network(Network* network);
void unregister_network(framepump_handle network);
// Null: gone, or never there. A handle's own network is found whatever the handle's kind.
Network* find_network(framepump_handle handle);

}  // namespace framepump
