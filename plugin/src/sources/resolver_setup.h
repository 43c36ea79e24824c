// SPDX-License-Identifier: MIT
//
// What a resolver is made of: a channel of c-ares, and what the files of names say. Only for the resolver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "platform/host.h"
#include "sources/host_name.h"
#include "sources/hosts_table.h"

struct ares_channeldata;

namespace framepump {

// c-ares counts its users, and whoever starts it ends it. Its allocator hook is for the whole process, so it is left alone.
bool start_name_library();
void end_name_library();

// Made by the file thread, then the pump's.
struct NameSetup {
  explicit NameSetup(const Host& host) : hosts(host) {}

  ares_channeldata* channel = nullptr;
  HostsTable hosts;
  SearchList search;
  uint32_t timeout_ms = 0;
  uint32_t tries = 0;
  char servers[200] = {};
  char trouble[160] = {};  // why there is no channel
  NameSetup* next = nullptr;
};

// Null is nothing.
void destroy_setup(const Host& host, NameSetup* setup);

constexpr size_t kServersBytes = 512;

// c-ares 1.18 skips "nameserver 127.0.0.1:5353". If one has a port, `out` is the list of all, for take_servers, else it stays empty.
void list_servers_with_ports(std::string_view resolv_conf, std::span<char> out);
// Has the open channel ask these servers instead of those that it found; empty: those. Then notes what they are, and the search list.
void take_servers(NameSetup& setup, const char* servers);

}  // namespace framepump
