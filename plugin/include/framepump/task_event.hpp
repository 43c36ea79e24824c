// SPDX-License-Identifier: MIT
//
// Tasks that wait for an event: that of anything that has events, and the end of a download. See coroutines.hpp.
#pragma once

#include <framepump/download.hpp>
#include <framepump/task.hpp>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

// Waits for one event about one handle, of either kind. The task may be one of other Tasks than the core that is asked.
class EventAwait {
 public:
  EventAwait(TaskCore& core, EventKind kind, EventKind other_kind, framepump_handle handle)
      : core_(core), kind_(kind), other_kind_(other_kind) {
    place_.watch.handle = handle;
  }

  bool await_ready() const { return !core_.is_open() && !is_task_cancelled(); }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) {
    TaskState& task = waiter.promise();
    place_.self = this;
    place_.watch.on_event = [](Watch& watch, const framepump_event& event) { reinterpret_cast<Place&>(watch).self->note(event); };
    place_.watch.on_end = [](Watch& watch) { reinterpret_cast<Place&>(watch).self->go_on(); };
    task_ = &task;
    task.awaiter = this;
    task.forget = [](TaskState& forgotten) { static_cast<EventAwait*>(forgotten.awaiter)->leave(); };
    core_.add_watch(place_.watch);
  }
  Event await_resume() {
    const bool is_same_tick = task_ != nullptr && task_->core->network() == network_ && task_->core->tick() == tick_;
    if (!is_same_tick) event_.text = nullptr;
    return event_;
  }

 private:
  struct Place {
    Watch watch;
    EventAwait* self = nullptr;
  };
  void note(const framepump_event& event) {
    if (event.kind != static_cast<uint32_t>(kind_) && event.kind != static_cast<uint32_t>(other_kind_)) return;
    static_cast<framepump_event&>(event_) = event;
    network_ = core_.network();
    tick_ = core_.tick();
    go_on();
  }
  void go_on() {
    leave();
    task_->core->push_ready(*task_);
  }
  void leave() {
    if (place_.watch.table_place != nullptr) core_.watches().remove(place_.watch);  // else the core may be gone
  }

  TaskCore& core_;
  EventKind kind_;
  EventKind other_kind_;
  TaskState* task_ = nullptr;
  Place place_;
  Event event_ = {};
  framepump_handle network_ = 0;
  uint64_t tick_ = 0;
};

inline Error download_error(const char* text, uint32_t reason) { return Error(ErrorCode::closed, text, static_cast<Reason>(reason)); }

// By value: the caller's handle may go meanwhile. The core is that of the task that runs this.
inline Task<Result<DownloadInfo>> wait_for_end(Download download, const framepump_api* api) {
  Result<DownloadInfo> info = download.info();
  if (info && !info->has_ended()) {
    constexpr EventKind kGood = EventKind::download_finished, kBad = EventKind::download_failed;
    const Event end = co_await EventAwait(*task_context.core, kGood, kBad, download.value());
    info = download.info();
    if (!info) {  // gameplay closed it between that tick and this turn
      if (end.what() == kBad) co_return download_error(end.words()[0] != '\0' ? end.words() : api->reason_name(end.reason), end.reason);
      DownloadInfo known;
      known.state = FRAMEPUMP_DOWNLOAD_FINISHED;
      known.bytes = known.total_bytes = end.value;
      known.http_status = static_cast<uint32_t>(end.value2);
      known.url = known.text = "";
      info = known;
    }
  }
  if (info && info->where() == DownloadState::failed) co_return download_error(info->text, info->reason);
  co_return info;
}

}  // namespace detail

inline Task<Result<DownloadInfo>> Download::finished() const { return detail::wait_for_end(*this, api_); }

}  // namespace v0
}  // namespace framepump
