// SPDX-License-Identifier: MIT
//
// Stands in for resolver.cpp in a build without names.
#ifndef FRAMEPUMP_WITH_NAMES

#include "sources/resolver.h"

namespace framepump {

bool has_names() { return false; }
Resolver* make_resolver(const ResolverOptions&) { return nullptr; }
void destroy_resolver(const Host&, Resolver*) {}

}  // namespace framepump

#endif
