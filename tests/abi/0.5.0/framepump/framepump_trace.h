/* SPDX-License-Identifier: MIT
 *
 * What services.trace is told: everything that FramePump did, as it happens. plugin/extras/trace_recorder.h makes a file of it that
 * ui.perfetto.dev opens; plugin/docs/traces.md says how.
 *
 * Times are those of services.now_us. `handle` is the network's unless noted, and fields that are not named are 0. A span is told at
 * its end, so what lies within it comes before it. Spans of one thread nest: TICK, FLUSH, WAIT and BACKGROUND hold PHASE and TURN.
 */
#ifndef FRAMEPUMP_TRACE_H
#define FRAMEPUMP_TRACE_H

#include <framepump/framepump_types.h>

#define FRAMEPUMP_TRACE_TICK 1u          /* a whole tick; detail: its mode; bytes: published; value: frame number */
#define FRAMEPUMP_TRACE_FLUSH 2u         /* a flush that pumped; bytes: moved, as in the next two */
#define FRAMEPUMP_TRACE_WAIT 3u          /* one time that wait_until pumped (its sleep is not told) */
#define FRAMEPUMP_TRACE_BACKGROUND 4u    /* one time that the background thread pumped */
#define FRAMEPUMP_TRACE_PHASE 5u         /* work for no one source, within one of these; detail: FRAMEPUMP_PHASE_*; handle: 0 */
#define FRAMEPUMP_TRACE_TURN 6u          /* a source was served; detail: FRAMEPUMP_PHASE_*; handle: the source; bytes: moved;
                                            value: connections accepted */
#define FRAMEPUMP_TRACE_PUBLISHED 7u     /* handle: a stream or peer that has new bytes; begin_us: when the oldest reached
                                            the kernel (messages: at the earliest; a stream's first bytes: perhaps when they
                                            were read); duration_us: from then to publication; bytes: new; value: ticks that
                                            began in between (streams) */
#define FRAMEPUMP_TRACE_MODE_SWITCHED 8u /* detail: the new FRAMEPUMP_MODE_* */
#define FRAMEPUMP_TRACE_OVERRUN 9u       /* of the tick that was just told; handle: the culprit (0: FramePump's own work); value:
                                            microseconds of its longest quantum; bytes: what that moved; begin_us: the tick's end */

/* What time is spent on, as in the tick report's phase_*_us. */
#define FRAMEPUMP_PHASE_COMMAND 0u
#define FRAMEPUMP_PHASE_POLL 1u
#define FRAMEPUMP_PHASE_RECEIVE 2u
#define FRAMEPUMP_PHASE_ACCEPT 3u
#define FRAMEPUMP_PHASE_SOURCE 4u
#define FRAMEPUMP_PHASE_SEND 5u
#define FRAMEPUMP_PHASE_PUBLISH 6u

typedef struct framepump_trace_event {
  uint32_t struct_size;          /* set by the plugin: what it knows of this struct */
  uint32_t kind;                 /* FRAMEPUMP_TRACE_*; ignore those that you do not know */
  uint32_t detail;
  uint32_t reserved;
  framepump_handle handle;
  int64_t begin_us;
  int64_t duration_us;
  uint64_t bytes;
  uint64_t value;
} framepump_trace_event;

#endif
