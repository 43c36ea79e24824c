// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "demo/client/swarm_client.h"
#include "demo/client/update.h"
#include "engine_stub/engine.h"

namespace demo {

class DemoGame;

// The panel on the right: what the game itself does, its frames, the download, the swarm. The network is the overlay's.
class Panel {
 public:
  // Returns where it ends.
  float draw(const engine::Engine& engine, const DemoGame& game, int64_t now_us, const std::string& note, int width);
  static void draw_name(const std::string& name, float x, float y);
  // At the right edge, from `top` on; `typed`: the line that is being written, null if none is.
  static void draw_chat(const std::deque<std::string>& lines, const std::string* typed, int width, float top);
  // One line at the lower edge.
  static void draw_keys(const char* keys, int width, int height);

 private:
  static void draw_swarm(const SwarmClient& swarm);
  void draw_update(const UpdateSight& update, int64_t now_us);

  uint64_t rate_bytes_ = 0;  // received when the rate was last computed
  int64_t rate_at_us_ = 0;
  std::optional<double> rate_mb_per_s_;  // nothing in the first moments
};

}  // namespace demo
