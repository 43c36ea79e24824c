// SPDX-License-Identifier: MIT
//
// Files that are written, for threads that may wait for a disk. Nothing here is for a tick.
#pragma once

#include <cstdint>
#include <span>

namespace framepump {

enum class DiskStatus : uint8_t {
  ok,
  full,    // of the disk or of what the user may have there
  locked,  // by another process, or by another file of this one
  failed,  // system_code says why
};

struct DiskResult {
  DiskStatus status = DiskStatus::ok;
  int32_t system_code = 0;  // for system_message
  uint64_t size_bytes = 0;  // moved, also before a failure
  bool ok() const { return status == DiskStatus::ok; }
};

// A file that is read and written by one owner, who keeps others out by a lock. One thread at a time.
class DiskFile {
 public:
  DiskFile() = default;
  ~DiskFile() { close(); }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  // Makes it where there is none. Only a regular file is taken, and no symbolic link is followed to it.
  DiskResult open(const char* path);
  void close();
  bool is_open() const { return descriptor_ != -1; }

  DiskResult size() const;                                                   // in size_bytes
  DiskResult read(uint64_t offset, std::span<char> out) const;               // fewer than asked for: the end
  DiskResult write(uint64_t offset, std::span<const char> bytes) const;      // all, or it failed
  DiskResult resize(uint64_t size_bytes) const;
  // Tells the system to begin with bringing this part to the disk; waits for that. Where it cannot be told, sync() does all.
  void start_write_back(uint64_t offset, uint64_t size_bytes) const;
  void wait_for_write_back(uint64_t offset, uint64_t size_bytes) const;
  DiskResult sync() const;                                                   // waits until it is on the disk

 private:
  DiskResult open_and_lock(const char* path);
  bool is_named(const char* path) const;  // by this path, still

  int descriptor_ = -1;
};

// Renames over what is there.
DiskResult replace_file(const char* from, const char* to);
// Waits until the names in the folder of `path` are on the disk.
DiskResult sync_folder_of(const char* path);
// A small file as a whole: a new one is renamed over the old.
DiskResult write_whole_file(const char* path, std::span<const char> bytes);
// A file that is not there is removed well.
DiskResult remove_file(const char* path);
// A folder of this name is there.
bool is_folder(const char* path);
// A file that can be read without waiting for anybody: no pipe, and no link to one.
bool is_regular_file(const char* path);

}  // namespace framepump
