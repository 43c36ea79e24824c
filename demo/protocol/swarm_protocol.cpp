// SPDX-License-Identifier: MIT
#include "demo/protocol/swarm_protocol.h"

#include <algorithm>

namespace demo {
namespace {

constexpr uint32_t kSnapshotMagic = 0x6e735046;  // "FPsn"
constexpr uint32_t kSteerMagic = 0x74735046;     // "FPst"
constexpr uint32_t kTalkMagic = 0x6b745046;      // "FPtk"
constexpr size_t kLightBytes = 7;
constexpr size_t kSnapshotHeadBytes = 18;
constexpr size_t kSteerBytes = 12;
constexpr size_t kTalkHeadBytes = 9;

template <typename T>
void put(std::vector<std::byte>& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

template <typename T>
T get(const std::byte*& at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value |= static_cast<uint64_t>(*at++) << (8 * i);
  return static_cast<T>(value);
}

}  // namespace

std::string printable(std::string_view text, size_t most_bytes) {
  std::string out(text.substr(0, most_bytes));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

void encode(const Snapshot& snapshot, std::vector<std::byte>& out) {
  out.clear();
  put(out, kSnapshotMagic);
  put(out, kSwarmVersion);
  put(out, snapshot.number);
  put(out, snapshot.time_ms);
  const size_t count = std::min(snapshot.lights.size(), kMostLights);
  put(out, static_cast<uint16_t>(count));
  for (const Light& light : std::span(snapshot.lights).first(count)) {
    put(out, light.id);
    put(out, light.x);
    put(out, light.y);
    put(out, light.kind);
  }
}

bool decode(std::span<const std::byte> bytes, Snapshot& snapshot) {
  if (bytes.size() < kSnapshotHeadBytes) return false;
  const std::byte* at = bytes.data();
  if (get<uint32_t>(at) != kSnapshotMagic || get<uint32_t>(at) != kSwarmVersion) return false;
  snapshot.number = get<uint32_t>(at);
  snapshot.time_ms = get<uint32_t>(at);
  const size_t count = get<uint16_t>(at);
  if (count > kMostLights || bytes.size() != kSnapshotHeadBytes + count * kLightBytes) return false;
  snapshot.lights.resize(count);
  for (Light& light : snapshot.lights) {
    light.id = get<uint16_t>(at);
    light.x = get<uint16_t>(at);
    light.y = get<uint16_t>(at);
    light.kind = std::min(get<uint8_t>(at), kClientLight);
  }
  return true;
}

void encode(const Steer& steer, std::vector<std::byte>& out) {
  out.clear();
  put(out, kSteerMagic);
  put(out, steer.number);
  put(out, steer.x);
  put(out, steer.y);
}

std::optional<Steer> decode_steer(std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  if (bytes.size() != kSteerBytes || get<uint32_t>(at) != kSteerMagic) return std::nullopt;
  Steer steer;
  steer.number = get<uint32_t>(at);
  steer.x = get<uint16_t>(at);
  steer.y = get<uint16_t>(at);
  return steer;
}

void encode(const Talk& talk, std::vector<std::byte>& out) {
  out.clear();
  put(out, kTalkMagic);
  put(out, static_cast<uint8_t>(kSwarmVersion));
  put(out, static_cast<uint8_t>(talk.kind));
  put(out, talk.id);
  const std::string text = printable(talk.text, talk.kind == TalkKind::chat ? kMostChatBytes : kMostNameBytes);
  put(out, static_cast<uint8_t>(text.size()));
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
}

std::optional<Talk> decode_talk(std::span<const std::byte> bytes) {
  if (bytes.size() < kTalkHeadBytes) return std::nullopt;
  const std::byte* at = bytes.data();
  if (get<uint32_t>(at) != kTalkMagic || get<uint8_t>(at) != kSwarmVersion) return std::nullopt;
  const uint8_t kind = get<uint8_t>(at);
  if (kind < static_cast<uint8_t>(TalkKind::hello) || kind > static_cast<uint8_t>(TalkKind::goodbye)) return std::nullopt;
  Talk talk;
  talk.kind = static_cast<TalkKind>(kind);
  talk.id = get<uint16_t>(at);
  const size_t size = get<uint8_t>(at);
  const size_t most = talk.kind == TalkKind::chat ? kMostChatBytes : kMostNameBytes;
  if (size > most || bytes.size() != kTalkHeadBytes + size) return std::nullopt;
  talk.text = printable({reinterpret_cast<const char*>(at), size}, size);
  return talk;
}

}  // namespace demo
