// SPDX-License-Identifier: MIT
//
// What the files for POSIX systems share. Not for other rooms: it brings POSIX headers in.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstdint>

#include "platform/features.h"
#include "platform/socket.h"
#include "platform/system_address.h"

// Without Linux, without what is found on Linux; what BSDs and macOS may have besides is left out too.
#if defined(FRAMEPUMP_PORTABLE_POSIX)
#undef POLLRDHUP
#undef SCM_TIMESTAMPNS
#undef SO_MEMINFO
#undef SO_RCVBUFFORCE
#undef SO_TIMESTAMPNS
#undef TCP_NOTSENT_LOWAT
#undef TCP_QUICKACK
#undef TCP_USER_TIMEOUT
#endif

namespace framepump {

IoStatus status_of(int error);
IoResult failure_of(int error);

void apply_stream_options(int descriptor, const StreamOptions& options);

// poll() that sleeps its full time in spite of signals. `timeout_us` negative: no limit. The number of ready descriptors.
int poll_descriptors(pollfd* descriptors, uint32_t count, int64_t timeout_us);

// read() that survives EINTR.
ssize_t read_some(int descriptor, char* out, size_t size_bytes);

inline int descriptor_of(Socket socket) { return static_cast<int>(socket.value); }

}  // namespace framepump
