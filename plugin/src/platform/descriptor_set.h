// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace framepump {

// Descriptors of a library with an interest of its own in each, level-triggered, for one thread: an epoll instance that can itself be
// waited for. Linux only; elsewhere it does not open.
class DescriptorSet {
 public:
  struct Ready {
    intptr_t descriptor;
    bool readable;
    bool writable;
    bool failed;
  };

  DescriptorSet() = default;
  ~DescriptorSet();
  DescriptorSet(const DescriptorSet&) = delete;
  DescriptorSet& operator=(const DescriptorSet&) = delete;

  bool open();  // false: out of descriptors, or no such thing on this system
  // Adds it, or changes what is wanted of it. False: the system refused.
  bool watch(intptr_t descriptor, bool readable, bool writable);
  void forget(intptr_t descriptor);
  // Those that are ready now; never waits.
  std::span<Ready> look(std::span<Ready> out);
  // Readable when look() would find something.
  intptr_t descriptor() const { return descriptor_; }

 private:
  intptr_t descriptor_ = -1;
};

}  // namespace framepump
