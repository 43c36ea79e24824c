// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "platform/features.h"
#include "platform/thread.h"

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <initializer_list>

namespace framepump {
namespace {

// Blocks what a host might handle, and not what tells of a crash: a blocked SIGSEGV kills the process without its crash reporter.
sigset_t signals_to_block() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&signals, crash);
  return signals;
}

}  // namespace

bool Thread::start(const char* name, void (*body)(void* argument), void* argument) {
  if (started_) return false;
  body_ = body;
  argument_ = argument;
  std::snprintf(name_, sizeof(name_), "%s", name);
  const auto enter = [](void* self) -> void* {
    const Thread* thread = static_cast<const Thread*>(self);
#if defined(FRAMEPUMP_LINUX)
    pthread_setname_np(pthread_self(), thread->name_);
#elif defined(__APPLE__)
    pthread_setname_np(thread->name_);
#endif
    thread->body_(thread->argument_);
    return nullptr;
  };
  // A new thread inherits the mask, so no signal can slip in before it sets one of its own.
  const sigset_t blocked = signals_to_block();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  pthread_t id;
  started_ = pthread_create(&id, nullptr, enter, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started_) id_ = (uintptr_t)id;  // a pointer on some systems, a number on others
  return started_;
}

void Thread::join() {
  if (!started_) return;
  pthread_join((pthread_t)id_, nullptr);
  started_ = false;
}

}  // namespace framepump

#endif
