// SPDX-License-Identifier: MIT
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include "support/test_network.h"

namespace framepump::test {

// What this thread has computed so far, in microseconds.
inline int64_t thread_time_us() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

// Paces frames as a game does that renders and then waits for vsync.
class FramePacer {
 public:
  explicit FramePacer(int frames_per_s) : frame_(1'000'000 / frames_per_s) {}

  // Sleeps until the next frame is due; a frame that took too long moves the ones after it.
  void wait() {
    ++frames_;
    next_ = std::max(next_ + frame_, std::chrono::steady_clock::now());
    std::this_thread::sleep_until(next_);
  }
  int frames() const { return frames_; }

 private:
  std::chrono::microseconds frame_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
  int frames_ = 0;
};

// Consumes everything that is published and compares it with the pattern of a seed.
class PatternReader {
 public:
  PatternReader(framepump_handle stream, uint64_t seed) : stream_(stream), seed_(seed) {}

  // At most `limit_bytes` of it. False: a byte was wrong, now or earlier.
  bool read(uint64_t limit_bytes = UINT64_MAX) {
    const void* view = nullptr;
    uint64_t size_bytes = 0;
    while (limit_bytes > 0 && api().front(stream_, &view, &size_bytes) == FRAMEPUMP_OK) {
      size_bytes = std::min(size_bytes, limit_bytes);
      const std::string_view got(static_cast<const char*>(view), size_bytes);
      is_right_ = is_right_ && got == pattern(seed_, read_bytes_, size_bytes);
      read_bytes_ += size_bytes;
      limit_bytes -= size_bytes;
      api().consume(stream_, size_bytes);
    }
    return is_right_;
  }
  uint64_t read_bytes() const { return read_bytes_; }
  bool is_right() const { return is_right_; }
  framepump_handle stream() const { return stream_; }

 private:
  framepump_handle stream_;
  uint64_t seed_;
  uint64_t read_bytes_ = 0;
  bool is_right_ = true;
};

// Writes the pattern of a seed, as much as there is room for each time.
class PatternWriter {
 public:
  PatternWriter(framepump_handle stream, uint64_t seed, uint64_t size_bytes)
      : stream_(stream), seed_(seed), size_bytes_(size_bytes) {}

  void write() {
    constexpr uint64_t kChunkBytes = 32 * 1024;
    while (written_bytes_ < size_bytes_) {
      const std::string chunk = pattern(seed_, written_bytes_, std::min(kChunkBytes, size_bytes_ - written_bytes_));
      uint64_t taken = 0;
      if (api().write(stream_, chunk.data(), chunk.size(), &taken) != FRAMEPUMP_OK) return;
      written_bytes_ += taken;
      if (taken < chunk.size()) return;
    }
  }
  bool is_done() const { return written_bytes_ == size_bytes_; }
  uint64_t written_bytes() const { return written_bytes_; }

 private:
  framepump_handle stream_;
  uint64_t seed_;
  uint64_t size_bytes_;
  uint64_t written_bytes_ = 0;
};

}  // namespace framepump::test
