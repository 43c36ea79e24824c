// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "platform/wake_signal.h"

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
// Where the system cannot tell (or the directory is gone for a while), wait() returns at least every 250 ms, so that a caller who compares
// contents sees every change; outside of Linux that is all it does.
class FileWatch {
 public:
  FileWatch() = default;
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  bool open(const char* path);  // false: out of descriptors
  // Sleeps until the file may have changed, or `wake` is raised (and clears it). True: it may have changed. Where a watch
  // begins (the first call, a directory that came back) it is true at once, since the file may have changed before.
  bool wait(WakeSignal& wake);

 private:
  // Half of the half second within which an edit is to take effect.
  static constexpr int64_t kLookAgainUs = 250'000;

  void watch_directory();
  bool is_told_of_changes();
  bool take_notices();

  int notify_fd_ = -1;
  int watch_id_ = -1;         // -1: the directory is not there
  bool watch_is_new_ = true;  // what happened before it is unknown
  bool is_shared_ = false;    // with other machines, whose changes are not announced
  char path_[4096] = {};      // the longest path and name that Linux takes
  char directory_[4096] = {};
  char name_[256] = {};
};

}  // namespace framepump
