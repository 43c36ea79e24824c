// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/disk_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "platform/features.h"

namespace framepump {
namespace {

constexpr size_t kPathBytes = 4096 + 16;  // the longest that Linux takes, and what is hung on it here

DiskResult failed(uint64_t moved = 0) {
  const int code = errno;
  const bool is_full = code == ENOSPC || code == EDQUOT;
  return {is_full ? DiskStatus::full : DiskStatus::failed, code, moved};
}

DiskResult done(uint64_t size_bytes = 0) { return {DiskStatus::ok, 0, size_bytes}; }

int open_file(const char* path, int flags) {
  int descriptor = -1;
  do {
    descriptor = ::open(path, flags | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

int sync_descriptor(int descriptor) {
  int result = -1;
  do {
    result = fsync(descriptor);
  } while (result != 0 && errno == EINTR);
  return result;
}

DiskResult write_all(int descriptor, uint64_t offset, std::span<const char> bytes) {
  uint64_t moved = 0;
  while (moved < bytes.size()) {
    const ssize_t taken = pwrite(descriptor, bytes.data() + moved, bytes.size() - moved, static_cast<off_t>(offset + moved));
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return failed(moved);
    moved += static_cast<uint64_t>(taken);
  }
  return done(moved);
}

}  // namespace

// Between opening and locking, the owner before may have renamed or removed the file: then the lock is on one that has no such name any more,
// and the next one who comes would lock another.
DiskResult DiskFile::open(const char* path) {
  constexpr int kTries = 16;
  DiskResult result;
  for (int i = 0; i < kTries; ++i) {
    result = open_and_lock(path);
    if (!result.ok() || is_named(path)) return result;
    close();
  }
  return {DiskStatus::locked, EWOULDBLOCK, 0};
}

bool DiskFile::is_named(const char* path) const {
  struct stat ours = {};
  struct stat named = {};
  return fstat(descriptor_, &ours) == 0 && lstat(path, &named) == 0 && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

DiskResult DiskFile::open_and_lock(const char* path) {
  descriptor_ = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) {
    descriptor_ = -1;
    return failed();
  }
  struct stat status = {};
  DiskResult result = done();
  if (fstat(descriptor_, &status) != 0) {
    result = failed();
  } else if (!S_ISREG(status.st_mode)) {
    result = {DiskStatus::failed, EINVAL, 0};
  } else if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    result = {DiskStatus::locked, errno, 0};  // where files cannot be locked, nobody is kept out
  }
  if (!result.ok()) close();
  return result;
}

void DiskFile::close() {
  if (descriptor_ != -1) ::close(descriptor_);
  descriptor_ = -1;
}

DiskResult DiskFile::size() const {
  struct stat status = {};
  return fstat(descriptor_, &status) == 0 ? done(static_cast<uint64_t>(status.st_size)) : failed();
}

DiskResult DiskFile::read(uint64_t offset, std::span<char> out) const {
  uint64_t moved = 0;
  while (moved < out.size()) {
    const ssize_t taken = pread(descriptor_, out.data() + moved, out.size() - moved, static_cast<off_t>(offset + moved));
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return failed(moved);
    if (taken == 0) break;
    moved += static_cast<uint64_t>(taken);
  }
  return done(moved);
}

DiskResult DiskFile::write(uint64_t offset, std::span<const char> bytes) const { return write_all(descriptor_, offset, bytes); }

DiskResult DiskFile::resize(uint64_t size_bytes) const {
  int result = -1;
  do {
    result = ftruncate(descriptor_, static_cast<off_t>(size_bytes));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? done() : failed();
}

void DiskFile::start_write_back([[maybe_unused]] uint64_t offset, [[maybe_unused]] uint64_t size_bytes) const {
#if defined(FRAMEPUMP_LINUX)
  sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size_bytes), SYNC_FILE_RANGE_WRITE);
#endif
}

void DiskFile::wait_for_write_back([[maybe_unused]] uint64_t offset, [[maybe_unused]] uint64_t size_bytes) const {
#if defined(FRAMEPUMP_LINUX)
  constexpr unsigned kWait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size_bytes), kWait);
#endif
}

DiskResult DiskFile::sync() const { return sync_descriptor(descriptor_) == 0 ? done() : failed(); }

DiskResult replace_file(const char* from, const char* to) { return std::rename(from, to) == 0 ? done() : failed(); }

// A file system that cannot sync a folder keeps names in another way.
DiskResult sync_folder_of(const char* path) {
  char folder[kPathBytes];
  const char* slash = std::strrchr(path, '/');
  const int length = slash == nullptr ? 0 : static_cast<int>(slash - path);
  std::snprintf(folder, sizeof(folder), "%.*s", length == 0 ? 1 : length, slash == nullptr ? "." : length == 0 ? "/" : path);
  const int descriptor = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return done();  // write permission alone is enough for a folder
  const bool is_bad = sync_descriptor(descriptor) != 0 && errno != EINVAL && errno != EROFS;
  const DiskResult result = is_bad ? failed() : done();
  ::close(descriptor);
  return result;
}

DiskResult write_whole_file(const char* path, std::span<const char> bytes) {
  char fresh[kPathBytes];
  if (std::snprintf(fresh, sizeof(fresh), "%s.new", path) >= static_cast<int>(sizeof(fresh))) return {DiskStatus::failed, ENAMETOOLONG, 0};
  const int descriptor = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
  if (descriptor < 0) return failed();
  DiskResult result = write_all(descriptor, 0, bytes);
  ::close(descriptor);
  if (result.ok() && std::rename(fresh, path) != 0) result = failed();
  if (!result.ok()) unlink(fresh);
  return result;
}

DiskResult remove_file(const char* path) { return unlink(path) == 0 || errno == ENOENT ? done() : failed(); }

bool is_folder(const char* path) {
  struct stat status = {};
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_regular_file(const char* path) {
  struct stat status = {};
  return lstat(path, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace framepump

#endif
