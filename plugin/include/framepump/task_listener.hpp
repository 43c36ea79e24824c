// SPDX-License-Identifier: MIT
//
// Listeners that tasks wait on. See coroutines.hpp.
#pragma once

#include <framepump/task_stream.hpp>

#include <new>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

namespace detail {
class AcceptAwait;
}

// A listener whose accepted streams go to tasks, in order. It closes when it goes, or when its Tasks do, and streams that nobody has taken
// with it.
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
    if (core_ != nullptr) core_->refuse_from(handle);
    close_and_leave();
  }

 private:
  friend class detail::AcceptAwait;
  // A stream that no task has taken yet.
  struct Accepted {
    TaskStream stream;
    Accepted* next = nullptr;
  };

  void set_up() {
    on_event = [](Watch& self, const framepump_event& event) { static_cast<TaskListener&>(self).note(event); };
    on_end = [](Watch& self) { static_cast<TaskListener&>(self).close_and_leave(); };
  }
  void note(const framepump_event& event) {
    if (event.kind != FRAMEPUMP_EVENT_ACCEPTED) return;
    void* memory = core_->memory().take(sizeof(Accepted));
    if (memory == nullptr) {
      (void)Stream(core_->api(), event.handle).close();  // as a full backlog would have it
      return;
    }
    // From now on it sees what happens to the stream, however long nobody takes it.
    Accepted* accepted = new (memory) Accepted{TaskStream(*core_, Stream(core_->api(), event.handle), State::open)};
    (first_ == nullptr ? first_ : last_->next) = accepted;
    last_ = accepted;
    acceptors_.wake();
  }
  TaskStream take() {
    Accepted* accepted = std::exchange(first_, first_->next);
    TaskStream taken = std::move(accepted->stream);
    accepted->~Accepted();
    core_->memory().give_back(accepted, sizeof(Accepted));
    return taken;
  }
  void close_and_leave() {
    if (listener_) (void)listener_.close();
    if (core_ == nullptr) return;
    while (first_ != nullptr) (void)take();  // and closes it
    acceptors_.for_each([](detail::TaskState& task) { static_cast<detail::TargetWait<TaskListener>*>(task.awaiter)->target = nullptr; });
    acceptors_.dissolve();
    core_->watches().remove(*this);
    core_ = nullptr;
  }
  void take_over(TaskListener& other) {
    listener_ = std::exchange(other.listener_, Listener());
    handle = std::exchange(other.handle, 0);
    first_ = std::exchange(other.first_, nullptr);
    last_ = other.last_;
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
  Accepted* first_ = nullptr;  // the list of them
  Accepted* last_ = nullptr;   // if there is a first
};

namespace detail {

class AcceptAwait : public LineAwait<AcceptAwait, TaskListener> {
 public:
  using LineAwait::LineAwait;
  static WaitingLine& line(TaskListener& listener) { return listener.acceptors_; }
  bool attempt(TaskListener& listener) { return listener.first_ != nullptr; }
  Result<TaskStream> result(TaskListener* listener) {
    if (listener == nullptr || listener->core_ == nullptr) return Error(ErrorCode::closed, "the listener was closed here", Reason::closed_here);
    return listener->take();
  }
};

}  // namespace detail

inline detail::AcceptAwait TaskListener::accept() { return detail::AcceptAwait(this); }

}  // namespace v0
}  // namespace framepump
