// SPDX-License-Identifier: MIT
#include "sources/resolver_setup.h"

#ifdef FRAMEPUMP_WITH_NAMES

#include <ares.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>

namespace framepump {
namespace {

// c-ares counts its users without a lock of its own.
std::mutex library_mutex;

void list_servers(NameSetup& setup) {
  ares_addr_port_node* servers = nullptr;
  if (ares_get_servers_ports(setup.channel, &servers) != ARES_SUCCESS) return;
  size_t size = 0;
  for (const ares_addr_port_node* server = servers; server != nullptr; server = server->next) {
    SocketAddress address;
    const bool is_ipv4 = server->family == AF_INET;
    address.family = is_ipv4 ? AddressFamily::ipv4 : AddressFamily::ipv6;
    constexpr uint16_t kDnsPort = 53;
    address.port = server->udp_port != 0 ? static_cast<uint16_t>(server->udp_port) : kDnsPort;
    std::memcpy(address.bytes, &server->addr, is_ipv4 ? 4 : 16);
    char text[kAddressTextBytes];
    format_address(address, text);
    const int length = std::snprintf(setup.servers + size, sizeof(setup.servers) - size, "%s%s", size > 0 ? ", " : "", text);
    if (length < 0 || size + static_cast<size_t>(length) >= sizeof(setup.servers)) break;
    size += static_cast<size_t>(length);
  }
  ares_free_data(servers);
}

void read_search_list(NameSetup& setup) {
  ares_options options = {};
  int mask = 0;
  if (ares_save_options(setup.channel, &options, &mask) == ARES_SUCCESS) {
    for (int i = 0; i < options.ndomains; ++i) setup.search.add(options.domains[i]);
    if (options.ndots >= 0) setup.search.dots_at_least = static_cast<uint32_t>(options.ndots);
  }
  ares_destroy_options(&options);
}

}  // namespace

bool start_name_library() {
  const std::lock_guard lock(library_mutex);
  return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
}

void end_name_library() {
  const std::lock_guard lock(library_mutex);
  ares_library_cleanup();
}

void destroy_setup(const Host& host, NameSetup* setup) {
  if (setup == nullptr) return;
  if (setup->channel != nullptr) ares_destroy(setup->channel);
  host.destroy(setup);
}

void list_servers_with_ports(std::string_view resolv_conf, std::span<char> out) {
  constexpr std::string_view kKey = "nameserver";
  constexpr std::string_view kBlanks = " \t\r";
  size_t size = 0;
  bool has_port = false;
  while (!resolv_conf.empty()) {
    std::string_view line = resolv_conf.substr(0, resolv_conf.find('\n'));
    resolv_conf.remove_prefix(std::min(line.size() + 1, resolv_conf.size()));
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    const size_t begin = line.find_first_not_of(kBlanks);
    if (begin == 0 || begin == std::string_view::npos) continue;
    line = line.substr(begin, line.find_first_of(kBlanks, begin) - begin);
    if (line.empty() || size + line.size() + 2 > out.size()) continue;
    has_port |= line.front() == '[' || std::count(line.begin(), line.end(), ':') == 1;
    if (size > 0) out[size++] = ',';
    std::copy(line.begin(), line.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    size += line.size();
  }
  out[has_port ? size : 0] = '\0';
}

void take_servers(NameSetup& setup, const char* servers) {
  if (servers[0] != '\0') ares_set_servers_ports_csv(setup.channel, servers);
  list_servers(setup);
  read_search_list(setup);
}

}  // namespace framepump

#endif
