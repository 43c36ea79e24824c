// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "platform/posix.h"

namespace framepump {
namespace {

FileResult read_all(int descriptor, std::span<char> buffer) {
  FileResult result;
  while (true) {
    char one_more = 0;
    const bool is_full = result.size_bytes == buffer.size();
    const ssize_t taken = is_full ? read_some(descriptor, &one_more, 1)
                                  : read_some(descriptor, buffer.data() + result.size_bytes, buffer.size() - result.size_bytes);
    if (taken == 0) break;
    if (taken < 0 || is_full) {
      result.system_code = taken < 0 ? errno : EFBIG;
      return result;
    }
    result.size_bytes += static_cast<uint64_t>(taken);
  }
  result.ok = true;
  return result;
}

}  // namespace

FileResult read_file(const char* path, std::span<char> buffer) {
  FileResult result;
  int descriptor = -1;
  do {
    descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) {
    result.system_code = errno;
    return result;
  }
  result = read_all(descriptor, buffer);
  close(descriptor);
  return result;
}

}  // namespace framepump

#endif
