// SPDX-License-Identifier: MIT
//
// A watch that Linux tells of changes.
#include "platform/features.h"

#if defined(FRAMEPUMP_LINUX)

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "platform/clock.h"
#include "platform/file.h"
#include "platform/posix.h"

namespace framepump {
namespace {

// The magic numbers of statfs(2). A change made by another machine, or by the host of a virtual one, is not announced there.
bool is_shared_file_system(const char* directory) {
  struct statfs file_system = {};
  if (statfs(directory, &file_system) != 0) return false;
  switch (static_cast<uint32_t>(file_system.f_type)) {
    case 0x6969:      // NFS
    case 0x517b:      // SMB
    case 0xfe534d42:  // SMB2
    case 0xff534d42:  // CIFS
    case 0x01021997:  // 9P: WSL, QEMU
    case 0x65735546:  // FUSE: sshfs, virtiofs
    case 0x786f4256:  // VirtualBox shared folder
      return true;
    default: return false;
  }
}

}  // namespace

FileWatch::~FileWatch() {
  if (notify_fd_ != -1) close(notify_fd_);
}

bool FileWatch::open(const char* path) {
  const char* slash = std::strrchr(path, '/');
  const int length = slash == nullptr ? 0 : static_cast<int>(slash - path);
  const char* name = slash == nullptr ? path : slash + 1;
  const char* directory = slash == nullptr ? "." : length == 0 ? "/" : path;
  std::snprintf(directory_, sizeof(directory_), "%.*s", length == 0 ? 1 : length, directory);
  std::snprintf(name_, sizeof(name_), "%s", name);
  std::snprintf(path_, sizeof(path_), "%s", path);
  if (notify_fd_ == -1) notify_fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (notify_fd_ == -1) return false;
  watch_directory();
  return true;
}

bool FileWatch::may_have_changed() {
  bool may_have_changed = take_notices();
  const int64_t now_us = monotonic_us();
  if (is_told_of_changes()) {
    look_again_at_us_ = INT64_MAX;
  } else if (look_again_at_us_ == INT64_MAX) {
    look_again_at_us_ = now_us + kLookAgainUs;
  } else if (now_us >= look_again_at_us_) {
    look_again_at_us_ = now_us + kLookAgainUs;
    may_have_changed = true;
  }
  return std::exchange(watch_is_new_, false) || may_have_changed;
}

void FileWatch::watch_directory() {
  constexpr uint32_t kMask = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF |
                             IN_MOVE_SELF | IN_ONLYDIR;
  watch_id_ = inotify_add_watch(notify_fd_, directory_, kMask);
  if (watch_id_ != -1) watch_is_new_ = true;
  is_shared_ = is_shared_file_system(directory_);
}

// A link is not told of either: what changes is a file in another directory.
bool FileWatch::is_told_of_changes() {
  if (watch_id_ == -1) watch_directory();
  struct stat status = {};
  const bool is_link = lstat(path_, &status) == 0 && S_ISLNK(status.st_mode);
  return watch_id_ != -1 && !is_shared_ && !is_link;
}

// Takes all notices that are there. True: one concerns the file.
bool FileWatch::take_notices() {
  bool concerns_file = false;
  alignas(inotify_event) char buffer[4096];  // several notices, each at most 16 bytes and a name of 256
  while (true) {
    const ssize_t taken = read_some(notify_fd_, buffer, sizeof(buffer));
    if (taken <= 0) return concerns_file;
    for (ssize_t at = 0; at < taken;) {
      inotify_event notice;
      std::memcpy(&notice, buffer + at, sizeof(notice));
      const char* name = buffer + at + sizeof(notice);
      at += static_cast<ssize_t>(sizeof(notice) + notice.len);
      if ((notice.mask & IN_Q_OVERFLOW) != 0) concerns_file = true;
      if (notice.wd != watch_id_) continue;
      if ((notice.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) {
        // Another directory may soon stand in its place.
        inotify_rm_watch(notify_fd_, watch_id_);
        watch_id_ = -1;
        concerns_file = true;
      } else if (notice.len > 0 && std::strcmp(name, name_) == 0) {
        concerns_file = true;
      }
    }
  }
}

}  // namespace framepump

#endif
