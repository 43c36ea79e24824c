// SPDX-License-Identifier: MIT
//
// Tasks side by side: when_all, when_any, with_timeout. See coroutines.hpp.
#pragma once

#include <framepump/task.hpp>

#include <tuple>
#include <variant>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

// What a task's result is among others.
template <typename T>
struct JoinedValue {
  using Type = T;
  static T take(Task<T>& task) {
    if constexpr (kHoldsError<T>) {
      if (!task) return failure_of(task.failure());
    }
    return task.promise()->take();
  }
};
template <>
struct JoinedValue<void> {
  using Type = std::monostate;
  static Type take(Task<void>&) { return {}; }
};
template <typename T>
using Joined = typename JoinedValue<T>::Type;

// And what it is when it may also be too late.
template <typename T>
struct TimedValue {
  using Type = Result<T>;
};
template <typename T>
struct TimedValue<Result<T>> {
  using Type = Result<T>;
};
template <>
struct TimedValue<Status> {
  using Type = Status;
};
template <>
struct TimedValue<void> {
  using Type = Status;
};
template <typename T>
using Timed = typename TimedValue<T>::Type;

// Starts the branches and waits for `needed` of them, or until the time is over. It owns nothing: the tasks are in the frame that awaits,
// and are destroyed with it.
class JoinAwait {
 public:
  static constexpr int64_t kEndless = -1;

  JoinAwait(TaskState* const* branches, uint32_t count, uint32_t needed, int64_t limit_us = kEndless)
      : branches_(branches), limit_us_(limit_us), count_(count) {
    join_.remaining = needed;
    for (uint32_t i = 0; i < count; ++i) {
      if (branches[i] == nullptr && join_.remaining > 0) count_done(i);  // one that failed is done
    }
  }
  bool await_ready() const { return join_.remaining == 0; }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) {
    TaskState& task = waiter.promise();
    join_.waiter = &task;
    if (limit_us_ != kEndless) task.core->timers().add(task, SleepAwait::due_us(*task.core, limit_us_));
    for (uint32_t i = 0; i < count_; ++i) {
      if (branches_[i] == nullptr) continue;
      TaskState& branch = *branches_[i];
      if (branch.core != task.core) end_program("a task awaits one of other Tasks");
      branch.join = &join_;
      branch.branch = i;
      branch.root = task.root;
      task.core->push_ready(branch);
    }
  }
  // The branch that was done first. When the time is over: UINT32_MAX.
  uint32_t await_resume() {
    if (join_.remaining > 0) return UINT32_MAX;
    return join_.first;
  }

 private:
  void count_done(uint32_t branch) {
    if (join_.first == UINT32_MAX) join_.first = branch;
    --join_.remaining;
  }

  TaskState* const* branches_;
  int64_t limit_us_;
  uint32_t count_;
  TaskJoin join_;
};

// As one parameter of the coroutines below.
template <typename... Ts>
struct Branches {
  explicit Branches(Task<Ts>... given) : tasks(std::move(given)...) {}
  Branches(Branches&&) = default;

  TaskCore* task_core() const {
    return std::apply([](const auto&... each) {
      TaskCore* core = nullptr;
      (void)((core = each.task_core(), core != nullptr) || ...);
      return core != nullptr ? core : task_context.core;
    }, tasks);
  }
  // One failed that has no way to say so.
  bool is_lost() const {
    return std::apply([](const auto&... each) { return ((!each && !kHoldsError<Ts>) || ...); }, tasks);
  }
  std::tuple<Task<Ts>...> tasks;
};

template <typename... Ts, size_t... kIndices>
Task<std::tuple<Joined<Ts>...>> run_all(Branches<Ts...> branches, std::index_sequence<kIndices...>) {
  if (branches.is_lost()) co_await Perish();
  TaskState* states[] = {std::get<kIndices>(branches.tasks).state()...};
  JoinAwait join(states, sizeof...(Ts), sizeof...(Ts));
  co_await join;
  co_return std::tuple<Joined<Ts>...>(JoinedValue<Ts>::take(std::get<kIndices>(branches.tasks))...);
}

template <typename Any, size_t kIndex, typename T>
void take_if(uint32_t first, Task<T>& task, std::optional<Any>& taken) {
  if (first == kIndex) taken.emplace(std::in_place_index<kIndex>, JoinedValue<T>::take(task));
}

template <typename... Ts, size_t... kIndices>
Task<std::variant<Joined<Ts>...>> run_any(Branches<Ts...> branches, std::index_sequence<kIndices...>) {
  using Any = std::variant<Joined<Ts>...>;
  if (branches.is_lost()) co_await Perish();
  TaskState* states[] = {std::get<kIndices>(branches.tasks).state()...};
  JoinAwait join(states, sizeof...(Ts), 1);
  const uint32_t first = co_await join;
  std::optional<Any> taken;
  (take_if<Any, kIndices>(first, std::get<kIndices>(branches.tasks), taken), ...);
  // The others go now, not when the caller drops this task.
  ((void)Task<Ts>(std::move(std::get<kIndices>(branches.tasks))), ...);
  co_return std::move(*taken);
}

template <typename T>
Task<Timed<T>> run_timed(Task<T> task, int64_t limit_us) {
  if (!task) co_return failure_of(task.failure());
  TaskState* states[] = {task.state()};
  JoinAwait join(states, 1, 1, limit_us);
  const uint32_t first = co_await join;
  if (first != 0) {
    (void)Task<T>(std::move(task));
    co_return Error(ErrorCode::timed_out, "not done within the time that with_timeout gave");
  }
  if constexpr (std::is_void_v<T>) {
    co_return Status();
  } else {
    co_return task.promise()->take();
  }
}

}  // namespace detail

// Runs all of them side by side, and returns a tuple of what they return once all are done; std::monostate stands for void.
template <typename... Ts>
Task<std::tuple<detail::Joined<Ts>...>> when_all(Task<Ts>... tasks) {
  static_assert(sizeof...(Ts) > 0);
  return detail::run_all(detail::Branches<Ts...>(std::move(tasks)...), std::index_sequence_for<Ts...>());
}

// Runs them side by side until the first is done, and returns a variant: its index() says which one it was. The others are destroyed at
// their point of suspension before that.
template <typename... Ts>
Task<std::variant<detail::Joined<Ts>...>> when_any(Task<Ts>... tasks) {
  static_assert(sizeof...(Ts) > 0);
  return detail::run_any(detail::Branches<Ts...>(std::move(tasks)...), std::index_sequence_for<Ts...>());
}

// What the task returns as a Result (a Status for void), or ErrorCode::timed_out in the first tick whose frame.now_us is `limit_ms` later; then
// the task was destroyed.
template <typename T>
Task<detail::Timed<T>> with_timeout(Task<T> task, int64_t limit_ms) {
  return detail::run_timed(std::move(task), detail::ms_to_us(limit_ms));
}

}  // namespace v0
}  // namespace framepump
