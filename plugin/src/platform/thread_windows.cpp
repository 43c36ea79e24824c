// SPDX-License-Identifier: MIT
//
// Windows has no signals that a helper would have to keep away from.
#if defined(_WIN32)

#include "platform/thread.h"

#include <process.h>
#include <windows.h>

#include <cstdio>
#include <cstring>

namespace framepump {
namespace {

// Since Windows 10 1607, so it is looked for. The names given here are ASCII.
void show_name(const char* name) {
  using SetDescription = HRESULT(WINAPI*)(HANDLE thread, PCWSTR description);
  const FARPROC function = GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "SetThreadDescription");
  if (function == nullptr) return;
  SetDescription set_description = nullptr;
  static_assert(sizeof(set_description) == sizeof(function));
  std::memcpy(&set_description, &function, sizeof(function));
  wchar_t wide[16] = {};
  for (size_t i = 0; i + 1 < sizeof(wide) / sizeof(wide[0]) && name[i] != '\0'; ++i) wide[i] = static_cast<wchar_t>(name[i]);
  set_description(GetCurrentThread(), wide);
}

}  // namespace

bool Thread::start(const char* name, void (*body)(void* argument), void* argument) {
  if (started_) return false;
  body_ = body;
  argument_ = argument;
  std::snprintf(name_, sizeof(name_), "%s", name);
  // Not CreateThread, which leaves out what the C runtime keeps for each thread.
  const auto enter = [](void* self) -> unsigned {
    const Thread* thread = static_cast<const Thread*>(self);
    show_name(thread->name_);
    thread->body_(thread->argument_);
    return 0;
  };
  id_ = _beginthreadex(nullptr, 0, enter, this, 0, nullptr);
  started_ = id_ != 0;
  return started_;
}

void Thread::join() {
  if (!started_) return;
  const HANDLE thread = reinterpret_cast<HANDLE>(id_);
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
  started_ = false;
}

}  // namespace framepump

#endif
