// SPDX-License-Identifier: MIT
//
// TLS for Network::connect and Network::listen: framepump_tls.h with C++ types and the defaults in place.
#pragma once

#include <framepump/framepump.h>

#include <cstdint>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

enum class TlsVersion : uint32_t { none = 0, v1_2 = FRAMEPUMP_TLS_1_2, v1_3 = FRAMEPUMP_TLS_1_3 };

// Tls{} is what a client wants: the system's authorities, the host's name checked, TLS 1.2 or newer. A listener needs a certificate and its
// key. The texts are copied by the call that gets them.
struct Tls {
  const char* server_name = nullptr;  // null: the host that is connected to
  const char* ca_file = nullptr;      // authorities of your own, instead of the system's
  const char* ca_path = nullptr;
  const char* ca_pem = nullptr;
  const char* certificate_file = nullptr;
  const char* certificate_pem = nullptr;
  const char* private_key_file = nullptr;
  const char* private_key_pem = nullptr;
  const char* alpn = nullptr;         // "h2,http/1.1"
  TlsVersion min_version = TlsVersion::v1_2;
  uint32_t flags = 0;                 // FRAMEPUMP_TLS_WITHOUT_*, FRAMEPUMP_TLS_WANT_*

  framepump_tls options() const {
    framepump_tls c = {};
    c.struct_size = sizeof(c);
    c.flags = flags;
    c.min_version = static_cast<uint32_t>(min_version);
    c.server_name = server_name;
    c.ca_file = ca_file;
    c.ca_path = ca_path;
    c.ca_pem = ca_pem;
    c.certificate_file = certificate_file;
    c.certificate_pem = certificate_pem;
    c.private_key_file = private_key_file;
    c.private_key_pem = private_key_pem;
    c.alpn = alpn;
    return c;
  }
};

// What the handshake came to; `version` 0 is a plain stream.
struct TlsInfo : framepump_tls_info {
  TlsInfo() : framepump_tls_info{} { struct_size = sizeof(framepump_tls_info); }
  TlsVersion tls_version() const { return static_cast<TlsVersion>(version); }
  bool is_resumed() const { return (flags & FRAMEPUMP_TLS_RESUMED) != 0; }
  bool is_verified() const { return (flags & FRAMEPUMP_TLS_VERIFIED) != 0; }
};

}  // namespace v0
}  // namespace framepump
