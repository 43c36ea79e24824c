// SPDX-License-Identifier: MIT
#include "demo/server/swarm.h"

#include <algorithm>
#include <cmath>

namespace demo {
namespace {

constexpr float kStep = 1.0f / kSnapshotHz;
constexpr float kFlowSpeed = 0.02f;  // of the picture a second, for a slope of 1
constexpr float kShySpeed = 0.3f;
constexpr float kClientSpeed = 0.6f;
constexpr float kShyDistance = 0.12f;
constexpr float kMargin = 0.02f;

float stream(float x, float y, float time) {
  constexpr float kPi = 3.14159265f;
  const float border = std::sin(kPi * x) * std::sin(kPi * y);
  const float eddies = std::sin(7 * x + 0.31f * time) * std::cos(5 * y - 0.23f * time) + 0.5f * std::sin(11 * y + 4 * x + 0.17f * time);
  return border * (0.5f * std::sin(0.07f * time) + eddies);
}

uint16_t to_wire(float position) { return static_cast<uint16_t>(std::clamp(position, 0.0f, 1.0f) * 65535.0f + 0.5f); }
float from_wire(uint16_t position) { return static_cast<float>(position) / 65535.0f; }

}  // namespace

Swarm::Swarm(uint32_t seed) : random_(seed) {
  std::uniform_real_distribution<float> place(kMargin, 1 - kMargin);
  for (size_t i = 0; i < kLights; ++i) drifters_.push_back({place(random_), place(random_), static_cast<uint8_t>(i % 3)});
}

uint16_t Swarm::add_client() {
  if (clients_.size() >= kMostClients) return 0;
  const auto is_taken = [this](uint16_t id) { return std::ranges::any_of(clients_, [id](const Client& c) { return c.id == id; }); };
  while (next_id_ <= kLights || is_taken(next_id_)) ++next_id_;  // those up to kLights, and 0, are not for clients
  clients_.push_back({next_id_, 0, 0.5f, 0.5f, 0.5f, 0.5f});
  return next_id_++;
}

void Swarm::remove_client(uint16_t id) {
  std::erase_if(clients_, [id](const Client& client) { return client.id == id; });
}

// One that comes late says what is no longer wanted.
void Swarm::steer(uint16_t id, const Steer& steer) {
  for (Client& client : clients_) {
    if (client.id != id || static_cast<int32_t>(steer.number - client.newest_steer) <= 0) continue;
    client.newest_steer = steer.number;
    client.target_x = from_wire(steer.x);
    client.target_y = from_wire(steer.y);
  }
}

void Swarm::step() {
  ++steps_;
  for (Drifter& light : drifters_) drift(light);
  for (Client& client : clients_) {
    const float dx = client.target_x - client.x;
    const float dy = client.target_y - client.y;
    const float distance = std::sqrt(dx * dx + dy * dy);
    if (distance <= 0) continue;
    const float share = std::min(1.0f, kClientSpeed * kStep / distance);
    client.x += dx * share;
    client.y += dy * share;
  }
}

// The flow is the curl of a stream function, so it neither gathers the lights nor thins them out; at the border the function is 0 and the
// flow runs along it (after Bridson, Houriham and Nordenstam 2007).
void Swarm::drift(Drifter& light) const {
  const float time = static_cast<float>(steps_) * kStep;
  constexpr float kReach = 0.01f;
  const float slope_x = stream(light.x + kReach, light.y, time) - stream(light.x - kReach, light.y, time);
  const float slope_y = stream(light.x, light.y + kReach, time) - stream(light.x, light.y - kReach, time);
  float vx = kFlowSpeed * slope_y / (2 * kReach);
  float vy = -kFlowSpeed * slope_x / (2 * kReach);
  for (const Client& client : clients_) {
    const float dx = light.x - client.x;
    const float dy = light.y - client.y;
    const float distance = std::sqrt(dx * dx + dy * dy);
    if (distance <= 0 || distance >= kShyDistance) continue;
    const float push = kShySpeed * (1 - distance / kShyDistance) / distance;
    vx += dx * push;
    vy += dy * push;
  }
  light.x = std::clamp(light.x + vx * kStep, kMargin, 1 - kMargin);
  light.y = std::clamp(light.y + vy * kStep, kMargin, 1 - kMargin);
}

void Swarm::fill(Snapshot& snapshot) const {
  snapshot.time_ms = static_cast<uint32_t>(uint64_t{steps_} * 1000 / kSnapshotHz);
  snapshot.lights.clear();
  uint16_t id = 1;
  for (const Drifter& light : drifters_) snapshot.lights.push_back({id++, to_wire(light.x), to_wire(light.y), light.kind});
  for (const Client& client : clients_) snapshot.lights.push_back({client.id, to_wire(client.x), to_wire(client.y), kClientLight});
}

}  // namespace demo
