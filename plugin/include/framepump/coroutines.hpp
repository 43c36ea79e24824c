// SPDX-License-Identifier: MIT
//
// Straight-line gameplay code: functions that wait in the middle, in the spirit of Stackless Python's tasklets. Not part of framepump.hpp, so
// that who does not use it does not compile it. Guide: plugin/docs/coroutines.md.
//
//   fp::Task<> greet(fp::Tasks& tasks) {
//     fp::Result<fp::TaskStream> stream = co_await tasks.connect("127.0.0.1", 7777);
//     if (!stream) co_return;
//     (void)co_await stream->write_all("hello\n");
//     fp::Result<std::string_view> answer = co_await stream->read_until('\n');
//     if (answer) std::puts(std::string(*answer).c_str());
//   }
//   fp::Tasks tasks(net);           // after the network, so that it goes before it
//   tasks.start(greet(tasks));      // goes on by itself inside tick
//
// Where they run: inside tick, on the thread that ticks, once the tick has published: a task sees what gameplay sees after that tick. They
// are charged to pump.slice_us: what did not get its turn goes on in the next tick. What they write leaves in flush. They may call
// everything of the network but tick, flush, wait_until and the destructor.
//
// Whose they are: a frame lives in memory of the network's allocator, which its Tasks keep and give back when they go. A coroutine finds
// its Tasks by its arguments: the first of them that is a Tasks&, a TaskStream, a TaskListener or a Task, or an object with a method tasks()
// (so methods of such a class work too); without one it is that of the task that calls it. Else, and without memory, it fails: see Task.
//
// Their end: a task ends when it returns, in cancel, with its Tasks, and with the network. In the last three it is destroyed where it waits, so
// its objects go, the innermost first; a task that cancels itself goes on to its next co_await. Tasks may be destroyed before or
// after their network, but by no task of theirs.
//
// Compilers: g++ 12 and clang++ 14 or newer. What they get wrong: a lambda with captures inside a co_await expression (g++ 12 destroys the
// captures twice), co_await inside ?: or {} with objects that have a destructor, and structured bindings of an awaited value (g++ 15): give
// such things a name first. As everywhere: a reference parameter must outlive the task, and so must the lambda that a coroutine is;
// Tasks::start(function, arguments...) keeps both.
#pragma once

#include <framepump/task.hpp>
#include <framepump/task_event.hpp>
#include <framepump/task_join.hpp>
#include <framepump/task_listener.hpp>
#include <framepump/task_stream_await.hpp>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
// Runs tasks over one network. Neither copied nor moved, since tasks refer to it.
class Tasks : public detail::TaskCore {
 public:
  // `priority`: of its turns among user sources. False when there is no room for one: error() says why.
  explicit Tasks(Network& network, Priority priority = Priority::normal) : TaskCore(network.table(), network.handle(), priority) {}

  explicit operator bool() const { return is_open(); }
  // Why this is false, or why the newest start returned a null id.
  const Error& error() const { return error_; }

  // ---- tasks ----

  // It begins in the next tick; if a task calls this, in the same one while the slice lasts. What it returns is dropped. A null id:
  // without memory, or after the network has gone, it never begins; see error().
  template <typename T>
  TaskId start(Task<T> task) {
    if (!task) return refuse(detail::failure_of(task.failure()));
    if (task.task_core() != this) return refuse(Error(ErrorCode::foreign_handle, "the task is one of other Tasks"));
    const TaskId id = TaskCore::start(*task.state());
    if (id) task.release();
    return id;
  }
  // Starts function(arguments...), and keeps a lambda and the arguments as long as the task lives.
  template <typename Function, typename... Arguments>
    requires std::is_invocable_v<Function&, Arguments&...>
  TaskId start(Function function, Arguments... arguments) {
    return start(keep(*this, std::move(function), std::move(arguments)...));
  }
  // Destroys it at its point of suspension. False: it has ended already.
  bool cancel(TaskId id) {
    detail::TaskState* root = find(id);
    if (root != nullptr) TaskCore::cancel(*root);
    return root != nullptr;
  }
  bool is_running(TaskId id) const { return find(id) != nullptr; }
  uint32_t count() const { return running_count(); }  // started and not ended
  int64_t now_us() const { return TaskCore::now_us(); }  // frame.now_us of the newest tick that had a turn for tasks

  // ---- streams and listeners ----

  // Result<TaskStream>: once it is connected, or why not (Error::reason()). Arguments as of Network::connect. It begins to connect at
  // once, not when it is awaited.
  Task<Result<TaskStream>> connect(const char* host, uint16_t port, Priority priority = Priority::normal, uint32_t flags = 0) {
    const framepump_endpoint endpoint = make_endpoint(host, port, priority, flags);
    framepump_handle handle = 0;
    const uint32_t error = api()->connect(network(), &endpoint, &handle);
    if (error != FRAMEPUMP_OK) return opened(Error(static_cast<ErrorCode>(error), api()->last_error(network())));
    return opened(Stream(api(), handle));
  }
  // The same for a stream that Network::connect has just returned, however it was asked: co_await tasks.opened(net.connect(...)).
  Task<Result<TaskStream>> opened(Result<Stream> stream) {
    if (!stream) return fail_open(*this, stream.error());
    return wait_open(*this, TaskStream(*this, *stream, State::connecting));
  }
  // Arguments as of Network::listen. Streams that are accepted wait here until a task takes them.
  Result<TaskListener> listen(const char* host, uint16_t port, Priority priority = Priority::normal, uint32_t flags = 0) {
    if (!is_open()) return error_;
    const framepump_endpoint endpoint = make_endpoint(host, port, priority, flags);
    framepump_handle handle = 0;
    const uint32_t error = api()->listen(network(), &endpoint, &handle);
    if (error != FRAMEPUMP_OK) return Error(static_cast<ErrorCode>(error), api()->last_error(network()));
    return TaskListener(*this, Listener(api(), handle));
  }
  // Makes a stream of this network the tasks' own.
  TaskStream adopt(Stream stream) {
    const Result<StreamInfo> info = stream.info();
    if (!is_open()) return TaskStream();
    return TaskStream(*this, stream, info ? static_cast<State>(info->state) : State::closed);
  }
  // Waits for the next event of this kind about this handle, a datagram peer's for example; one that was published before is not
  // waited for. Returns the Event; its text is null if the slice did not let the task go on in the same tick. A task of other Tasks may wait
  // for it, and gets one of kind 0 if these go before.
  detail::EventAwait event(EventKind kind, framepump_handle handle) { return detail::EventAwait(*this, kind, kind, handle); }

  // ---- time (free functions too, for tasks that know no Tasks) ----

  static auto next_frame() { return framepump::next_frame(); }
  static auto yield() { return framepump::yield(); }
  static auto sleep(int64_t ms) { return framepump::sleep(ms); }

 private:
  static framepump_endpoint make_endpoint(const char* host, uint16_t port, Priority priority, uint32_t flags) {
    framepump_endpoint endpoint = {};
    endpoint.struct_size = sizeof(endpoint);
    endpoint.flags = flags;
    endpoint.host = host;
    endpoint.port = port;
    endpoint.priority = static_cast<uint32_t>(priority);
    return endpoint;
  }
  TaskId refuse(const Error& error) {
    error_ = error;
    return {};
  }
  static Task<Result<TaskStream>> fail_open(Tasks&, Error error) { co_return error; }
  static Task<Result<TaskStream>> wait_open(Tasks&, TaskStream stream) {
    const Status status = co_await stream.opened();
    if (!status) co_return status.error();
    co_return std::move(stream);
  }
  template <typename Function, typename... Arguments>
  static Task<> keep(Tasks&, Function function, Arguments... arguments) {
    co_await function(arguments...);
  }
};

}  // namespace v0
}  // namespace framepump
