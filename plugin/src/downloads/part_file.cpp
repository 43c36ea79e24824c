// SPDX-License-Identifier: MIT
#if defined(FRAMEPUMP_WITH_DOWNLOADS)

#include "downloads/part_file.h"

#include <algorithm>
#include <cstring>

#include "platform/file.h"

namespace framepump {
namespace {

// curl hands out 16 KiB at a time; larger writes are cheaper, and beyond this not noticeably so.
constexpr size_t kBufferBytes = size_t{256} * 1024;
// Hashed at a time, some 10 ms: other work of the file thread comes in between.
constexpr uint64_t kCheckedBytes = uint64_t{4} * 1024 * 1024;
// The disk works on one such piece while the next one comes. So a download is no faster than the disk, and the thread never waits for more than
// two pieces, also when the file is complete: a sync of everything at once kept it for seconds.
constexpr uint64_t kToldBytes = uint64_t{4} * 1024 * 1024;

constexpr size_t kBufferAlignment = 4096;

}  // namespace

void PartFile::drop_buffer() {
  host_.release(buffer_, kBufferBytes, kBufferAlignment);
  buffer_ = nullptr;
  buffered_bytes_ = 0;
}

void PartFile::close() {
  drop_buffer();
  file_.close();
}

bool PartFile::make_buffer() {
  if (buffer_ == nullptr) buffer_ = static_cast<char*>(host_.allocate(kBufferBytes, kBufferAlignment));
  return buffer_ != nullptr;
}

DiskResult PartFile::open(const DownloadRequest& request) {
  request_ = &request;
  part_path_.format("%s.part", request.path.c_str());
  state_path_.format("%s.part.state", request.path.c_str());
  DiskResult result = file_.open(part_path_.c_str());
  if (result.ok()) result = file_.size();
  if (!result.ok()) return result;
  resume_bytes_ = can_resume(result.size_bytes) ? result.size_bytes : 0;
  // The last byte is asked for once more where all are here: so the server says whether they still are the file.
  if (state_.total_bytes != 0 && resume_bytes_ == state_.total_bytes) --resume_bytes_;
  is_memory_short_ = !begin_hash();
  return {};
}

// What another program may have written is believed where it fits together, no further.
bool PartFile::can_resume(uint64_t size_bytes) {
  constexpr uint32_t kNever = FRAMEPUMP_DOWNLOAD_START_ANEW | FRAMEPUMP_DOWNLOAD_COMPRESSED;
  if (size_bytes == 0 || (request_->flags & kNever) != 0) return false;
  if (!is_regular_file(state_path_.c_str())) return false;
  char text[kPartStateBytes];
  const FileResult read = read_file(state_path_.c_str(), text);
  if (!read.ok || !parse_part_state({text, read.size_bytes}, state_)) return false;
  const uint64_t total = state_.total_bytes;
  if (state_.url.view() != request_->url.view()) return false;
  if (state_.validators.is_empty() && !request_->has_sha256) return false;
  if (total != 0 && (size_bytes > total || (request_->expected_bytes != 0 && request_->expected_bytes != total))) return false;
  return request_->expected_bytes == 0 || size_bytes <= request_->expected_bytes;
}

bool PartFile::begin_hash() {
  hashed_bytes_ = 0;
  return !request_->has_sha256 || hash_.begin();
}

bool PartFile::check_some(DiskResult& result) {
  result = {};
  if (!request_->has_sha256 || !make_buffer()) {
    is_memory_short_ = request_->has_sha256;
    return true;
  }
  const uint64_t until = std::min(resume_bytes_, hashed_bytes_ + kCheckedBytes);
  while (hashed_bytes_ < until) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(until - hashed_bytes_, kBufferBytes));
    result = file_.read(hashed_bytes_, {buffer_, wanted});
    if (!result.ok()) return false;
    if (result.size_bytes == 0) {  // somebody shortened it
      resume_bytes_ = hashed_bytes_;
      break;
    }
    hash_.add({buffer_, result.size_bytes});
    hashed_bytes_ += result.size_bytes;
  }
  return hashed_bytes_ >= resume_bytes_;
}

// Also on the disk: or whoever starts the next time would begin with it once more.
void PartFile::forget() {
  resume_bytes_ = 0;
  (void)file_.resize(0);
  (void)remove_file(state_path_.c_str());
}

DiskResult PartFile::go_on() {
  written_bytes_ = told_bytes_ = synced_bytes_ = resume_bytes_;
  buffered_bytes_ = 0;
  return file_.resize(resume_bytes_);
}

// Emptied first: a state never stands beside bytes of another version.
DiskResult PartFile::begin_anew(const PartState& state) {
  written_bytes_ = told_bytes_ = synced_bytes_ = resume_bytes_ = 0;
  buffered_bytes_ = 0;
  is_memory_short_ = !begin_hash();
  DiskResult result = file_.resize(0);
  if (!result.ok()) return result;
  state_ = state;
  char text[kPartStateBytes];
  const size_t size = format_part_state(state, text);
  if (size == 0 || (request_->flags & FRAMEPUMP_DOWNLOAD_COMPRESSED) != 0) return remove_file(state_path_.c_str());
  return write_whole_file(state_path_.c_str(), {text, size});
}

DiskResult PartFile::add(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const size_t taken = std::min(bytes.size(), kBufferBytes - buffered_bytes_);
    std::memcpy(buffer_ + buffered_bytes_, bytes.data(), taken);
    buffered_bytes_ += taken;
    bytes = bytes.subspan(taken);
    if (buffered_bytes_ < kBufferBytes) break;
    if (const DiskResult result = flush(); !result.ok()) return result;
  }
  return {};
}

// Of a write that failed, what reached the file counts: the download goes on there one day.
DiskResult PartFile::flush() {
  if (buffered_bytes_ == 0) return {};
  const DiskResult result = file_.write(written_bytes_, {buffer_, buffered_bytes_});
  if (request_->has_sha256) hash_.add({buffer_, result.size_bytes});
  written_bytes_ += result.size_bytes;
  hashed_bytes_ = written_bytes_;
  resume_bytes_ = written_bytes_;
  buffered_bytes_ = 0;
  if (written_bytes_ - told_bytes_ >= kToldBytes && (request_->flags & FRAMEPUMP_DOWNLOAD_NO_SYNC) == 0) {
    if (told_bytes_ > synced_bytes_) file_.wait_for_write_back(synced_bytes_, told_bytes_ - synced_bytes_);
    synced_bytes_ = told_bytes_;
    file_.start_write_back(told_bytes_, written_bytes_ - told_bytes_);
    told_bytes_ = written_bytes_;
  }
  return result;
}

// The lock is held until the new name is there.
DiskResult PartFile::rename_to(const char* path) {
  const DiskResult result = replace_file(part_path_.c_str(), path);
  if (result.ok()) remove_file(state_path_.c_str());
  return result;
}

bool PartFile::is_empty() const {
  const DiskResult result = file_.size();
  return result.ok() && result.size_bytes == 0;
}

void PartFile::remove() {
  remove_file(state_path_.c_str());
  remove_file(part_path_.c_str());
}

}  // namespace framepump

#endif
