// SPDX-License-Identifier: MIT
#pragma once

#include <SDL.h>

#include <cstdint>
#include <span>
#include <vector>

#include "demo/client/swarm_view.h"

namespace demo {

// Lights that drift over a dark ground: something whose movement shows every late frame. They are the server's swarm or, as long as it
// is not there, our own.
class Scene {
 public:
  Scene();

  void advance(double seconds) { time_ += seconds; }
  // `own_id`: the light with the larger ring. `progress` 0 to 1 fills the bar at the bottom.
  void draw(SDL_Renderer* renderer, int width, int height, std::span<const DrawnLight> swarm, uint16_t own_id, float progress);

 private:
  struct OwnLight {
    double phase, speed, radius_x, radius_y, size;
    uint8_t kind;
  };

  void add_glow(float x, float y, float radius, SDL_Color color);
  void add_ring(float x, float y, float radius, SDL_Color color);

  std::vector<OwnLight> lights_;
  std::vector<SDL_Vertex> corners_;  // of all lights of a frame: one call draws them
  std::vector<int> order_;
  double time_ = 0;
};

}  // namespace demo
