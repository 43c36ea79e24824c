// SPDX-License-Identifier: MIT
#include "sources/resolver_replies.h"

#ifdef FRAMEPUMP_WITH_NAMES

#include <ares.h>

#include <algorithm>
#include <cstring>

namespace framepump {
namespace {

int read_ipv4(NameQuery& query, const unsigned char* bytes, int size_bytes) {
  ares_addrttl found[kAddressesPerFamily];
  int count = kAddressesPerFamily;
  const int status = ares_parse_a_reply(bytes, size_bytes, nullptr, found, &count);
  if (status != ARES_SUCCESS) return status;
  int ttl_s = INT32_MAX;
  for (int i = 0; i < count; ++i) {
    SocketAddress address;
    address.family = AddressFamily::ipv4;
    std::memcpy(address.bytes, &found[i].ipaddr, sizeof(found[i].ipaddr));
    query.addresses[query.count++] = address;
    ttl_s = std::min(ttl_s, found[i].ttl);
  }
  query.ttl_s = static_cast<uint32_t>(std::max(ttl_s, 0));
  return ARES_SUCCESS;
}

int read_ipv6(NameQuery& query, const unsigned char* bytes, int size_bytes) {
  ares_addr6ttl found[kAddressesPerFamily];
  int count = kAddressesPerFamily;
  const int status = ares_parse_aaaa_reply(bytes, size_bytes, nullptr, found, &count);
  if (status != ARES_SUCCESS) return status;
  int ttl_s = INT32_MAX;
  for (int i = 0; i < count; ++i) {
    SocketAddress address;
    address.family = AddressFamily::ipv6;
    std::memcpy(address.bytes, &found[i].ip6addr, sizeof(found[i].ip6addr));
    query.addresses[query.count++] = address;
    ttl_s = std::min(ttl_s, found[i].ttl);
  }
  query.ttl_s = static_cast<uint32_t>(std::max(ttl_s, 0));
  return ARES_SUCCESS;
}

}  // namespace

void note_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes) {
  query.count = 0;
  if (status == ARES_SUCCESS) {
    const bool is_ipv6 = query.family == AddressFamily::ipv6;
    status = is_ipv6 ? read_ipv6(query, bytes, size_bytes) : read_ipv4(query, bytes, size_bytes);
  }
  if (query.count > 0) {
    query.state = FamilyState::has_addresses;
  } else if (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND) {
    query.state = FamilyState::has_none;
  } else {
    query.state = FamilyState::failed;
    query.failure = status == ARES_ETIMEOUT ? FRAMEPUMP_REASON_NAME_TIMED_OUT : FRAMEPUMP_REASON_NAME_FAILED;
    query.code = status;
  }
}

}  // namespace framepump

#endif
