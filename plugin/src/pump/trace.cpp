// SPDX-License-Identifier: MIT
#include "pump/trace.h"

#include "pump/pump.h"

namespace framepump {

static_assert(static_cast<uint32_t>(Phase::command) == FRAMEPUMP_PHASE_COMMAND);
static_assert(static_cast<uint32_t>(Phase::poll) == FRAMEPUMP_PHASE_POLL);
static_assert(static_cast<uint32_t>(Phase::receive) == FRAMEPUMP_PHASE_RECEIVE);
static_assert(static_cast<uint32_t>(Phase::accept) == FRAMEPUMP_PHASE_ACCEPT);
static_assert(static_cast<uint32_t>(Phase::source) == FRAMEPUMP_PHASE_SOURCE);
static_assert(static_cast<uint32_t>(Phase::send) == FRAMEPUMP_PHASE_SEND);
static_assert(static_cast<uint32_t>(Phase::publish) == FRAMEPUMP_PHASE_PUBLISH);

// A phase that took no microsecond would only fill the trace.
void tell_phase(const Host& host, const Slice& slice, Phase phase, int64_t phase_us) {
  if (phase_us == 0) return;
  framepump_trace_event event = {};
  event.kind = FRAMEPUMP_TRACE_PHASE;
  event.detail = static_cast<uint32_t>(phase);
  event.begin_us = slice.now_us() - phase_us;
  event.duration_us = phase_us;
  host.trace(event);
}

void tell_turn(const Host& host, const Slice& slice, framepump_handle handle, const Turn& turn, int64_t turn_us) {
  framepump_trace_event event = {};
  event.kind = FRAMEPUMP_TRACE_TURN;
  event.detail = static_cast<uint32_t>(turn.phase);
  event.handle = handle;
  event.begin_us = slice.now_us() - turn_us;
  event.duration_us = turn_us;
  event.bytes = turn.bytes;
  event.value = turn.accepts;
  host.trace(event);
}

void tell_span(const Host& host, uint32_t kind, framepump_handle network, const Slice& slice, const RunReport& report) {
  framepump_trace_event event = {};
  event.kind = kind;
  event.handle = network;
  event.begin_us = slice.begin_us();
  event.duration_us = slice.elapsed_us();
  event.bytes = report.received_bytes + report.sent_bytes;
  host.trace(event);
}

}  // namespace framepump
