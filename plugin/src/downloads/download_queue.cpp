// SPDX-License-Identifier: MIT
//
// All downloads of a network on the file thread: which have their turn, and the settings that they share.
#if defined(FRAMEPUMP_WITH_DOWNLOADS)

#include <algorithm>

#include "downloads/download.h"
#include "framepump/framepump.h"
#include "platform/clock.h"

namespace framepump {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
// The config watcher is on the same thread.
constexpr int64_t kLongestRunUs = 20'000;

class DownloadQueue final : public DownloadService, public FileWork {
 public:
  DownloadQueue(const Host& host, FileThread& files, WakeSignal& ended, NameLookup* names)
      : host_(host), files_(files), desk_{host, nullptr, "", names != nullptr ? *names : hosts_file_, *this, ended, {}, static_cast<uint64_t>(realtime_ns())} {}
  ~DownloadQueue() override = default;

  bool open() { return is_shut_down_.open(); }

  // ---- gameplay's thread ----

  DownloadJob* make_job(uint32_t slot) override { return host_.create<Download>(slot, host_); }
  void destroy_job(DownloadJob* job) override { host_.destroy(static_cast<Download*>(job)); }
  void order(DownloadJob& job, uint32_t bits) override {
    orders_.post(job, bits);
    files_.wake();
  }
  void shut_down() override {
    is_leaving_.store(true);
    files_.wake();
    while (!has_left_.load()) is_shut_down_.sleep(100'000);
  }

  // ---- the file thread ----

  int64_t work() override {
    if (has_left_.load(kRelaxed)) return kNotBefore;
    if (is_leaving_.load()) {
      leave();
      return kNotBefore;
    }
    // Here, since it may read files.
    if (desk_.engine == nullptr) desk_.engine = make_http_engine(desk_.engine_error);
    int64_t now_us = monotonic_us();
    take_orders(now_us);
    desk_.pace.set_rate(settings.rate_bytes.load(kRelaxed), now_us);
    const bool has_more = desk_.engine != nullptr && desk_.engine->run(now_us + kLongestRunUs);
    now_us = monotonic_us();
    int64_t wake_at_us = step_all(now_us);
    if (start_some(now_us)) wake_at_us = now_us;
    forget_released();
    return has_more ? now_us : std::min(wake_at_us, desk_.engine != nullptr ? desk_.engine->wake_at_us() : kNotBefore);
  }
  intptr_t descriptor() const override { return desk_.engine == nullptr ? -1 : desk_.engine->descriptor(); }

 private:
  void take_orders(int64_t now_us) {
    while (HandoffLink* link = order_reader_.next()) {
      Download& download = static_cast<Download&>(*static_cast<DownloadJob*>(link));
      const uint32_t bits = link->open();
      if ((bits & kOrderStart) != 0) {
        download.order_number = ++newest_number_;
        download.next_one = first_;
        first_ = &download;
      }
      download.take_orders(bits, desk_, now_us);
    }
  }

  int64_t step_all(int64_t now_us) {
    int64_t wake_at_us = kNotBefore;
    for (Download* download = first_; download != nullptr; download = download->next_one) {
      wake_at_us = std::min(wake_at_us, download->step(desk_, now_us));
      if (download->take_news() && !download->is_ended()) notices.post(download->gate, kDownloadProgress);
    }
    return wake_at_us;
  }

  // True: one has begun.
  bool start_some(int64_t now_us) {
    int64_t places = settings.parallel.load(kRelaxed);
    for (const Download* download = first_; download != nullptr; download = download->next_one) places -= download->is_running() ? 1 : 0;
    bool has_begun = false;
    for (; places > 0; --places) {
      Download* next = nullptr;
      for (Download* download = first_; download != nullptr; download = download->next_one) {
        if (download->is_queued() && (next == nullptr || is_before(*download, *next))) next = download;
      }
      if (next == nullptr) break;
      next->begin_attempt(desk_, now_us);
      has_begun = true;
    }
    return has_begun;
  }
  static bool is_before(const Download& a, const Download& b) {
    const uint32_t priority_a = a.gate.priority.load(kRelaxed);
    const uint32_t priority_b = b.gate.priority.load(kRelaxed);
    return priority_a != priority_b ? priority_a < priority_b : a.order_number < b.order_number;
  }

  // After that they are gameplay's to destroy.
  void forget_released() {
    for (Download** link = &first_; *link != nullptr;) {
      Download* download = *link;
      if (download->is_released()) {
        *link = download->next_one;
        notices.post(download->gate, kDownloadReleased);
      } else {
        link = &download->next_one;
      }
    }
  }

  // curl says good-bye on this thread, where signals are blocked.
  void leave() {
    take_orders(monotonic_us());
    for (Download* download = first_; download != nullptr; download = download->next_one) download->drop(desk_);
    delete desk_.engine;
    desk_.engine = nullptr;
    has_left_.store(true);
    is_shut_down_.raise();
  }

  const Host& host_;
  FileThread& files_;
  HostsFileLookup hosts_file_;
  HandoffList orders_;
  HandoffReader order_reader_{orders_};
  DownloadDesk desk_;
  Download* first_ = nullptr;  // the newest of all that are not released
  uint64_t newest_number_ = 0;
  std::atomic<bool> is_leaving_{false};
  std::atomic<bool> has_left_{false};
  WakeSignal is_shut_down_;
};

}  // namespace

DownloadService* make_download_service(const Host& host, FileThread& files, WakeSignal& ended, NameLookup* names, uint32_t& error,
                                       const char*& why) {
  error = FRAMEPUMP_ERROR_OUT_OF_MEMORY;
  why = "the allocator returned null";
  DownloadQueue* queue = host.create<DownloadQueue>(host, files, ended, names);
  if (queue == nullptr) return nullptr;
  error = FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED;
  why = "cannot start the file thread: no thread or descriptor to be had";
  if (queue->open() && files.add(*queue)) return queue;
  host.destroy(queue);
  return nullptr;
}

void destroy_download_service(const Host& host, DownloadService* service) { host.destroy(static_cast<DownloadQueue*>(service)); }

}  // namespace framepump

#endif
