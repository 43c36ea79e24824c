// SPDX-License-Identifier: MIT
#include "sources/stream_extension.h"

#include "sources/tls_session.h"

namespace framepump {

StreamExtension::~StreamExtension() { host.destroy(tls); }

}  // namespace framepump
