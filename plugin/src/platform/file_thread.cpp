// SPDX-License-Identifier: MIT
#include "platform/file_thread.h"

#include <algorithm>

#include "platform/clock.h"

namespace framepump {
namespace {

constexpr char kThreadName[] = "framepump-file";

}  // namespace

bool FileThread::add(FileWork& work) {
  const uint32_t count = count_.load(std::memory_order_relaxed);
  if (count == kMostWorks || stop_.load() || !wake_.open()) return false;
  works_[count] = &work;
  count_.store(count + 1, std::memory_order_release);
  if (thread_.is_started()) {
    wake_.raise();
    return true;
  }
  if (thread_.start(kThreadName, body, this)) return true;
  count_.store(count, std::memory_order_relaxed);
  return false;
}

void FileThread::stop() {
  if (!thread_.is_started()) return;
  stop_.store(true);
  wake_.raise();
  thread_.join();
}

void FileThread::body(void* self) {
  FileThread* thread = static_cast<FileThread*>(self);
  thread->host_.thread_started(kThreadName);
  thread->loop();
}

void FileThread::loop() {
  while (!stop_.load()) {
    int64_t wake_at_us = FileWork::kNotBefore;
    intptr_t descriptors[kMostWorks];
    uint32_t watched = 0;
    const uint32_t count = count_.load(std::memory_order_acquire);
    for (uint32_t i = 0; i < count && !stop_.load(); ++i) {
      wake_at_us = std::min(wake_at_us, works_[i]->work());
      const intptr_t descriptor = works_[i]->descriptor();
      if (descriptor != -1) descriptors[watched++] = descriptor;
    }
    const int64_t timeout_us = wake_at_us == FileWork::kNotBefore ? -1 : std::max<int64_t>(wake_at_us - monotonic_us(), 0);
    wake_.sleep(timeout_us, {descriptors, watched});
  }
}

}  // namespace framepump
