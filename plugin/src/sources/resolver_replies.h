// SPDX-License-Identifier: MIT
//
// What a server's answer says. Only for resolver.cpp.
#pragma once

#include "sources/name_cache.h"

namespace framepump {

// Takes the addresses and the TTL, or the failure, of an answer as c-ares hands it over: its status, and the bytes of the message.
void note_reply(NameQuery& query, int status, const unsigned char* bytes, int size_bytes);

}  // namespace framepump
