// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "demo/protocol/swarm_protocol.h"

namespace demo {

// A few hundred lights that drift like plankton: each follows a slowly turning flow and shies away from the lights of clients, which glide
// to where they are steered. The same seed gives the same motion. Positions are 0 to 1 both ways.
class Swarm {
 public:
  static constexpr size_t kLights = 300;
  static constexpr size_t kMostClients = 64;

  explicit Swarm(uint32_t seed = 30);

  // 0: there is no place for one more. Ids of clients that left are used again late.
  uint16_t add_client();
  void remove_client(uint16_t id);
  void steer(uint16_t id, const Steer& steer);
  // 1/kSnapshotHz of a second.
  void step();
  void fill(Snapshot& snapshot) const;
  size_t clients() const { return clients_.size(); }

 private:
  struct Drifter {
    float x, y;
    uint8_t kind;
  };
  struct Client {
    uint16_t id;
    uint32_t newest_steer;
    float x, y, target_x, target_y;
  };

  void drift(Drifter& light) const;

  std::mt19937 random_;
  std::vector<Drifter> drifters_;
  std::vector<Client> clients_;
  uint16_t next_id_ = kLights + 1;
  uint32_t steps_ = 0;
};

}  // namespace demo
