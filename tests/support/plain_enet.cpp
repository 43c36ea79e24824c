// SPDX-License-Identifier: MIT
#include "support/plain_enet.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace framepump::test {

PlainEnet::PlainEnet(bool is_server, size_t peers, size_t channels) {
  REQUIRE_EQ(enet_initialize(), 0);
  ENetAddress address = {};
  enet_address_set_host_ip(&address, "127.0.0.1");
  address.port = ENET_PORT_ANY;
  host_ = enet_host_create(is_server ? &address : nullptr, peers, channels, 0, 0);
  REQUIRE(host_ != nullptr);
}

PlainEnet::~PlainEnet() { enet_host_destroy(host_); }

uint32_t PlainEnet::port() const {
  ENetAddress address = {};
  REQUIRE_EQ(enet_socket_get_address(host_->socket, &address), 0);
  return address.port;
}

ENetPeer* PlainEnet::connect(uint32_t port, uint32_t data, size_t channels) {
  ENetAddress address = {};
  enet_address_set_host_ip(&address, "127.0.0.1");
  address.port = static_cast<enet_uint16>(port);
  ENetPeer* peer = enet_host_connect(host_, &address, channels, data);
  REQUIRE(peer != nullptr);
  return peer;
}

void PlainEnet::service() {
  ENetEvent event = {};
  for (int n = 0; n < 10'000 && enet_host_service(host_, &event, 0) > 0; ++n) {
    switch (event.type) {
      case ENET_EVENT_TYPE_CONNECT:
        connected_.push_back(event.peer);
        last_data_ = event.data;
        break;
      case ENET_EVENT_TYPE_DISCONNECT:
        connected_.erase(std::remove(connected_.begin(), connected_.end(), event.peer), connected_.end());
        last_data_ = event.data;
        ++disconnects_;
        break;
      case ENET_EVENT_TYPE_RECEIVE:
        messages_.push_back({event.peer, std::string(reinterpret_cast<const char*>(event.packet->data), event.packet->dataLength),
                             event.channelID, event.packet->flags});
        enet_packet_destroy(event.packet);
        break;
      default:
        break;
    }
  }
}

void PlainEnet::send(ENetPeer* peer, std::string_view bytes, uint32_t flags, uint8_t channel) {
  ENetPacket* packet = enet_packet_create(bytes.data(), bytes.size(), flags);
  REQUIRE(packet != nullptr);
  if (enet_peer_send(peer, channel, packet) != 0) enet_packet_destroy(packet);
}

}  // namespace framepump::test
