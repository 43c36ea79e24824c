// SPDX-License-Identifier: MIT
//
// Listeners that tasks wait on. See coroutines.hpp.
#pragma once

#include <framepump/task_stream.hpp>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

namespace detail {
class AcceptAwait;
}

// A listener whose accepted streams go to tasks, in order. It closes when it goes, and streams that nobody has taken with it.
class TaskListener : private detail::Watch {
 public:
  TaskListener() { set_up(); }
  TaskListener(detail::TaskCore& core, Listener listener) : core_(&core), listener_(listener) {
    set_up();
    handle = listener.value();
    core.add_watch(*this);
  }
  TaskListener(TaskListener&& other) noexcept {
    set_up();
    take_over(other);
  }
  TaskListener& operator=(TaskListener&& other) noexcept {
    if (this == &other) return *this;
    close();
    take_over(other);
    return *this;
  }
  ~TaskListener() { close(); }

  detail::AcceptAwait accept();  // to be awaited: Result<TaskStream>; ErrorCode::closed once the listener is closed

  Listener get() const { return listener_; }
  uint16_t port() const { return listener_.port(); }
  explicit operator bool() const { return core_ != nullptr; }
  detail::TaskCore* task_core() const { return core_; }
  void close() {
    if (core_ == nullptr) return;
    for (uint32_t i = 0; i < count_; ++i) (void)Stream(core_->api(), accepted_[(first_ + i) % capacity_]).close();
    (void)listener_.close();
    core_->refuse_from(handle);
    leave();
  }

 private:
  friend class detail::AcceptAwait;

  void set_up() {
    on_event = [](Watch& self, const framepump_event& event) { static_cast<TaskListener&>(self).note(event); };
    on_end = [](Watch& self) { static_cast<TaskListener&>(self).leave(); };
  }
  void note(const framepump_event& event) {
    if (event.kind != FRAMEPUMP_EVENT_ACCEPTED) return;
    if (count_ == capacity_ && !grow()) {
      (void)Stream(core_->api(), event.handle).close();  // as a full backlog would have it
      return;
    }
    accepted_[(first_ + count_++) % capacity_] = event.handle;
    acceptors_.wake();
  }
  bool grow() {
    const uint32_t capacity = capacity_ == 0 ? 8 : capacity_ * 2;
    auto* larger = static_cast<framepump_handle*>(core_->memory().take(capacity * sizeof(framepump_handle)));
    if (larger == nullptr) return false;
    for (uint32_t i = 0; i < count_; ++i) larger[i] = accepted_[(first_ + i) % capacity_];
    release_list();
    accepted_ = larger;
    capacity_ = capacity;
    first_ = 0;
    return true;
  }
  void release_list() {
    if (accepted_ != nullptr) core_->memory().give_back(std::exchange(accepted_, nullptr), capacity_ * sizeof(framepump_handle));
  }
  void leave() {
    if (core_ == nullptr) return;
    acceptors_.for_each([](detail::TaskState& task) { static_cast<detail::TargetWait<TaskListener>*>(task.awaiter)->target = nullptr; });
    acceptors_.dissolve();
    core_->watches().remove(*this);
    release_list();
    capacity_ = count_ = first_ = 0;
    core_ = nullptr;
  }
  void take_over(TaskListener& other) {
    listener_ = std::exchange(other.listener_, Listener());
    handle = std::exchange(other.handle, 0);
    accepted_ = std::exchange(other.accepted_, nullptr);
    capacity_ = std::exchange(other.capacity_, 0);
    first_ = std::exchange(other.first_, 0);
    count_ = std::exchange(other.count_, 0);
    core_ = std::exchange(other.core_, nullptr);
    acceptors_.take_over(other.acceptors_);
    if (core_ == nullptr) return;
    acceptors_.for_each([this](detail::TaskState& task) { static_cast<detail::TargetWait<TaskListener>*>(task.awaiter)->target = this; });
    core_->watches().remove(other);
    core_->watches().add(*this, core_->memory());
  }

  detail::TaskCore* core_ = nullptr;
  Listener listener_;
  detail::WaitingLine acceptors_;
  framepump_handle* accepted_ = nullptr;  // a ring: accepted, and not taken by a task yet
  uint32_t capacity_ = 0;
  uint32_t first_ = 0;
  uint32_t count_ = 0;
};

namespace detail {

class AcceptAwait : public LineAwait<AcceptAwait, TaskListener> {
 public:
  using LineAwait::LineAwait;
  static WaitingLine& line(TaskListener& listener) { return listener.acceptors_; }
  bool attempt(TaskListener& listener) { return listener.count_ > 0; }
  Result<TaskStream> result(TaskListener* listener) {
    if (listener == nullptr || listener->core_ == nullptr) return Error(ErrorCode::closed, "the listener was closed here", Reason::closed_here);
    const framepump_handle accepted = listener->accepted_[listener->first_];
    listener->first_ = (listener->first_ + 1) % listener->capacity_;
    --listener->count_;
    return TaskStream(*listener->core_, Stream(listener->core_->api(), accepted), State::open);
  }
};

}  // namespace detail

inline detail::AcceptAwait TaskListener::accept() { return detail::AcceptAwait(this); }

}  // namespace v0
}  // namespace framepump
