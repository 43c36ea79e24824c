// SPDX-License-Identifier: MIT
#include "demo/client/scene.h"

#include <array>
#include <cmath>
#include <random>

namespace demo {
namespace {

// Blue, orange, and a pale yellow between them: told apart by colour-blind eyes too (after Okabe and Ito 2008).
constexpr std::array<SDL_Color, 3> kColors = {SDL_Color{86, 180, 233, 255}, SDL_Color{230, 159, 0, 255},
                                              SDL_Color{240, 228, 140, 255}};
constexpr int kLights = 90;
constexpr int kRays = 12;

// A disc that fades out towards its rim.
void draw_glow(SDL_Renderer* renderer, float x, float y, float size, SDL_Color color) {
  std::array<SDL_Vertex, kRays + 1> corners;
  std::array<int, kRays * 3> order;
  color.a = 150;
  corners[0] = {{x, y}, color, {0, 0}};
  color.a = 0;
  for (size_t i = 0; i < kRays; ++i) {
    const float angle = static_cast<float>(i) * 6.2831853f / kRays;
    corners[i + 1] = {{x + size * std::cos(angle), y + size * std::sin(angle)}, color, {0, 0}};
    order[i * 3] = 0;
    order[i * 3 + 1] = static_cast<int>(i + 1);
    order[i * 3 + 2] = static_cast<int>((i + 1) % kRays + 1);
  }
  SDL_RenderGeometry(renderer, nullptr, corners.data(), static_cast<int>(corners.size()), order.data(),
                     static_cast<int>(order.size()));
}

}  // namespace

Scene::Scene() {
  std::mt19937 random(20);  // the same sky every time
  std::uniform_real_distribution<double> unit(0, 1);
  for (int i = 0; i < kLights; ++i) {
    lights_.push_back({unit(random) * 6.283, 0.1 + unit(random) * 0.4, 0.15 + unit(random) * 0.35, 0.1 + unit(random) * 0.35,
                       0.006 + unit(random) * 0.012, kColors[static_cast<size_t>(i) % kColors.size()]});
  }
}

void Scene::draw(SDL_Renderer* renderer, int width, int height, float progress) const {
  SDL_SetRenderDrawBlendMode(renderer, SDL_BLENDMODE_BLEND);
  SDL_SetRenderDrawColor(renderer, 14, 18, 28, 255);
  SDL_RenderClear(renderer);
  for (const Light& light : lights_) {
    const double angle = light.phase + time_ * light.speed;
    const double x = 0.5 + light.radius_x * std::cos(angle) + 0.05 * std::sin(angle * 3.1);
    const double y = 0.5 + light.radius_y * std::sin(angle * 1.3 + light.phase);
    draw_glow(renderer, static_cast<float>(x * width), static_cast<float>(y * height), static_cast<float>(light.size * width),
              light.color);
  }
  const float bar = static_cast<float>(height) * 0.012f;
  const SDL_FRect ground = {0, static_cast<float>(height) - bar, static_cast<float>(width), bar};
  const SDL_FRect filled = {0, ground.y, static_cast<float>(width) * progress, bar};
  SDL_SetRenderDrawColor(renderer, 40, 48, 66, 255);
  SDL_RenderFillRectF(renderer, &ground);
  SDL_SetRenderDrawColor(renderer, 86, 180, 233, 255);
  SDL_RenderFillRectF(renderer, &filled);
}

}  // namespace demo
