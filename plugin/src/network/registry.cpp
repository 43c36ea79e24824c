// SPDX-License-Identifier: MIT
#include "network/registry.h"

#include <atomic>
#include <cstdio>

namespace framepump {
namespace {

struct Entry {
  std::atomic<Network*> network{nullptr};
  std::atomic<uint32_t> generation{0};
};

struct Registry {
  Entry entries[kMaxNetworks + 1];  // 0 stays empty: it is the null handle's
  std::atomic<uint32_t> next{0};    // where the search for a free one begins: a just freed one comes last

  // A network that outlives the library would run code that is gone.
  ~Registry() {
    for (const Entry& entry : entries) {
      if (entry.network.load() != nullptr) std::fputs("framepump: error: a network is still alive while the library unloads\n", stderr);
    }
  }
};

Registry registry;

// While a network is being set up its entry is taken by this.
Network* const kTaken = reinterpret_cast<Network*>(uintptr_t{1});

}  // namespace

framepump_handle register_network(Network* network) {
  const uint32_t first = registry.next.fetch_add(1);
  for (uint32_t i = 0; i < kMaxNetworks; ++i) {
    const uint32_t index = 1 + (first + i) % kMaxNetworks;
    Entry& entry = registry.entries[index];
    Network* none = nullptr;
    if (!entry.network.compare_exchange_strong(none, kTaken)) continue;
    const uint32_t generation = entry.generation.fetch_add(1) + 1;
    entry.network.store(network);
    return pack({.kind = HandleKind::network, .network = index, .index = 0, .generation = generation});
  }
  return 0;
}

void unregister_network(framepump_handle network) { registry.entries[unpack(network).network].network.store(nullptr); }

Network* find_network(framepump_handle handle) {
  const Handle parts = unpack(handle);
  if (parts.kind == HandleKind::null) return nullptr;
  const Entry& entry = registry.entries[parts.network];
  Network* network = entry.network.load(std::memory_order_acquire);
  if (network == nullptr || network == kTaken) return nullptr;
  const bool is_stale =
      parts.kind == HandleKind::network && (parts.index != 0 || parts.generation != (entry.generation.load() & kGenerationMask));
  return is_stale ? nullptr : network;
}

}  // namespace framepump
