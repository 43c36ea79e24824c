// SPDX-License-Identifier: MIT
//
// A datagram of the demo's swarm is refused, or read as what would be sent as the same bytes.
#include "demo/protocol/swarm_protocol.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz/target.h"

namespace framepump::fuzz {
namespace {

using Bytes = std::span<const std::byte>;

bool is_same(Bytes a, const std::vector<std::byte>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void check_snapshot(Bytes bytes) {
  demo::Snapshot snapshot;
  if (!demo::decode(bytes, snapshot)) return;
  expect(snapshot.lights.size() <= demo::kMostLights, "a snapshot has no more lights than are allowed");
  const auto is_known = [](const demo::Light& light) { return light.kind <= demo::kClientLight; };
  expect(std::all_of(snapshot.lights.begin(), snapshot.lights.end(), is_known), "every light is of a known kind");

  std::vector<std::byte> written;
  demo::encode(snapshot, written);
  demo::Snapshot again;
  expect(written.size() == bytes.size() && demo::decode(written, again), "a snapshot that was read can be sent");
  std::vector<std::byte> twice;
  demo::encode(again, twice);
  expect(is_same(written, twice), "a snapshot is read as it was written");
}

void check_steer(Bytes bytes) {
  const std::optional<demo::Steer> steer = demo::decode_steer(bytes);
  if (!steer.has_value()) return;
  std::vector<std::byte> written;
  demo::encode(*steer, written);
  expect(is_same(bytes, written), "steering is written as it was read");
}

void check_talk(Bytes bytes) {
  const std::optional<demo::Talk> talk = demo::decode_talk(bytes);
  if (!talk.has_value()) return;
  const size_t most = talk->kind == demo::TalkKind::chat ? demo::kMostChatBytes : demo::kMostNameBytes;
  expect(talk->text.size() <= most, "talk is no longer than is allowed");
  expect(std::all_of(talk->text.begin(), talk->text.end(), [](char c) { return c >= ' ' && c <= '~'; }), "talk can be shown");

  std::vector<std::byte> written;
  demo::encode(*talk, written);
  const std::optional<demo::Talk> again = demo::decode_talk(written);
  expect(written.size() == bytes.size() && again.has_value() && again->kind == talk->kind && again->id == talk->id &&
             again->text == talk->text,
         "talk is read as it was written");
}

}  // namespace

void swarm_datagram(std::string_view bytes) {
  const Bytes datagram = std::as_bytes(std::span(bytes.data(), bytes.size()));
  check_snapshot(datagram);
  check_steer(datagram);
  check_talk(datagram);
}

}  // namespace framepump::fuzz

FRAMEPUMP_FUZZ_TARGET(swarm_datagram);
