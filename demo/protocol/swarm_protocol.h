// SPDX-License-Identifier: MIT
//
// What server and clients of the swarm tell each other in datagrams. Everything is little-endian; both sides check what they get,
// because data from the wire is never trusted.
//
// On kSnapshotChannel, unreliable: the server's snapshots, 30 a second, and the client's steering. On kTalkChannel, reliable: talk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

constexpr uint32_t kSwarmVersion = 1;
constexpr uint32_t kSnapshotHz = 30;
constexpr uint32_t kSwarmChannels = 2;
constexpr uint32_t kSnapshotChannel = 0;
constexpr uint32_t kTalkChannel = 1;
constexpr size_t kMostLights = 600;  // 4.2 KB: several packets, and still one unreliable message
constexpr size_t kMostNameBytes = 24;
constexpr size_t kMostChatBytes = 160;

// One light: where it is, in 65,535ths of the picture's width and height, and what it is.
struct Light {
  uint16_t id = 0;
  uint16_t x = 0;
  uint16_t y = 0;
  uint8_t kind = 0;  // 0 to 2: a color of the swarm; kClientLight
};
constexpr uint8_t kClientLight = 3;

struct Snapshot {
  uint32_t number = 0;
  uint32_t time_ms = 0;  // the server's
  std::vector<Light> lights;
};

struct Steer {
  uint32_t number = 0;
  uint16_t x = 0;
  uint16_t y = 0;
};

enum class TalkKind : uint8_t {
  hello = 1,    // client: its name
  welcome = 2,  // server: id of the light that is the client's own
  joined = 3,   // server: id and name of a client's light
  left = 4,     // server: id
  chat = 5,     // client: text; server: id and text
  goodbye = 6,  // server: it stops
};
struct Talk {
  TalkKind kind = TalkKind::hello;
  uint16_t id = 0;
  std::string text;
};

// They replace what is in `out`, whose memory can be used again and again.
void encode(const Snapshot& snapshot, std::vector<std::byte>& out);
void encode(const Steer& steer, std::vector<std::byte>& out);
// Text that is too long is cut off.
void encode(const Talk& talk, std::vector<std::byte>& out);

// False or nothing: not one of ours.
bool decode(std::span<const std::byte> bytes, Snapshot& snapshot);
std::optional<Steer> decode_steer(std::span<const std::byte> bytes);
std::optional<Talk> decode_talk(std::span<const std::byte> bytes);

// What may stand in names and chat: printable ASCII; anything else becomes a question mark.
std::string printable(std::string_view text, size_t most_bytes);

}  // namespace demo
