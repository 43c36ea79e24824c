// SPDX-License-Identifier: MIT
//
// Task: a function that waits in the middle. See coroutines.hpp, which says how to use it.
#pragma once

#include <framepump/task_core.hpp>

#include <coroutine>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

template <typename T>
class Task;

namespace detail {

// Whether a T can say that its task never ran, for lack of memory.
template <typename T>
inline constexpr bool kHoldsError = std::is_constructible_v<T, Error>;
template <>
inline constexpr bool kHoldsError<void> = false;

// Whose task a coroutine with this argument is, if that knows: Tasks, a TaskStream, a Task, an object with tasks().
struct CoreOf {
  CoreOf() = default;
  template <typename Argument>
    requires(!std::is_same_v<std::remove_cv_t<Argument>, CoreOf>)
  CoreOf(Argument& argument) {
    if constexpr (requires { argument.task_core(); }) {
      core = argument.task_core();
    } else if constexpr (requires { argument.tasks().task_core(); }) {
      core = argument.tasks().task_core();
    }
  }
  TaskCore* core = nullptr;
};

// The first argument that knows says it, else it is that of the task that calls.
template <typename... Arguments>
TaskCore* find_core(const Arguments&... arguments) {
  TaskCore* found = nullptr;
  (void)((found = arguments.core, found != nullptr) || ...);
  return found != nullptr ? found : task_context.core;
}

// In front of every frame: whose memory it is.
struct alignas(16) FrameHead {
  TaskCore* core;
};

// With more arguments than these none could be asked, so there may not be more. (With a template in place of defaults g++ 12 warns of an
// operator delete that does not match.)
inline constexpr size_t kMostArguments = 12;
struct TaskPromise : TaskState {
  TaskPromise(CoreOf a = {}, CoreOf b = {}, CoreOf c = {}, CoreOf d = {}, CoreOf e = {}, CoreOf f = {}, CoreOf g = {}, CoreOf h = {},
              CoreOf i = {}, CoreOf j = {}, CoreOf k = {}, CoreOf l = {}) {
    core = find_core(a, b, c, d, e, f, g, h, i, j, k, l);
    core->frames().push_back(static_cast<ExistingLink&>(*this));
  }
  ~TaskPromise() { static_cast<ExistingLink*>(this)->unlink(); }
  TaskPromise(const TaskPromise&) = delete;
  TaskPromise& operator=(const TaskPromise&) = delete;

  static void* operator new(size_t size_bytes, CoreOf a = {}, CoreOf b = {}, CoreOf c = {}, CoreOf d = {}, CoreOf e = {}, CoreOf f = {},
                            CoreOf g = {}, CoreOf h = {}, CoreOf i = {}, CoreOf j = {}, CoreOf k = {}, CoreOf l = {}) noexcept {
    TaskCore* const found = find_core(a, b, c, d, e, f, g, h, i, j, k, l);
    if (found == nullptr || !found->is_open()) {
      task_context.failure = ErrorCode::stale_handle;
      return nullptr;
    }
    void* piece = found->memory().take(sizeof(FrameHead) + size_bytes);
    if (piece == nullptr) {
      task_context.failure = ErrorCode::out_of_memory;
      return nullptr;
    }
    return new (piece) FrameHead{found} + 1;
  }
  static void operator delete(void* frame, size_t size_bytes) {
    FrameHead* head = static_cast<FrameHead*>(frame) - 1;
    head->core->memory().give_back(head, sizeof(FrameHead) + size_bytes);
  }

  struct FinalAwait {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    void await_suspend(std::coroutine_handle<Promise> task) const noexcept {
      task.promise().core->on_done(task.promise());
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwait final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const noexcept { end_program("an exception left a task; tasks return errors as results"); }
};

template <typename T>
struct Promise : TaskPromise {
  using TaskPromise::TaskPromise;
  Task<T> get_return_object();
  static Task<T> get_return_object_on_allocation_failure();
  template <typename Value>
  void return_value(Value&& value) {
    result.emplace(std::forward<Value>(value));
  }
  T take() { return std::move(*result); }
  std::optional<T> result;
};

template <>
struct Promise<void> : TaskPromise {
  using TaskPromise::TaskPromise;
  Task<void> get_return_object();
  static Task<void> get_return_object_on_allocation_failure();
  void return_void() const noexcept {}
  void take() const {}
};

// Ends the started task that awaits it. What T cannot say ends the task that would have to hear of it.
struct Perish {
  bool await_ready() const noexcept { return false; }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) const {
    waiter.promise().root->is_cancelled = true;
  }
  void await_resume() const noexcept {}
};

inline constexpr ErrorCode kGoneTask = ErrorCode::stale_handle;  // what is wrong with a Task once its frame is gone, or given away

inline Error failure_of(ErrorCode code) {
  return code == ErrorCode::out_of_memory ? Error(code, "no memory for the frame of a task")
                                          : Error(code, "a task was made without Tasks or after they ended (it needs an argument that has them), or was given away");
}

// Starts the task, which must be there (see Task), and waits for its end.
template <typename T>
class TaskAwait {
 public:
  TaskAwait(Promise<T>* task, ErrorCode failure) : task_(task), failure_(failure) {}

  bool await_ready() const {
    if (is_task_cancelled()) return false;
    return task_ == nullptr ? kHoldsError<T> : task_->is_done;
  }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) {
    TaskState& parent = waiter.promise();
    if (task_ == nullptr) return Perish().await_suspend(waiter);
    if (task_->core != parent.core) end_program("a task awaits one of other Tasks");
    task_->root = parent.root;
    task_->parent = &parent;
    parent.child = task_;
    parent.core->run_next(*task_);
  }
  T await_resume() {
    if constexpr (kHoldsError<T>) {
      if (task_ == nullptr) return failure_of(failure_);
    }
    return task_->take();
  }

 private:
  Promise<T>* task_;
  ErrorCode failure_;
};

}  // namespace detail

// A coroutine that returns T (void, a value, Result<U> or Status). It begins when it is awaited or given to Tasks::start; one that is
// dropped before never begins. It is awaited once. Without memory for its frame it ends at once with an error; if T cannot hold one, the
// started task that awaits it ends. What is awaited must stay until it is done: destroying it before, from outside or from within, ends the
// program with a message.
template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(Task&& other) noexcept : task_(std::exchange(other.task_, nullptr)), failure_(other.failure_) { own(); }
  Task& operator=(Task&& other) noexcept {
    if (this == &other) return *this;
    reset();
    task_ = std::exchange(other.task_, nullptr);
    failure_ = other.failure_;
    own();
    return *this;
  }
  ~Task() { reset(); }

  // False: there was no memory for its frame, or it was given away.
  explicit operator bool() const { return task_ != nullptr; }
  detail::TaskAwait<T> operator co_await() { return {promise(), failure_}; }

  // For Tasks and the like.
  detail::TaskCore* task_core() const { return task_ == nullptr ? nullptr : task_->core; }
  detail::TaskState* state() const { return task_; }
  ErrorCode failure() const { return failure_; }
  promise_type* promise() const { return static_cast<promise_type*>(task_); }
  detail::TaskState* release() {
    if (task_ != nullptr) task_->owner = nullptr;
    return std::exchange(task_, nullptr);
  }

 private:
  friend promise_type;
  explicit Task(detail::TaskState* task, ErrorCode failure) : task_(task), failure_(failure) { own(); }

  void own() {
    if (task_ != nullptr) task_->owner = &task_;
  }
  void reset() {
    if (task_ == nullptr) return;
    // It runs, or waits on behalf of who awaits it, who would wait for ever.
    if (task_->parent != nullptr && !task_->is_done) detail::end_program("a Task was destroyed while another task awaited it");
    detail::TaskCore::destroy(*task_);
  }

  detail::TaskState* task_;
  ErrorCode failure_;
};

template <typename T>
Task<T> detail::Promise<T>::get_return_object() {
  frame = std::coroutine_handle<Promise>::from_promise(*this);
  return Task<T>(this, kGoneTask);
}
template <typename T>
Task<T> detail::Promise<T>::get_return_object_on_allocation_failure() {
  return Task<T>(nullptr, task_context.failure);
}
inline Task<void> detail::Promise<void>::get_return_object() {
  frame = std::coroutine_handle<Promise>::from_promise(*this);
  return Task<void>(this, kGoneTask);
}
inline Task<void> detail::Promise<void>::get_return_object_on_allocation_failure() {
  return Task<void>(nullptr, task_context.failure);
}

// ---- waiting for time ----

namespace detail {

class NextFrameAwait {
 public:
  bool await_ready() const noexcept { return false; }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) const {
    TaskState& task = waiter.promise();
    task.core->next_frame().push_back(static_cast<WaitingLink&>(task));
  }
  void await_resume() const noexcept {}
};

class YieldAwait {
 public:
  bool await_ready() const noexcept { return false; }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) const {
    waiter.promise().core->push_ready(waiter.promise());
  }
  void await_resume() const noexcept {}
};

class SleepAwait {
 public:
  explicit SleepAwait(int64_t us) : us_(us) {}
  bool await_ready() const noexcept { return false; }
  template <typename Waiter>
  void await_suspend(std::coroutine_handle<Waiter> waiter) const {
    TaskState& task = waiter.promise();
    task.core->timers().add(task, due_us(*task.core, us_));
  }
  void await_resume() const noexcept {}

  // Far enough is for ever.
  static int64_t due_us(const TaskCore& core, int64_t us) {
    return us > 0 && core.now_us() > INT64_MAX - us ? INT64_MAX : core.now_us() + us;
  }

 private:
  int64_t us_;
};

inline int64_t ms_to_us(int64_t ms) { return ms > INT64_MAX / 1000 ? INT64_MAX : ms < 0 ? 0 : ms * 1000; }

}  // namespace detail

// Goes on in the next tick.
inline detail::NextFrameAwait next_frame() { return {}; }
// Lets the others go on first; in this tick if the slice lasts.
inline detail::YieldAwait yield() { return {}; }
// Goes on in the first tick whose frame.now_us is so much later.
inline detail::SleepAwait sleep(int64_t ms) { return detail::SleepAwait(detail::ms_to_us(ms)); }

}  // namespace v0
}  // namespace framepump

template <typename T, typename... Arguments>
struct std::coroutine_traits<framepump::Task<T>, Arguments...> {
  static_assert(sizeof...(Arguments) <= framepump::detail::kMostArguments,
                "a task has at most 12 arguments, the object of a method or lambda among them, or 10 that are given to start with a function");
  using promise_type = framepump::detail::Promise<T>;
};
