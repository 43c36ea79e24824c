// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "downloads/download_service.h"
#include "downloads/part_state.h"
#include "downloads/sha256.h"
#include "platform/disk_file.h"
#include "platform/host.h"

namespace framepump {

// FILE.part, FILE.part.state and the hash of what is in them: what a download has written so far. The file thread's own.
class PartFile {
 public:
  explicit PartFile(const Host& host) : host_(host) {}
  ~PartFile() { close(); }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  // Finds out with how many bytes of it the download can go on: see resume_bytes. The lock keeps others from it until close().
  DiskResult open(const DownloadRequest& request);
  bool is_open() const { return file_.is_open(); }
  void close();
  bool make_buffer();  // false: no memory
  void drop_buffer();

  // The part that is here, as it may be continued.
  uint64_t resume_bytes() const { return resume_bytes_; }
  const PartState& state() const { return state_; }
  // Hashes some more of the part. False: there is more to do, or `result` is not ok.
  bool check_some(DiskResult& result);

  // The server goes on with the part, or begins with another.
  DiskResult go_on();
  DiskResult begin_anew(const PartState& state);
  // Nothing of it is good for anything.
  void forget();

  // Into the buffer, and from it to the disk whenever it is full.
  DiskResult add(std::span<const char> bytes);
  DiskResult flush();
  uint64_t bytes() const { return written_bytes_ + buffered_bytes_; }
  bool is_memory_short() const { return is_memory_short_; }

  void end_hash(uint8_t (&digest)[32]) { hash_.end(digest); }
  DiskResult sync() { return file_.sync(); }
  DiskResult rename_to(const char* path);
  void remove();
  bool is_empty() const;  // on the disk

 private:
  bool can_resume(uint64_t size_bytes);
  bool begin_hash();

  const Host& host_;
  const DownloadRequest* request_ = nullptr;
  FixedText<kDownloadPathBytes + 16> part_path_;
  FixedText<kDownloadPathBytes + 16> state_path_;
  DiskFile file_;
  PartState state_;
  Sha256 hash_;
  uint64_t resume_bytes_ = 0;
  uint64_t hashed_bytes_ = 0;    // of the part
  uint64_t written_bytes_ = 0;
  uint64_t told_bytes_ = 0;      // the disk has been told to begin with these
  uint64_t synced_bytes_ = 0;    // these are there
  char* buffer_ = nullptr;
  size_t buffered_bytes_ = 0;
  bool is_memory_short_ = false;
};

}  // namespace framepump
