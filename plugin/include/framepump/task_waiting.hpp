// SPDX-License-Identifier: MIT
//
// How tasks wait: lists and a queue of times that are made of the waiting tasks themselves, so that waiting allocates nothing.
#pragma once

#include <framepump/framepump.h>

#include <coroutine>
#include <cstdint>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

class TaskCore;
struct TaskState;
struct TaskJoin;

// A place in a list. The list itself is a ring with one place more, so leaving it takes no knowledge of it.
template <typename Tag>
struct Link {
  Link* next = nullptr;
  Link* previous = nullptr;

  void unlink() {
    if (next == nullptr) return;
    next->previous = previous;
    previous->next = next;
    next = previous = nullptr;
  }
};

template <typename Item, typename Tag>
class Ring {
 public:
  Ring() { clear(); }
  ~Ring() {
    while (!is_empty()) hub_.next->unlink();
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool is_empty() const { return hub_.next == &hub_; }
  Item* front() { return is_empty() ? nullptr : static_cast<Item*>(hub_.next); }
  void push_back(Link<Tag>& item) { insert(item, *hub_.previous, hub_); }
  void push_front(Link<Tag>& item) { insert(item, hub_, *hub_.next); }
  Item* pop_front() {
    Item* item = front();
    if (item != nullptr) hub_.next->unlink();
    return item;
  }
  // Takes all of the other ring, behind its own.
  void splice(Ring& other) {
    if (other.is_empty()) return;
    hub_.previous->next = other.hub_.next;
    other.hub_.next->previous = hub_.previous;
    hub_.previous = other.hub_.previous;
    hub_.previous->next = &hub_;
    other.clear();
  }
  template <typename Do>
  void for_each(Do call) {
    for (Link<Tag>* at = hub_.next; at != &hub_; at = at->next) call(*static_cast<Item*>(at));
  }

 private:
  void clear() { hub_.next = hub_.previous = &hub_; }
  static void insert(Link<Tag>& item, Link<Tag>& before, Link<Tag>& after) {
    item.previous = &before;
    item.next = &after;
    before.next = after.previous = &item;
  }
  Link<Tag> hub_;
};

struct Waiting;   // the tags of the lists that a task can be in
struct Existing;
using WaitingLink = Link<Waiting>;
using ExistingLink = Link<Existing>;

// What the promise of every task begins with. A task waits for one thing at a time, so its place in a list is here, and awaiters own
// nothing: whoever destroys a frame takes it out of its list first.
struct TaskState : WaitingLink, ExistingLink {
  std::coroutine_handle<> frame;
  TaskCore* core = nullptr;
  TaskState* root = nullptr;    // the started task that it runs for; null: not started
  TaskState* parent = nullptr;  // which awaits it
  TaskState* child = nullptr;   // which it awaits
  TaskState** owner = nullptr;  // the place in the Task object
  TaskJoin* join = nullptr;     // which it is a branch of, instead of having a parent

  void* awaiter = nullptr;
  bool (*poll)(TaskState&) = nullptr;    // null: it can go on. False: not yet, and it waits in its place again
  void (*forget)(TaskState&) = nullptr;  // null, or it is destroyed while it waits

  TaskState* timer_next = nullptr;      // of the queue of times: the next sibling
  TaskState* timer_previous = nullptr;  // the sibling before, or the parent
  TaskState* timer_child = nullptr;
  int64_t wake_at_us = 0;

  uint32_t slot = 0;    // of a root
  uint32_t branch = 0;  // of a join
  bool is_timed = false;
  bool is_done = false;
  bool is_cancelled = false;  // a root that runs: to be destroyed when it next suspends
};

using TaskRing = Ring<TaskState, Waiting>;

// The tasks that wait for a time, the earliest first: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986).
class TaskTimers {
 public:
  const TaskState* first() const { return first_; }
  void add(TaskState& task, int64_t wake_at_us) {
    task.wake_at_us = wake_at_us;
    task.is_timed = true;
    first_ = meld(first_, &task);
  }
  void remove(TaskState& task) {
    if (!task.is_timed) return;
    task.is_timed = false;
    if (&task == first_) {
      first_ = nullptr;
    } else {
      TaskState& before = *task.timer_previous;
      (before.timer_child == &task ? before.timer_child : before.timer_next) = task.timer_next;
      if (task.timer_next != nullptr) task.timer_next->timer_previous = &before;
    }
    first_ = meld(first_, pair(std::exchange(task.timer_child, nullptr)));
    task.timer_next = task.timer_previous = nullptr;
  }
  // Null: none is due.
  TaskState* take_due(int64_t now_us) {
    TaskState* task = first_;
    if (task == nullptr || task->wake_at_us > now_us) return nullptr;
    remove(*task);
    return task;
  }

 private:
  // Two heaps become one. Neither has siblings.
  static TaskState* meld(TaskState* a, TaskState* b) {
    if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
    if (b->wake_at_us < a->wake_at_us) std::swap(a, b);
    b->timer_next = a->timer_child;
    b->timer_previous = a;
    if (a->timer_child != nullptr) a->timer_child->timer_previous = b;
    a->timer_child = b;
    return a;
  }
  // The children of what was the first become one heap: in pairs, and then each pair with those after it.
  static TaskState* pair(TaskState* list) {
    TaskState* pairs = nullptr;
    while (list != nullptr) {
      TaskState* a = list;
      TaskState* b = a->timer_next;
      list = b == nullptr ? nullptr : b->timer_next;
      a->timer_next = a->timer_previous = nullptr;
      if (b != nullptr) b->timer_next = b->timer_previous = nullptr;
      TaskState* both = meld(a, b);
      both->timer_next = pairs;
      pairs = both;
    }
    TaskState* all = nullptr;
    while (pairs != nullptr) {
      TaskState* rest = std::exchange(pairs->timer_next, nullptr);
      all = meld(all, pairs);
      pairs = rest;
    }
    return all;
  }

  TaskState* first_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace framepump
