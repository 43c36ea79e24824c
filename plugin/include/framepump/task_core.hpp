// SPDX-License-Identifier: MIT
//
// What runs tasks: a user source that resumes those that can go on, after publication and within the slice. See coroutines.hpp.
#pragma once

#include <framepump/network.hpp>
#include <framepump/task_memory.hpp>
#include <framepump/task_waiting.hpp>
#include <framepump/task_watch.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

// Names a started task. Copying one owns nothing; a null one, or that of a task that has ended, names none.
struct TaskId {
  uint32_t slot = 0;
  uint32_t generation = 0;  // 0: null

  explicit operator bool() const { return generation != 0; }
  friend bool operator==(TaskId, TaskId) = default;
};

namespace detail {

[[noreturn]] inline void end_program(const char* why) {
  std::fprintf(stderr, "framepump: %s\n", why);
  std::abort();
}

// Of each thread: whose task runs now, so that coroutines that it calls have their frames there; and why the newest frame failed.
struct TaskContext {
  TaskCore* core = nullptr;
  ErrorCode failure = ErrorCode::ok;
};
inline constinit thread_local TaskContext task_context;
bool is_task_cancelled();  // the one that runs now has cancelled itself: it may not go on behind its next co_await

// Branches that run side by side for one task; see task_join.hpp.
struct TaskJoin {
  TaskState* waiter = nullptr;
  uint32_t remaining = 0;     // how many must be done until it goes on
  uint32_t first = UINT32_MAX;  // the branch that was done first
};

// The inside of Tasks.
//
// One turn, as a numbered list:
//   1. the first one in a tick: whoever waited for this frame, for an event of this tick or for bytes can be asked again. All that the tick
//      published is looked through, whatever the clock says: the next turn may be too late;
//   2. take the next task that may go on, and if what it waits for is there, resume it until it waits again;
//   3. after each: look at the clock, and stop after kQuantumUs;
//   4. say "more" when some are left, else "drained", and come again in the next tick while there is anything to wait for.
// Tasks that await each other are resumed in a loop here, one after the other, never one from within the other: the stack stays flat
// however deep or often they do, in every build.
class TaskCore {
 public:
  TaskCore(const TaskCore&) = delete;
  TaskCore& operator=(const TaskCore&) = delete;

  TaskCore* task_core() { return this; }
  TaskMemory& memory() { return memory_; }
  WatchTable& watches() { return watches_; }
  TaskTimers& timers() { return timers_; }
  TaskRing& next_frame() { return next_frame_; }
  Ring<TaskState, Existing>& frames() { return frames_; }
  const framepump_api* api() const { return api_; }
  framepump_handle network() const { return network_; }
  bool is_open() const { return network_ != 0 && !is_ending_; }  // false: no task can be made or started
  uint64_t tick() const { return tick_; }
  int64_t now_us() const { return now_us_; }

  // The task is asked again, behind those that are there already. It must be in no list.
  void push_ready(TaskState& task) {
    ready_.push_back(static_cast<WaitingLink&>(task));
    wake();
  }
  // Goes on with it as soon as the one that runs now has suspended.
  void run_next(TaskState& task) { next_ = &task; }
  bool is_running_cancelled() const { return running_ != nullptr && running_->root->is_cancelled; }
  // Whether the running task may go on without waiting: even one that never has to wait gives way when the quantum is used up.
  bool may_go_on() {
    constexpr uint32_t kStepsPerLook = 16;  // most steps cost less than a look at the clock
    return ++steps_ % kStepsPerLook != 0 || clock_us() < turn_ends_us_;
  }
  // It becomes the core's, and has its first turn in the next tick, or in this one if a task starts it.
  TaskId start(TaskState& root) {
    if (!has_slot()) return {};
    const uint32_t index = free_slot_;
    Slot& slot = slots_[index];
    free_slot_ = slot.next_free;
    slot.root = &root;
    if (++slot.generation == 0) slot.generation = 1;  // 0 is the null id's
    root.slot = index;
    root.root = &root;
    ++running_count_;
    push_ready(root);
    return {index, slot.generation};
  }
  TaskState* find(TaskId id) const {
    const bool is_there = id && id.slot < slot_count_ && slots_[id.slot].generation == id.generation;
    return is_there ? slots_[id.slot].root : nullptr;
  }
  uint32_t running_count() const { return running_count_; }
  // Destroys it; while it runs, as soon as it suspends.
  void cancel(TaskState& root) {
    if (running_ != nullptr && running_->root == &root) {
      root.is_cancelled = true;
    } else {
      end_root(root);
    }
  }
  void on_done(TaskState& task) {
    task.is_done = true;
    if (task.join != nullptr) {
      on_branch_done(*task.join, task.branch);
    } else if (task.parent != nullptr) {
      task.parent->child = nullptr;
      next_ = task.parent;
    }
  }
  void on_branch_done(TaskJoin& join, uint32_t branch) {
    if (join.first == UINT32_MAX) join.first = branch;
    if (join.remaining == 0 || --join.remaining > 0) return;
    timers_.remove(*join.waiter);
    static_cast<WaitingLink*>(join.waiter)->unlink();  // its time may have come just now
    next_ = join.waiter;
  }
  void wake() {
    if (is_awake_ || source_ == 0) return;
    is_awake_ = api_->wake_source(source_) == FRAMEPUMP_OK;  // where no call is allowed the next one does it
  }
  // The pump may accept one more while a listener closes, which gameplay hears of later, with TLS as late as a handshake may take
  // (stream.connect_timeout_ms): streams that come late are closed.
  void refuse_from(framepump_handle listener) {
    constexpr uint64_t kLateTicks = 64;
    constexpr int64_t kLateUs = 15'000'000;
    closed_listeners_[closed_count_++ % kClosedListeners] = listener;
    late_until_tick_ = tick_ + kLateTicks;
    late_until_us_ = now_us_ + kLateUs;
    if (!is_coming_) wake();
  }
  void add_watch(Watch& watch) {
    watches_.add(watch, memory_);
    if (!is_coming_) wake();
  }

 protected:
  TaskCore(const framepump_api* api, framepump_handle network, Priority priority) : api_(api) {
    framepump_source source = {};
    source.struct_size = sizeof(source);
    source.priority = static_cast<uint32_t>(priority);
    source.take_turn = take_turn;
    source.user = this;
    source.flags = FRAMEPUMP_SOURCE_AFTER_PUBLISH;
    source.closed = closed;
    const uint32_t error = api->add_source(network, &source, &source_);
    if (error != FRAMEPUMP_OK) {
      error_ = Error(static_cast<ErrorCode>(error), api->last_error(network));
      return;
    }
    network_ = network;
    memory_.open(api, network);
  }
  ~TaskCore() {
    if (running_ != nullptr) end_program("Tasks were destroyed by one of their own tasks");
    if (source_ != 0) api_->close(source_);  // calls closed(), unless the network has done so already
  }

  const framepump_api* api_;
  Error error_;

 private:
  static constexpr int64_t kQuantumUs = 50;  // a hundred resumptions or more; a tick may take one beyond its slice for each Tasks
  static constexpr uint32_t kNoSlot = UINT32_MAX;
  static constexpr uint32_t kClosedListeners = 64;  // the newest; as many as a network has at a time

  struct Slot {
    TaskState* root = nullptr;
    uint32_t generation = 0;
    uint32_t next_free = kNoSlot;
  };

  static uint32_t take_turn(void* self, framepump_turn* turn) { return static_cast<TaskCore*>(self)->turn(*turn); }
  static void closed(void* self) { static_cast<TaskCore*>(self)->end_all(); }

  int64_t clock_us() const {
    int64_t now_us = 0;
    api_->clock_us(network_, &now_us);
    return now_us;
  }

  uint32_t turn(framepump_turn& turn) {
    TaskCore* const outer = std::exchange(task_context.core, this);
    is_awake_ = is_coming_ = true;  // it asks for its next turn below
    turn_ends_us_ = clock_us() + kQuantumUs;
    if (turn.tick != tick_) begin_tick(turn);
    do {
      if (TaskState* due = timers_.take_due(now_us_)) ready_.push_back(static_cast<WaitingLink&>(*due));
      TaskState* task = ready_.pop_front();
      if (task == nullptr) break;
      if (task->poll == nullptr || task->poll(*task)) resume(*task);
    } while (clock_us() < turn_ends_us_);
    task_context.core = outer;
    const bool has_more = !ready_.is_empty() || (timers_.first() != nullptr && timers_.first()->wake_at_us <= now_us_);
    const bool has_any = running_count_ > 0 || watches_.size() > 0 || may_come_late();
    is_awake_ = has_more;
    is_coming_ = has_more || has_any;
    if (has_any) turn.wake_at_us = turn.now_us;
    return has_more ? FRAMEPUMP_OUTCOME_MORE : FRAMEPUMP_OUTCOME_DRAINED;
  }

  // Costs what the tick published, and may take longer than the quantum. The lists are those of this tick, so all of it is looked at now.
  void begin_tick(const framepump_turn& turn) {
    tick_ = turn.tick;
    now_us_ = turn.now_us;
    ready_.splice(next_frame_);
    if (watches_.size() == 0 && !may_come_late()) return;
    const framepump_event* events = nullptr;
    uint32_t count = 0;
    api_->events(network_, &events, &count);
    for (uint32_t i = 0; i < count; ++i) {
      const framepump_event& event = events[i];
      const auto tell = [&event](Watch& watch) { watch.on_event(watch, event); };
      watches_.for_each(event.handle, tell);
      if (event.kind != FRAMEPUMP_EVENT_ACCEPTED) continue;
      watches_.for_each(event.other, tell);
      if (is_closed_listener(event.other)) api_->close(event.handle);
    }
    const framepump_handle* readable = nullptr;
    api_->readable(network_, &readable, &count);
    for (uint32_t i = 0; i < count; ++i) {
      watches_.for_each(readable[i], [](Watch& watch) {
        if (watch.on_readable != nullptr) watch.on_readable(watch);
      });
    }
  }

  bool may_come_late() const { return tick_ < late_until_tick_ || now_us_ < late_until_us_; }
  bool is_closed_listener(framepump_handle listener) const {
    return std::find(std::begin(closed_listeners_), std::end(closed_listeners_), listener) != std::end(closed_listeners_);
  }

  void resume(TaskState& first) {
    next_ = &first;
    while (TaskState* task = std::exchange(next_, nullptr)) {
      task->poll = nullptr;
      task->forget = nullptr;
      running_ = task;
      task->frame.resume();
      running_ = nullptr;
      TaskState& root = *task->root;
      if (root.is_cancelled || root.is_done) {
        next_ = nullptr;  // it was of the same root
        end_root(root);
      }
      if (next_ != nullptr && !may_go_on()) push_ready(*std::exchange(next_, nullptr));
    }
  }

  void end_root(TaskState& root) {
    Slot& slot = slots_[root.slot];
    if (slot.root != &root) return;  // what goes with it cancels it once more
    slot.root = nullptr;
    slot.next_free = std::exchange(free_slot_, root.slot);
    --running_count_;
    destroy(root);
  }

 public:
  // The innermost first, as a stack unwinds, and without a call for each, since the chain may be long. What they hold may cancel and
  // start other tasks.
  static void destroy(TaskState& task) {
    TaskState* innermost = &task;
    while (innermost->child != nullptr) innermost = innermost->child;
    for (TaskState* parent = nullptr;; innermost = parent) {
      const bool is_last = innermost == &task;
      parent = is_last ? nullptr : innermost->parent;
      if (parent != nullptr) parent->child = nullptr;
      if (innermost->owner != nullptr) *innermost->owner = nullptr;
      if (innermost->forget != nullptr) innermost->forget(*innermost);
      static_cast<WaitingLink*>(innermost)->unlink();
      innermost->core->timers_.remove(*innermost);
      innermost->frame.destroy();
      if (is_last) break;
    }
  }

 private:
  bool has_slot() {
    if (!is_open()) return fail(ErrorCode::stale_handle, "the network is gone");
    if (free_slot_ != kNoSlot) return true;
    const uint32_t count = slot_count_ == 0 ? 64 : slot_count_ * 2;
    Slot* larger = static_cast<Slot*>(memory_.take(count * sizeof(Slot)));
    if (larger == nullptr) return fail(ErrorCode::out_of_memory, "the allocator returned null");
    for (uint32_t i = 0; i < count; ++i) {
      larger[i] = i < slot_count_ ? slots_[i] : Slot{nullptr, 0, i + 1 < count ? i + 1 : kNoSlot};
    }
    free_slot_ = slot_count_;
    if (slots_ != nullptr) memory_.give_back(slots_, slot_count_ * sizeof(Slot));
    slots_ = larger;
    slot_count_ = count;
    return true;
  }
  bool fail(ErrorCode code, const char* text) {
    error_ = Error(code, text);
    return false;
  }

  // The source is gone, and the network with it or not: every frame goes, and then their memory.
  void end_all() {
    if (running_ != nullptr) end_program("Tasks were closed by one of their own tasks");
    TaskCore* const outer = std::exchange(task_context.core, this);
    source_ = 0;
    is_ending_ = true;
    for (uint32_t i = 0; i < slot_count_; ++i) {
      if (slots_[i].root != nullptr) end_root(*slots_[i].root);
    }
    while (TaskState* task = frames_.front()) destroy(*task);  // never started
    while (Watch* watch = watches_.any()) watch->on_end(*watch);
    watches_.release(memory_);
    if (slots_ != nullptr) memory_.give_back(slots_, slot_count_ * sizeof(Slot));
    slots_ = nullptr;
    slot_count_ = 0;
    free_slot_ = kNoSlot;
    memory_.release_all();
    network_ = 0;
    error_ = Error(ErrorCode::stale_handle, "the network is gone");
    task_context.core = outer;
  }

  framepump_handle network_ = 0;
  framepump_handle source_ = 0;
  TaskMemory memory_;
  WatchTable watches_;
  Ring<TaskState, Existing> frames_;
  TaskRing ready_;
  TaskRing next_frame_;
  TaskTimers timers_;
  TaskState* next_ = nullptr;     // goes on as soon as the running one suspends
  TaskState* running_ = nullptr;  // null outside of a turn
  Slot* slots_ = nullptr;
  uint32_t slot_count_ = 0;
  uint32_t free_slot_ = kNoSlot;
  uint32_t running_count_ = 0;
  uint32_t steps_ = 0;
  uint64_t tick_ = 0;
  int64_t now_us_ = 0;
  int64_t turn_ends_us_ = 0;
  framepump_handle closed_listeners_[kClosedListeners] = {};
  uint32_t closed_count_ = 0;
  uint64_t late_until_tick_ = 0;
  int64_t late_until_us_ = INT64_MIN;
  bool is_awake_ = true;   // it has a turn, or is ready for one; a new source is
  bool is_coming_ = true;  // or has one in the next tick
  bool is_ending_ = false;
};

inline bool is_task_cancelled() { return task_context.core != nullptr && task_context.core->is_running_cancelled(); }

}  // namespace detail
}  // namespace v0
}  // namespace framepump
