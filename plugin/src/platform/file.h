// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace framepump {

// Reads a whole file of at most `buffer.size()` bytes. On success ok and size_bytes, otherwise system_code (for system_message;
// a file that is too large has one too). Blocks.
struct FileResult {
  bool ok = false;
  int32_t system_code = 0;
  uint64_t size_bytes = 0;
};
FileResult read_file(const char* path, std::span<char> buffer);

// Tells when something happened to a file, by watching its directory: editors write a new file and rename it over the old one.
// Where the system cannot tell (or the directory is gone for a while), it says every 250 ms that something may have, so that a caller who
// compares contents sees every change; outside of Linux that is all it does.
class FileWatch {
 public:
  FileWatch() = default;
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  bool open(const char* path);  // false: out of descriptors
  // True: the file may have changed since the call before. Where a watch begins (the first call, a directory that came back) it is
  // true, since the file may have changed before.
  bool may_have_changed();
  // When to ask again: when this descriptor is readable (-1: there is none) and
  intptr_t descriptor() const { return notify_fd_; }
  // at this monotonic_us at the latest. INT64_MAX: only then.
  int64_t look_again_at_us() const { return look_again_at_us_; }

 private:
  // Half of the half second within which an edit is to take effect.
  static constexpr int64_t kLookAgainUs = 250'000;

  void watch_directory();
  bool is_told_of_changes();
  bool take_notices();

  int notify_fd_ = -1;
  int watch_id_ = -1;         // -1: the directory is not there
  bool watch_is_new_ = true;  // what happened before it is unknown
  int64_t look_again_at_us_ = INT64_MAX;
  bool is_shared_ = false;    // with other machines, whose changes are not announced
  char path_[4096] = {};      // the longest path and name that Linux takes
  char directory_[4096] = {};
  char name_[256] = {};
};

}  // namespace framepump
