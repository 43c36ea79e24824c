// SPDX-License-Identifier: MIT
#include "platform/host.h"

#include <cstdio>
#include <cstring>

#include "platform/clock.h"

namespace framepump {
namespace {

int64_t own_now_us(void*) { return monotonic_us(); }

void* own_allocate(void*, uint64_t size_bytes, uint64_t alignment) {
  return ::operator new(size_bytes, std::align_val_t{alignment}, std::nothrow);
}

void own_release(void*, void* memory, uint64_t, uint64_t alignment) {
  ::operator delete(memory, std::align_val_t{alignment});  // clang 14 has no sized form by default
}

void own_log(void*, uint32_t level, const char* text) {
  constexpr const char* kNames[] = {"info", "warning", "error"};
  std::fprintf(stderr, "framepump: %s: %s\n", kNames[level < 3 ? level : 2], text);
}

void own_assert_failed(void*, const char* expression, const char* file, int32_t line) {
  std::fprintf(stderr, "framepump: %s:%d: assertion failed: %s\n", file, static_cast<int>(line), expression);
  std::fflush(stderr);  // which the program may have given a buffer; what comes next may be a crash
}

}  // namespace

Host::Host(const framepump_services* services) {
  services_.struct_size = sizeof(services_);
  if (services != nullptr) {
    const uint64_t known = services->struct_size < sizeof(services_) ? services->struct_size : sizeof(services_);
    std::memcpy(&services_, services, known);
  }
  if (services_.now_us == nullptr) services_.now_us = own_now_us;
  if (services_.allocate == nullptr || services_.release == nullptr) {
    services_.allocate = own_allocate;  // half of a pair would free memory with the wrong function
    services_.release = own_release;
  }
  if (services_.log == nullptr) services_.log = own_log;
  if (services_.assert_failed == nullptr) services_.assert_failed = own_assert_failed;
}

}  // namespace framepump
