// SPDX-License-Identifier: MIT
#include "demo/server/swarm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "demo/client/swarm_view.h"
#include "demo/protocol/swarm_protocol.h"

using namespace demo;

namespace {

constexpr int64_t kSnapshotUs = 1'000'000 / kSnapshotHz;

// One light that crosses the picture in ten seconds.
Snapshot crossing(uint32_t number) {
  Snapshot snapshot;
  snapshot.number = number;
  snapshot.time_ms = number * 1000 / kSnapshotHz;
  snapshot.lights.push_back({7, static_cast<uint16_t>(snapshot.time_ms * 65535 / 10'000), 1000, 1});
  return snapshot;
}

// The largest step of the light between two frames at 60 Hz, in parts of the picture, while `comes` says which snapshots arrive.
template <typename Comes>
double largest_step(Comes comes) {
  SwarmView view;
  double largest = 0;
  double last_x = -1;
  uint32_t number = 1;
  for (int64_t now_us = 1'000'000; now_us < 6'000'000; now_us += 16'667) {
    for (; 1'000'000 + number * kSnapshotUs <= now_us; ++number) {
      if (comes(number)) view.add(crossing(number), now_us);
    }
    const std::vector<DrawnLight>& lights = view.lights_at(now_us);
    if (lights.empty() || now_us < 1'500'000) continue;
    if (last_x >= 0) largest = std::max(largest, std::abs(static_cast<double>(lights[0].x) - last_x));
    last_x = static_cast<double>(lights[0].x);
  }
  CHECK_GT(last_x, 0.3);
  return largest;
}

}  // namespace

TEST_CASE("snapshots, steering and talk survive the wire") {
  std::vector<std::byte> bytes;
  Snapshot sent{42, 1400, {{1, 0, 65535, 0}, {2, 7, 8, 2}, {301, 9, 10, kClientLight}}};
  encode(sent, bytes);
  Snapshot got;
  REQUIRE(decode(bytes, got));
  CHECK_EQ(got.number, 42);
  CHECK_EQ(got.time_ms, 1400);
  REQUIRE_EQ(got.lights.size(), 3);
  CHECK_EQ(got.lights[2].id, 301);
  CHECK_EQ(got.lights[0].y, 65535);
  encode(Steer{9, 10, 11}, bytes);
  const auto steer = decode_steer(bytes);
  REQUIRE(steer);
  CHECK_EQ(steer->y, 11);
  encode(Talk{TalkKind::chat, 301, "hello\x01 there"}, bytes);
  const auto talk = decode_talk(bytes);
  REQUIRE(talk);
  CHECK(talk->kind == TalkKind::chat);
  CHECK_EQ(talk->text, "hello? there");
}

TEST_CASE("what is cut short, too long or of random bytes is no message of the swarm") {
  std::vector<std::byte> bytes;
  Snapshot snapshot;
  Swarm().fill(snapshot);
  encode(snapshot, bytes);
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode(std::span(bytes).first(size), snapshot));
  bytes.push_back(std::byte{0});
  CHECK_FALSE(decode(bytes, snapshot));
  encode(Talk{TalkKind::hello, 0, "Ada"}, bytes);
  for (size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_talk(std::span(bytes).first(size)));
  bytes[5] = std::byte{7};
  CHECK_FALSE(decode_talk(bytes));
  std::mt19937 random(2026);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> noise(random() % 64);
    for (std::byte& byte : noise) byte = static_cast<std::byte>(random());
    // Behind the right beginning, so that the rest is looked at.
    encode(Talk{TalkKind::chat, 1, ""}, bytes);
    bytes.insert(bytes.end() - 3, noise.begin(), noise.end());
    if (const auto talk = decode_talk(bytes)) CHECK_LE(talk->text.size(), kMostChatBytes);
    decode(noise, snapshot);
    decode_steer(noise);
    CHECK_LE(snapshot.lights.size(), kMostLights);
  }
}

TEST_CASE("the swarm stays in the picture, moves calmly, and a client's light goes where it is steered") {
  Swarm swarm;
  const uint16_t client = swarm.add_client();
  REQUIRE_NE(client, 0);
  Snapshot before;
  Snapshot after;
  swarm.fill(before);
  for (uint32_t step = 1; step <= 30 * 60; ++step) {
    swarm.steer(client, {step, 65535, 0});
    swarm.step();
    swarm.fill(after);
    REQUIRE_EQ(after.lights.size(), Swarm::kLights + 1);
    for (size_t i = 0; i < Swarm::kLights; ++i) {
      CHECK_LT(std::abs(after.lights[i].x - before.lights[i].x), 65535 / 40);
      CHECK_LT(std::abs(after.lights[i].y - before.lights[i].y), 65535 / 40);
    }
    before = after;
  }
  CHECK_EQ(after.lights.back().id, client);
  CHECK_EQ(after.lights.back().x, 65535);
  CHECK_EQ(after.lights.back().y, 0);
  swarm.steer(client, {5, 0, 0});  // late
  swarm.step();
  swarm.fill(after);
  CHECK_EQ(after.lights.back().x, 65535);
}

TEST_CASE("after minutes the lights are still all over the picture") {
  Swarm swarm;
  for (int step = 0; step < 30 * 300; ++step) swarm.step();
  Snapshot snapshot;
  swarm.fill(snapshot);
  int in_quarter[4] = {};
  for (const Light& light : snapshot.lights) ++in_quarter[(light.x > 32767 ? 1 : 0) + (light.y > 32767 ? 2 : 0)];
  for (const int lights : in_quarter) CHECK_GT(lights, static_cast<int>(Swarm::kLights) / 10);
}

TEST_CASE("no more clients than there is place for, and ids of the living are not given twice") {
  Swarm swarm;
  std::vector<uint16_t> ids;
  for (size_t i = 0; i < Swarm::kMostClients; ++i) ids.push_back(swarm.add_client());
  CHECK_EQ(swarm.add_client(), 0);
  for (int round = 0; round < 70'000; ++round) {
    swarm.remove_client(ids.back());
    ids.back() = swarm.add_client();
    CHECK_GT(ids.back(), Swarm::kLights);
    CHECK_NE(ids.back(), ids.front());
  }
}

TEST_CASE("the drawn motion is smooth, also when every fourth snapshot is lost") {
  constexpr double kPerFrame = 0.0016667;  // what the light moves in a frame
  CHECK_LT(largest_step([](uint32_t) { return true; }), kPerFrame * 2);
  CHECK_LT(largest_step([](uint32_t number) { return number % 4 != 0; }), kPerFrame * 2.5);
}

TEST_CASE("snapshots that are old, repeated or missing are told apart and counted") {
  SwarmView view;
  CHECK(view.lights_at(0).empty());
  CHECK(view.add(crossing(10), 1'000'000));
  CHECK_FALSE(view.add(crossing(10), 1'010'000));
  CHECK_FALSE(view.add(crossing(9), 1'020'000));
  CHECK(view.add(crossing(13), 1'100'500));
  CHECK_EQ(view.received(), 2);
  CHECK_EQ(view.lost(), 2);
  CHECK_EQ(view.gap_ms_p99(), 100);
  view.begin_again();
  CHECK(view.add(crossing(1), 9'000'000));
  CHECK_EQ(view.lost(), 2);
}

TEST_CASE("numbers that begin again at 0 are newer") {
  SwarmView view;
  Snapshot snapshot = crossing(5);
  snapshot.number = UINT32_MAX;
  CHECK(view.add(snapshot, 1'000'000));
  snapshot.number = 1;
  CHECK(view.add(snapshot, 1'066'000));
  CHECK_EQ(view.lost(), 1);
}
