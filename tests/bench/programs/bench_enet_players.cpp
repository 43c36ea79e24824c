// SPDX-License-Identifier: MIT
//
// The other side of the datagram benchmarks, written against libenet alone. On order a swarm of players, each a host of its own, sends
// messages to the contestant's server at a steady pace. And a server of its own: whoever connects with 1 as connect data gets
// snapshots, some sixty a second; with 2 reliable bytes as fast as they go, from a host that is pumped without pause.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/bytes.h"
#include "bench/support/control.h"
#include "bench/support/plain_enet.h"
#include "bench/support/swarm.h"
#include "bench/support/tcp.h"
#include "bench/support/waits.h"

namespace bench = framepump::bench;

namespace {

constexpr int64_t kNsPerS = 1'000'000'000;

// ---- the swarm ----

struct Player {
  ENetHost* host = nullptr;
  ENetPeer* server = nullptr;
  bool is_connected = false;
  uint32_t sent = 0;

  Player() = default;
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;
  ~Player() {
    if (host == nullptr) return;
    enet_peer_disconnect_now(server, 0);
    enet_host_destroy(host);
  }

  void join(uint16_t port) {
    host = enet_host_create(nullptr, 1, bench::kChannels, 0, 0);
    if (host == nullptr) bench::die("no ENet host for a player");
    const ENetAddress address = bench::loopback(port);
    server = enet_host_connect(host, &address, bench::kChannels, 0);
  }
  // Whoever throws its own messages away because round trips vary with the server's frames would blur what is lost elsewhere. Only
  // a connected peer may be told.
  void begin() {
    enet_peer_throttle_configure(server, ENET_PEER_PACKET_THROTTLE_INTERVAL, ENET_PEER_PACKET_THROTTLE_SCALE, 0);
    is_connected = true;
  }
  void service() {
    ENetEvent event = {};
    while (enet_host_service(host, &event, 0) > 0) {
      if (event.type == ENET_EVENT_TYPE_CONNECT) begin();
      if (event.type == ENET_EVENT_TYPE_DISCONNECT) is_connected = false;
      if (event.type == ENET_EVENT_TYPE_RECEIVE) enet_packet_destroy(event.packet);
    }
  }
  void say(uint32_t index) {
    bench::SwarmMessage message;
    message.client = index;
    message.number = sent++;
    message.sent_ns = bench::wall_ns();
    message.fill();
    ENetPacket* packet = enet_packet_create(&message, sizeof(message), 0);
    if (enet_peer_send(server, 0, packet) != 0) enet_packet_destroy(packet);
  }
};

bool connect_all(std::vector<Player>& players, uint16_t port, bench::Order& order) {
  for (Player& player : players) player.join(port);
  const int64_t give_up_ns = bench::wall_ns() + 20 * kNsPerS;
  while (bench::wall_ns() < give_up_ns && !order.is_over()) {
    for (Player& player : players) player.service();
    if (std::ranges::all_of(players, &Player::is_connected)) return true;
    bench::sleep_until_ns(bench::wall_ns() + 2'000'000);
  }
  return false;
}

// Players are no choir: their messages spread evenly over the interval.
void play(std::vector<Player>& players, double messages_per_s, double seconds, bench::Order& order) {
  const auto interval_ns = static_cast<int64_t>(1e9 / messages_per_s);
  const int64_t start_ns = bench::wall_ns();
  const auto count = static_cast<int64_t>(players.size());
  const auto turns = static_cast<int64_t>(messages_per_s * seconds) * count;
  for (int64_t turn = 0; turn < turns; ++turn) {
    const int64_t due_ns = start_ns + turn * interval_ns / count;
    constexpr int64_t kStepNs = 1'000'000;
    if (due_ns > bench::wall_ns()) bench::sleep_until_ns(due_ns + kStepNs / 2);  // a few at a time, or sleeping is most of the work
    const auto index = static_cast<uint32_t>(turn % count);
    players[index].say(index);
    players[index].service();
    if (index == 0 && order.is_over()) return;
  }
}

void run_swarm(bench::Order& order, uint16_t port, size_t clients, double messages_per_s, double seconds) {
  std::vector<Player> players(clients);
  const bool is_complete = connect_all(players, port, order);
  if (is_complete) play(players, messages_per_s, seconds, order);
  uint64_t sent = 0;
  for (const Player& player : players) sent += player.sent;
  order.answer(nlohmann::json{{"connected", is_complete}, {"sent", sent}}.dump());
  // Pings and acknowledgements go on until the contestant has seen what it wanted to.
  while (!order.is_over()) {
    for (Player& player : players) player.service();
    bench::sleep_until_ns(bench::wall_ns() + 5'000'000);
  }
}

void carry_out(bench::Order& order) {
  const auto line = order.next();
  if (!line) return;
  std::istringstream words(*line);
  uint16_t port = 0;
  size_t clients = 0;
  double messages_per_s = 0, seconds = 0;
  words >> port >> clients >> messages_per_s >> seconds;
  if (words) run_swarm(order, port, clients, messages_per_s, seconds);
}

// ---- the server ----

struct Listeners {
  ENetPeer* snapshots = nullptr;
  ENetPeer* bulk = nullptr;
  uint64_t number = 0;
  uint64_t bulk_sent = 0;
  size_t bulk_pending_bytes = 0;  // not yet acknowledged

  void forget(const ENetPeer* peer) {
    if (snapshots == peer) snapshots = nullptr;
    if (bulk == peer) bulk = nullptr;
  }
};

void note(const ENetEvent& event, Listeners& listeners) {
  if (event.type == ENET_EVENT_TYPE_RECEIVE) enet_packet_destroy(event.packet);
  if (event.type == ENET_EVENT_TYPE_DISCONNECT) listeners.forget(event.peer);
  if (event.type != ENET_EVENT_TYPE_CONNECT) return;
  enet_peer_throttle_configure(event.peer, ENET_PEER_PACKET_THROTTLE_INTERVAL, ENET_PEER_PACKET_THROTTLE_SCALE, 0);
  if (event.data == bench::kWantsSnapshots) listeners.snapshots = event.peer;
  if (event.data != bench::kWantsBulk) return;
  listeners.bulk = event.peer;
  listeners.bulk_sent = 0;
}

void send_snapshot(Listeners& listeners) {
  constexpr size_t kSnapshotBytes = 1000;
  if (listeners.snapshots == nullptr) return;
  ENetPacket* packet = enet_packet_create(nullptr, kSnapshotBytes, 0);
  const bench::Stamp stamp = {bench::wall_ns(), listeners.number++};
  std::memcpy(packet->data, &stamp, sizeof(stamp));
  std::memcpy(packet->data + sizeof(stamp), bench::content().data(), kSnapshotBytes - sizeof(stamp));
  if (enet_peer_send(listeners.snapshots, 0, packet) != 0) enet_packet_destroy(packet);
}

// More than ENet's window of 64 KiB is always waiting in it.
void send_bulk(Listeners& listeners) {
  constexpr size_t kMessageBytes = 16 * 1024, kQueueBytes = 1024 * 1024;
  ENetPeer* peer = listeners.bulk;
  if (peer == nullptr) return;
  const auto block = bench::content();
  while (listeners.bulk_pending_bytes < kQueueBytes) {
    const size_t at = listeners.bulk_sent % block.size();
    const size_t size_bytes = std::min(kMessageBytes, block.size() - at);
    ENetPacket* packet = enet_packet_create(block.data() + at, size_bytes, ENET_PACKET_FLAG_RELIABLE);
    packet->userData = &listeners.bulk_pending_bytes;
    packet->freeCallback = [](ENetPacket* done) { *static_cast<size_t*>(done->userData) -= done->dataLength; };
    listeners.bulk_pending_bytes += size_bytes;
    if (enet_peer_send(peer, 0, packet) != 0) return enet_packet_destroy(packet);
    listeners.bulk_sent += size_bytes;
  }
}

void serve(ENetHost* host) {
  // Not quite sixty a second: at twice the frame rate each would come at the same time of a frame as the last, and chance would say when.
  constexpr int64_t kSnapshotNs = 17'000'000;
  Listeners listeners;
  int64_t snapshot_ns = bench::wall_ns();
  for (;;) {
    // Waiting in service is pumping without pause: what arrives is taken at once. With bulk to send it does not even wait.
    ENetEvent event = {};
    int result = enet_host_service(host, &event, listeners.bulk != nullptr ? 0 : 1);
    for (; result > 0; result = enet_host_service(host, &event, 0)) note(event, listeners);
    send_bulk(listeners);
    if (bench::wall_ns() < snapshot_ns) continue;
    snapshot_ns += kSnapshotNs;
    send_snapshot(listeners);
    enet_host_flush(host);
  }
}

}  // namespace

int main() {
  bench::raise_descriptor_limit(4096);
  bench::content();
  if (enet_initialize() != 0) bench::die("ENet does not start");
  const ENetAddress address = bench::loopback(ENET_PORT_ANY);
  ENetHost* host = enet_host_create(&address, 64, bench::kChannels, 0, 0);
  ENetAddress bound = {};
  if (host == nullptr || enet_socket_get_address(host->socket, &bound) != 0) bench::die("no ENet host");
  std::thread(serve, host).detach();
  bench::serve_orders(",\"enet\":" + std::to_string(bound.port), carry_out);
}
