// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "platform/host.h"
#include "pump/slice.h"
#include "pump/source.h"

namespace framepump {

struct RunReport;

// What the host's trace is told. Where the host takes none, each of these is one branch.
void tell_phase(const Host& host, const Slice& slice, Phase phase, int64_t phase_us);
void tell_turn(const Host& host, const Slice& slice, framepump_handle handle, const Turn& turn, int64_t turn_us);
void tell_span(const Host& host, uint32_t kind, framepump_handle network, const Slice& slice, const RunReport& report);

inline void trace_phase(const Host& host, const Slice& slice, Phase phase, int64_t phase_us) {
  if (host.is_traced()) [[unlikely]] tell_phase(host, slice, phase, phase_us);
}
inline void trace_turn(const Host& host, const Slice& slice, framepump_handle handle, const Turn& turn, int64_t turn_us) {
  if (host.is_traced()) [[unlikely]] tell_turn(host, slice, handle, turn, turn_us);
}
// A whole slice that was spent on pumping.
inline void trace_span(const Host& host, uint32_t kind, framepump_handle network, const Slice& slice, const RunReport& report) {
  if (host.is_traced()) [[unlikely]] tell_span(host, kind, network, slice, report);
}

}  // namespace framepump
