// SPDX-License-Identifier: MIT
#include "demo/client/scene.h"

#include <array>
#include <cmath>
#include <random>

namespace demo {
namespace {

// Blue, orange, and a pale yellow between them, and white for clients: told apart by colour-blind eyes too (after Okabe and Ito 2008).
constexpr std::array<SDL_Color, 4> kColors = {SDL_Color{86, 180, 233, 255}, SDL_Color{230, 159, 0, 255},
                                              SDL_Color{240, 228, 140, 255}, SDL_Color{255, 255, 255, 255}};
constexpr int kLights = 90;
constexpr int kRays = 10;

struct Ray {
  float x, y;
};
const std::array<Ray, kRays>& rays() {
  static const std::array<Ray, kRays> kAll = [] {
    std::array<Ray, kRays> all;
    for (size_t i = 0; i < kRays; ++i) {
      const float angle = static_cast<float>(i) * 6.2831853f / kRays;
      all[i] = {std::cos(angle), std::sin(angle)};
    }
    return all;
  }();
  return kAll;
}

}  // namespace

Scene::Scene() {
  std::mt19937 random(20);  // the same sky every time
  std::uniform_real_distribution<double> unit(0, 1);
  for (int i = 0; i < kLights; ++i) {
    lights_.push_back({unit(random) * 6.283, 0.1 + unit(random) * 0.4, 0.15 + unit(random) * 0.35, 0.1 + unit(random) * 0.35,
                       0.006 + unit(random) * 0.012, static_cast<uint8_t>(i % 3)});
  }
}

// A disc that fades out towards its rim.
void Scene::add_glow(float x, float y, float radius, SDL_Color color) {
  const int center = static_cast<int>(corners_.size());
  color.a = 150;
  corners_.push_back({{x, y}, color, {0, 0}});
  color.a = 0;
  for (int i = 0; i < kRays; ++i) {
    const Ray ray = rays()[static_cast<size_t>(i)];
    corners_.push_back({{x + radius * ray.x, y + radius * ray.y}, color, {0, 0}});
    order_.insert(order_.end(), {center, center + 1 + i, center + 1 + (i + 1) % kRays});
  }
}

void Scene::add_ring(float x, float y, float radius, SDL_Color color) {
  const int first = static_cast<int>(corners_.size());
  for (int i = 0; i < kRays; ++i) {
    const Ray ray = rays()[static_cast<size_t>(i)];
    corners_.push_back({{x + radius * ray.x, y + radius * ray.y}, color, {0, 0}});
    corners_.push_back({{x + radius * 1.15f * ray.x, y + radius * 1.15f * ray.y}, color, {0, 0}});
    const int a = first + 2 * i;
    const int b = first + 2 * ((i + 1) % kRays);
    order_.insert(order_.end(), {a, a + 1, b, b, a + 1, b + 1});
  }
}

void Scene::draw(SDL_Renderer* renderer, int width, int height, std::span<const DrawnLight> swarm, uint16_t own_id, float progress) {
  SDL_SetRenderDrawBlendMode(renderer, SDL_BLENDMODE_BLEND);
  SDL_SetRenderDrawColor(renderer, 14, 18, 28, 255);
  SDL_RenderClear(renderer);
  corners_.clear();
  order_.clear();
  const float w = static_cast<float>(width);
  const float h = static_cast<float>(height);
  for (const DrawnLight& light : swarm) {
    const bool is_client = light.kind >= kClientLight;
    const float radius = w * (is_client ? 0.012f : 0.005f + 0.0015f * static_cast<float>(light.id % 5));
    add_glow(light.x * w, light.y * h, radius, kColors[light.kind < kColors.size() ? light.kind : 0]);
    if (is_client) add_ring(light.x * w, light.y * h, w * (light.id == own_id ? 0.016f : 0.011f), kColors[light.id == own_id ? 2 : 3]);
  }
  for (const OwnLight& light : lights_) {
    if (!swarm.empty()) break;
    const double angle = light.phase + time_ * light.speed;
    const double x = 0.5 + light.radius_x * std::cos(angle) + 0.05 * std::sin(angle * 3.1);
    const double y = 0.5 + light.radius_y * std::sin(angle * 1.3 + light.phase);
    add_glow(static_cast<float>(x) * w, static_cast<float>(y) * h, static_cast<float>(light.size) * w, kColors[light.kind]);
  }
  SDL_RenderGeometry(renderer, nullptr, corners_.data(), static_cast<int>(corners_.size()), order_.data(),
                     static_cast<int>(order_.size()));
  const float bar = h * 0.012f;
  const SDL_FRect ground = {0, h - bar, w, bar};
  const SDL_FRect filled = {0, ground.y, w * progress, bar};
  SDL_SetRenderDrawColor(renderer, 40, 48, 66, 255);
  SDL_RenderFillRectF(renderer, &ground);
  SDL_SetRenderDrawColor(renderer, 86, 180, 233, 255);
  SDL_RenderFillRectF(renderer, &filled);
}

}  // namespace demo
