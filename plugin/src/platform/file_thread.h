// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "platform/host.h"
#include "platform/thread.h"
#include "platform/wake_signal.h"

namespace framepump {

// Something that the file thread does: what touches the disk, or cannot be bounded inside a slice.
class FileWork {
 public:
  static constexpr int64_t kNotBefore = INT64_MAX;  // it is woken, or its descriptor has something

  // On the file thread, whenever that wakes, be it for another's sake. The monotonic_us at which to be called again at the latest.
  // Other work waits meanwhile, so what takes longer than some 50 ms is done in pieces.
  virtual int64_t work() = 0;
  // Readable when there is work; -1: none. Asked on the file thread after each work().
  virtual intptr_t descriptor() const { return -1; }

 protected:
  ~FileWork() = default;
};

// One thread for all of it, started by the first work. add and stop are for the owner's thread.
class FileThread {
 public:
  explicit FileThread(const Host& host) : host_(host) {}
  ~FileThread() { stop(); }
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  // From now on until stop() `work` is called; at once for the first time. False: no thread or descriptor to be had, or it is one too many.
  bool add(FileWork& work);
  // Any thread, once add has returned true: every work is called soon.
  void wake() { wake_.raise(); }
  bool is_stopping() const { return stop_.load(std::memory_order_relaxed); }  // for work that is long: give up
  // Waits for the work that is being done. Nothing is called afterwards.
  void stop();

 private:
  static constexpr uint32_t kMostWorks = 4;

  static void body(void* self);
  void loop();

  const Host& host_;
  FileWork* works_[kMostWorks] = {};
  std::atomic<uint32_t> count_{0};
  std::atomic<bool> stop_{false};
  WakeSignal wake_;
  Thread thread_;
};

}  // namespace framepump
