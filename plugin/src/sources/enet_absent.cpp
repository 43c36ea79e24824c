// SPDX-License-Identifier: MIT
//
// Instead of enet_host.cpp and enet_commands.cpp in a plugin that is built without ENet: host_open is refused, so no host ever
// opens, and of the rest only the names are needed.
#ifdef FRAMEPUMP_WITHOUT_ENET
#include <cstdio>

#include "sources/enet_host.h"

namespace framepump {

bool check_enet_origin(std::span<char> text) {
  std::snprintf(text.data(), text.size(), "this FramePump was built without ENet (FRAMEPUMP_WITHOUT_ENET), so it has no datagrams");
  return false;
}

void* make_packet(const void*, uint64_t, uint32_t, SendLedger&) { return nullptr; }
void destroy_packet(void*) {}

EnetHost::EnetHost(Environment& environment, DatagramGate& gate)
    : environment_(environment), gate_(gate), peers_(environment.host) {}
EnetHost::~EnetHost() = default;
IoResult EnetHost::open(const EnetOptions&, framepump_handle) { return {IoStatus::out_of_memory, 0, 0}; }
void EnetHost::cancel_open() {}
void EnetHost::on_commands(uint32_t, int64_t) {}
void EnetHost::on_ready(uint32_t) {}
void EnetHost::on_tick() {}
Turn EnetHost::receive_turn(const TurnContext&) { return {}; }
Turn EnetHost::send_turn(const TurnContext&) { return {}; }

}  // namespace framepump
#endif
