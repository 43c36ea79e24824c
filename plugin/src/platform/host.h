// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <new>
#include <utility>

#include "framepump/framepump_trace.h"
#include "framepump/framepump_types.h"

namespace framepump {

// What the host gives (or our own stand-ins): clock, memory, assert handler, zones, trace. Any thread may use it; it never changes.
class Host {
 public:
  Host() : Host(nullptr) {}
  explicit Host(const framepump_services* services);

  int64_t now_us() const { return services_.now_us(services_.user); }
  void* allocate(uint64_t size_bytes, uint64_t alignment) const {
    return services_.allocate(services_.user, size_bytes, alignment);
  }
  void release(void* memory, uint64_t size_bytes, uint64_t alignment) const {
    if (memory != nullptr) services_.release(services_.user, memory, size_bytes, alignment);
  }
  void log(uint32_t level, const char* text) const { services_.log(services_.user, level, text); }
  void assert_failed(const char* expression, const char* file, int line) const {
    services_.assert_failed(services_.user, expression, file, line);
  }
  void zone_begin(const char* name) const {
    if (services_.zone_begin != nullptr) services_.zone_begin(services_.user, name);
  }
  void zone_end() const {
    if (services_.zone_end != nullptr) services_.zone_end(services_.user);
  }
  void thread_started(const char* name) const {
    if (services_.thread_started != nullptr) services_.thread_started(services_.user, name);
  }
  const char* resolv_conf_path() const { return services_.resolv_conf; }  // null: the system's; valid while the network opens
  const char* hosts_path() const { return services_.hosts_file; }
  bool is_traced() const { return services_.trace != nullptr; }
  // Only if it is.
  void trace(framepump_trace_event& event) const {
    event.struct_size = sizeof(event);
    services_.trace(services_.user, &event);
  }

  // One object in the host's memory; null when there is none.
  template <typename T, typename... Arguments>
  T* create(Arguments&&... arguments) const {
    void* memory = allocate(sizeof(T), alignof(T));
    return memory == nullptr ? nullptr : new (memory) T(std::forward<Arguments>(arguments)...);
  }
  template <typename T>
  void destroy(T* object) const {
    if (object == nullptr) return;
    object->~T();
    release(object, sizeof(T), alignof(T));
  }

 private:
  framepump_services services_ = {};
};

// A zone of the host's profiler for the life of a scope.
class Zone {
 public:
  Zone(const Host& host, const char* name) : host_(host) { host_.zone_begin(name); }
  ~Zone() { host_.zone_end(); }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  const Host& host_;
};

}  // namespace framepump

// A promise to ourselves or of the caller; a false one is reported to the host's handler, and the program goes on.
#define FRAMEPUMP_ASSERT(host, expression) \
  ((expression) ? static_cast<void>(0) : (host).assert_failed(#expression, __FILE__, __LINE__))
