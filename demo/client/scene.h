// SPDX-License-Identifier: MIT
#pragma once

#include <SDL.h>

#include <vector>

namespace demo {

// Lights that drift over a dark ground: something whose movement shows every late frame.
class Scene {
 public:
  Scene();

  void advance(double seconds) { time_ += seconds; }
  // `progress` 0 to 1 fills the bar at the bottom.
  void draw(SDL_Renderer* renderer, int width, int height, float progress) const;

 private:
  struct Light {
    double phase, speed, radius_x, radius_y, size;
    SDL_Color color;
  };

  std::vector<Light> lights_;
  double time_ = 0;
};

}  // namespace demo
