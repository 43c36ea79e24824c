// SPDX-License-Identifier: MIT
#include "sources/resolver_replies.h"

#ifdef FRAMEPUMP_WITH_NAMES

#include <ares.h>

#include <algorithm>
#include <cstring>

namespace framepump {
namespace {

// `parse`: c-ares' function for the query's family; `address`: where it puts one.
template <typename Found, typename Address>
int read_addresses(int (*parse)(const unsigned char*, int, hostent**, Found*, int*), Address Found::*address, NameQuery& query,
                   const unsigned char* bytes, int size_bytes) {
  Found found[kAddressesPerFamily];
  int count = kAddressesPerFamily;
  const int status = parse(bytes, size_bytes, nullptr, found, &count);
  if (status != ARES_SUCCESS) return status;
  int ttl_s = INT32_MAX;
  for (int i = 0; i < count; ++i) {
    SocketAddress one;
    one.family = query.family;
    std::memcpy(one.bytes, &(found[i].*address), sizeof(Address));
    query.addresses[query.count++] = one;
    ttl_s = std::min(ttl_s, found[i].ttl);
  }
  query.ttl_s = static_cast<uint32_t>(std::max(ttl_s, 0));
  return ARES_SUCCESS;
}

}  // namespace

void note_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes) {
  query.count = 0;
  if (status == ARES_SUCCESS) {
    status = query.family == AddressFamily::ipv6
                 ? read_addresses(ares_parse_aaaa_reply, &ares_addr6ttl::ip6addr, query, bytes, size_bytes)
                 : read_addresses(ares_parse_a_reply, &ares_addrttl::ipaddr, query, bytes, size_bytes);
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
