// SPDX-License-Identifier: MIT
//
// Tasks that wait for the same thing, one after the other.
#pragma once

#include <framepump/task.hpp>

#include <type_traits>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

// Who waits for the same thing, in order: only the first is asked again, and keeps its place until it has what it waits for.
class WaitingLine {
 public:
  bool is_free() const { return asked_ == nullptr && waiting_.is_empty(); }
  void push_back(TaskState& task) { waiting_.push_back(static_cast<WaitingLink&>(task)); }
  // It comes to its turn, without having waited.
  void ask(TaskState& task) {
    asked_ = &task;
    task.core->push_ready(task);
  }
  void wake() {
    if (asked_ == nullptr && !waiting_.is_empty()) ask(*waiting_.pop_front());
  }
  // The one that was asked has what it waited for, or not yet.
  void settle(TaskState& task, bool is_done) {
    asked_ = nullptr;
    is_done ? wake() : waiting_.push_front(static_cast<WaitingLink&>(task));
  }
  // The task is destroyed. If it is not the one that was asked, it leaves by itself.
  void forget(TaskState& task) {
    if (asked_ != &task) return;
    asked_ = nullptr;
    wake();
  }
  template <typename Do>
  void for_each(Do call) {
    if (asked_ != nullptr) call(*asked_);
    waiting_.for_each(call);
  }
  // All of them find that what they wait for is gone.
  void dissolve() {
    asked_ = nullptr;
    while (TaskState* task = waiting_.pop_front()) task->core->push_ready(*task);
  }
  void take_over(WaitingLine& other) {
    asked_ = std::exchange(other.asked_, nullptr);
    waiting_.splice(other.waiting_);
  }

 private:
  TaskRing waiting_;
  TaskState* asked_ = nullptr;  // in the list of those that can go on
};

// What every wait on a stream or listener begins with. `target` follows it when it moves, and is null when it is gone.
template <typename Target>
struct TargetWait {
  explicit TargetWait(Target* waited_for) : target(waited_for) {}
  Target* target;
};

// A wait on a stream or listener. Wait says: `line(target)`, which one it stands in; `attempt(target)`, whether it has what it waits for; and
// `result(target)`, in which target may be null. It holds nothing that must be destroyed: g++ 12 may destroy what stands in a
// co_await expression twice.
template <typename Wait, typename Target>
class LineAwait : public TargetWait<Target> {
 public:
  using TargetWait<Target>::TargetWait;

  bool await_ready() {
    static_assert(std::is_trivially_destructible_v<Wait>);
    if (is_task_cancelled()) return false;
    if (is_gone()) return true;
    if (!Wait::line(*this->target).is_free() || !this->target->task_core()->may_go_on()) return false;
    is_tried_ = true;
    return self().attempt(*this->target);
  }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) {
    if (is_gone()) return;  // and so is the task, which has cancelled itself
    TaskState& task = waiter.promise();
    WaitingLine& line = Wait::line(*this->target);
    task.awaiter = static_cast<TargetWait<Target>*>(this);
    task.poll = poll;
    task.forget = forget;
    is_tried_ || !line.is_free() ? line.push_back(task) : line.ask(task);
  }
  decltype(auto) await_resume() { return self().result(this->target); }

 private:
  bool is_gone() const { return this->target == nullptr || this->target->task_core() == nullptr; }
  Wait& self() { return static_cast<Wait&>(*this); }
  static LineAwait& of(TaskState& task) { return static_cast<LineAwait&>(*static_cast<TargetWait<Target>*>(task.awaiter)); }
  static bool poll(TaskState& task) {
    LineAwait& wait = of(task);
    if (wait.is_gone()) return true;
    const bool is_done = wait.self().attempt(*wait.target);
    Wait::line(*wait.target).settle(task, is_done);
    return is_done;
  }
  static void forget(TaskState& task) {
    LineAwait& wait = of(task);
    if (wait.target != nullptr) Wait::line(*wait.target).forget(task);
  }

  bool is_tried_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace framepump
