// SPDX-License-Identifier: MIT
#include "platform/features.h"

#if !defined(FRAMEPUMP_LINUX)

#include "platform/descriptor_set.h"

namespace framepump {

DescriptorSet::~DescriptorSet() = default;
bool DescriptorSet::open() { return false; }
bool DescriptorSet::watch(intptr_t, bool, bool) { return false; }
void DescriptorSet::forget(intptr_t) {}
std::span<DescriptorSet::Ready> DescriptorSet::look(std::span<Ready> out) { return out.first(0); }

}  // namespace framepump

#endif
