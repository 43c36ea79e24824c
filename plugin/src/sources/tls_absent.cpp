// SPDX-License-Identifier: MIT
//
// Instead of the files that call OpenSSL in a plugin that is built without TLS: an endpoint with tls is refused, so no context is
// ever made and no session, and of the rest only the names are needed.
#ifndef FRAMEPUMP_WITH_TLS
#include <cstdio>

#include "sources/tls_context.h"
#include "sources/tls_session.h"

namespace framepump {

bool has_tls() { return false; }
const char* check_tls_options(const framepump_tls&, TlsRole, const char*, char*, uint32_t) { return nullptr; }

TlsContext* TlsContext::make(const Host&, const framepump_tls&, TlsRole, TlsContext*) { return nullptr; }
void TlsContext::destroy() {}
bool TlsContext::has_options(const framepump_tls&) const { return false; }
bool TlsContext::has_authorities(const framepump_tls&) const { return false; }
bool TlsContext::is_verifying() const { return true; }
void TlsContext::load() {}

TlsSession::TlsSession(const Host& host, TlsContext& context, const char*) : host_(host), context_(context) {}
TlsSession::~TlsSession() = default;
void TlsSession::fail_setup() {}
void TlsSession::fail_late() {}
IoResult TlsSession::handshake(Socket, uint32_t) { return {IoStatus::unsupported, 0, 0}; }
IoResult TlsSession::receive(Socket, std::span<const ReceiveBuffer>, int64_t*) { return {IoStatus::unsupported, 0, 0}; }
bool TlsSession::is_newest_arrival_exact() const { return false; }
IoResult TlsSession::send(Socket, std::span<const SendBuffer>, std::byte*) { return {IoStatus::unsupported, 0, 0}; }
IoResult TlsSession::send_end(Socket) { return {}; }
void TlsSession::release() {}

}  // namespace framepump
#endif
