/* SPDX-License-Identifier: MIT
 *
 * The values that cross the C boundary: handles, codes, and the structs that are not configuration.
 *
 * Rules of this boundary, so that a plugin and an engine built years apart still fit:
 *   - sized integers only; no C enum, bool or bit-field crosses it;
 *   - a struct that may grow begins with struct_size, which the caller sets to sizeof(the struct); fields are only ever
 *     added at the end, and the plugin touches none beyond the caller's size;
 *   - an event is 64 bytes for ever, because it is the stride of an array.
 */
#ifndef FRAMEPUMP_TYPES_H
#define FRAMEPUMP_TYPES_H

#include <stdint.h>

/* A value that names a network, stream, listener, source, datagram host, peer or download. Zero is null. It fits 52 bits, so a Lua or
 * JavaScript number holds it. Copying one owns nothing; a handle whose object is gone is stale, and every call says so without crashing. */
typedef uint64_t framepump_handle;

/* What a call returned. Names and meanings: error_name() and the comment of each function. */
#define FRAMEPUMP_OK 0u
#define FRAMEPUMP_ERROR_INVALID_ARGUMENT 1u       /* programmer error: a null pointer, a value out of range */
#define FRAMEPUMP_ERROR_STALE_HANDLE 2u           /* the object is gone, or the handle is null */
#define FRAMEPUMP_ERROR_FOREIGN_HANDLE 3u         /* the handle names another kind of object than the call needs */
#define FRAMEPUMP_ERROR_OVERLAPPING_CALL 4u       /* programmer error: two calls on one network at the same time */
#define FRAMEPUMP_ERROR_CLOSED 5u                 /* the stream (or its sending side) is closed; see its closed event */
#define FRAMEPUMP_ERROR_NO_ROOM 6u                /* back-pressure: try again after the writable event */
#define FRAMEPUMP_ERROR_NOT_YET 7u                /* fewer bytes have arrived than were asked for */
#define FRAMEPUMP_ERROR_TOO_LARGE 8u              /* can never fit the limit that the text names */
#define FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC 9u    /* no numeric IPv4 or IPv6 address where one is wanted; for connect, no host name
                                                     either, or this plugin was built without names */
#define FRAMEPUMP_ERROR_ADDRESS_IN_USE 10u
#define FRAMEPUMP_ERROR_ADDRESS_NOT_AVAILABLE 11u /* not an address of this machine */
#define FRAMEPUMP_ERROR_PERMISSION_DENIED 12u
#define FRAMEPUMP_ERROR_LIMIT_REACHED 13u         /* the config key that the text names is exhausted */
#define FRAMEPUMP_ERROR_OUT_OF_MEMORY 14u         /* the allocator returned null */
#define FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED 15u /* the process or the system is out of file descriptors */
#define FRAMEPUMP_ERROR_CONFIG 16u                /* the text names line, key, value and what is allowed */
#define FRAMEPUMP_ERROR_NEEDS_RESTART 17u         /* this key cannot change while the network lives */
#define FRAMEPUMP_ERROR_UNSUPPORTED 18u           /* not on this platform, or left out of this plugin */
#define FRAMEPUMP_ERROR_SYSTEM 19u                /* the system refused; the text holds its reason */
#define FRAMEPUMP_ERROR_MALFORMED 20u             /* the peer's bytes are not what was agreed on (MessageReader) */
#define FRAMEPUMP_ERROR_CERTIFICATE 21u           /* a certificate, key or authority of a TLS listener cannot be used: the text says why */
#define FRAMEPUMP_ERROR_TIMED_OUT 22u             /* of framepump's coroutines: not done within the time given to with_timeout */

/* Why a stream or datagram peer closed. */
#define FRAMEPUMP_REASON_NONE 0u
#define FRAMEPUMP_REASON_CLOSED_HERE 1u           /* close(): everything written was handed over, the peer finished too */
#define FRAMEPUMP_REASON_CLOSED_BY_PEER 2u        /* orderly end of the peer's stream */
#define FRAMEPUMP_REASON_REFUSED 3u               /* nobody listens there */
#define FRAMEPUMP_REASON_RESET 4u                 /* the peer or a middlebox cut the connection */
#define FRAMEPUMP_REASON_CONNECT_TIMED_OUT 5u     /* stream.connect_timeout_ms, or datagram.timeout_ms */
#define FRAMEPUMP_REASON_IDLE_TIMED_OUT 6u        /* stream.idle_timeout_ms */
#define FRAMEPUMP_REASON_PEER_DEAD 7u             /* the peer stopped acknowledging: stream.keepalive_s, stream.dead_after_s */
#define FRAMEPUMP_REASON_LINGER_TIMED_OUT 8u      /* close(), but the peer did not finish within stream.linger_ms */
#define FRAMEPUMP_REASON_ABORTED_HERE 9u          /* abort(): unsent bytes were dropped */
#define FRAMEPUMP_REASON_UNREACHABLE 10u
#define FRAMEPUMP_REASON_DESCRIPTORS_EXHAUSTED 11u
#define FRAMEPUMP_REASON_SYSTEM 12u               /* the event's text holds the system's reason */
#define FRAMEPUMP_REASON_TIMED_OUT 13u            /* a datagram peer that acknowledged nothing: datagram.timeout_ms */
#define FRAMEPUMP_REASON_OVERLOADED 14u           /* a datagram peer that gave up while gameplay took none of its messages */
#define FRAMEPUMP_REASON_MESSAGE_TOO_LARGE 15u    /* abort_because(): a message beyond its limit; the text says both sizes */
#define FRAMEPUMP_REASON_MALFORMED_MESSAGE 16u    /* abort_because(): the text says what is wrong with it */
#define FRAMEPUMP_REASON_NAME_NOT_FOUND 17u       /* connect by name: no such name, or it has no address; the text says who was asked */
#define FRAMEPUMP_REASON_NAME_TIMED_OUT 18u       /* connect by name: no name server answered in time (names.timeout_ms, names.tries,
                                                     stream.connect_timeout_ms) */
#define FRAMEPUMP_REASON_NAME_FAILED 19u          /* connect by name: the name servers refused or failed */
/* Of TLS streams; the event's text is a sentence with names and dates. */
#define FRAMEPUMP_REASON_TLS_CERTIFICATE_EXPIRED 20u /* or not valid yet */
#define FRAMEPUMP_REASON_TLS_WRONG_HOST 21u       /* the certificate is another host's */
#define FRAMEPUMP_REASON_TLS_UNKNOWN_ISSUER 22u   /* no authority that is believed has signed it, or it has signed itself */
#define FRAMEPUMP_REASON_TLS_CERTIFICATE_REFUSED 23u /* anything else that is wrong with it */
#define FRAMEPUMP_REASON_TLS_HANDSHAKE_FAILED 24u /* no common version or cipher, the peer refused, or it does not speak TLS */
#define FRAMEPUMP_REASON_TLS_TRUNCATED 25u        /* the connection ended without TLS's own end: bytes may be missing */
#define FRAMEPUMP_REASON_TLS_PROTOCOL 26u         /* after the handshake: the peer broke the protocol, or refused us then */
#define FRAMEPUMP_REASON_TLS_SETUP_FAILED 27u     /* our own certificate, key or authorities could not be loaded */

#define FRAMEPUMP_PRIORITY_REALTIME 0u
#define FRAMEPUMP_PRIORITY_NORMAL 1u
#define FRAMEPUMP_PRIORITY_BULK 2u

#define FRAMEPUMP_MODE_FRAME_LOCKED 0u            /* tick pumps the sockets, on the game thread */
#define FRAMEPUMP_MODE_THREADED 1u                /* the IO thread pumps, tick only publishes */

#define FRAMEPUMP_STATE_CONNECTING 1u
#define FRAMEPUMP_STATE_OPEN 2u
#define FRAMEPUMP_STATE_PEER_HALF_CLOSED 3u       /* the peer sends no more; we may */
#define FRAMEPUMP_STATE_CLOSING 4u                /* close() was called and the closed event is still to come */
#define FRAMEPUMP_STATE_CLOSED 5u                 /* the closed event was published; unread bytes can still be read */

/* What happened since the tick before. `value` and `other` as noted; unused fields are 0. */
#define FRAMEPUMP_EVENT_CONNECTED 1u
#define FRAMEPUMP_EVENT_ACCEPTED 2u               /* other: the listener, or the host; value: a peer's connect data */
#define FRAMEPUMP_EVENT_PEER_HALF_CLOSED 3u       /* only with FRAMEPUMP_STREAM_HALF_OPEN */
#define FRAMEPUMP_EVENT_CLOSED 4u                 /* reason: why; the handle is stale once its bytes are consumed */
#define FRAMEPUMP_EVENT_WRITABLE 5u               /* after NO_ROOM or a short write: half of the limit is free again */
#define FRAMEPUMP_EVENT_CONFIG_RELOADED 6u        /* text: the keys that changed */
#define FRAMEPUMP_EVENT_CONFIG_REFUSED 7u         /* text: line, key, value, what is allowed; the old settings stay */
#define FRAMEPUMP_EVENT_MODE_SWITCHED 8u          /* value: the new FRAMEPUMP_MODE_* */
#define FRAMEPUMP_EVENT_OVERRUN 9u                /* handle: the culprit (0: FramePump's own work); value: microseconds of the
                                                     whole tick; value2: microseconds of the culprit's longest quantum */

#define FRAMEPUMP_EVENT_DOWNLOAD_FINISHED 10u     /* value: bytes; value2: HTTP status; text: the path */
#define FRAMEPUMP_EVENT_DOWNLOAD_FAILED 11u       /* reason: FRAMEPUMP_REASON_* or FRAMEPUMP_REASON_DOWNLOAD_*; value and value2 as
                                                     above; text: what failed, what is allowed, what is kept */

typedef struct framepump_event {
  uint32_t kind;           /* FRAMEPUMP_EVENT_* */
  uint32_t reason;         /* FRAMEPUMP_REASON_*, for CLOSED and DOWNLOAD_FAILED */
  framepump_handle handle; /* what the event is about */
  framepump_handle other;
  uint64_t user_data;      /* of `handle`, as set by set_user_data */
  uint64_t value;
  uint64_t value2;
  uint64_t frame;          /* the frame that published it */
  union {
    const char* text;      /* null or UTF-8, valid until the next tick */
    uint64_t text_bits;    /* keeps the size where pointers are 32 bits wide */
  };
} framepump_event;

/* The frame that begins. Both values may be virtual; neither is compared with a clock. */
typedef struct framepump_frame {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t number;         /* copied into events */
  int64_t now_us;          /* the game's clock: time-outs and waits are counted in it. A step back counts as standing still. */
} framepump_frame;

/* What one tick did. Phases add up to about `tick_us`. */
typedef struct framepump_tick_report {
  uint32_t struct_size;
  uint32_t mode;                 /* FRAMEPUMP_MODE_* that this tick ran in */
  uint64_t received_bytes;       /* taken from the kernel since the last report, whoever pumped */
  uint64_t sent_bytes;           /* handed to the kernel since the last report */
  uint64_t published_bytes;      /* new bytes that gameplay can read from this tick on */
  uint32_t accepts;
  uint32_t turns;                /* quanta served in this tick */
  uint32_t left_over;            /* sources that are ready and wait for the next tick */
  uint32_t blocked;              /* streams that do not read because gameplay or the budget is full */
  int64_t slice_us;              /* the slice that was in force */
  int64_t tick_us;               /* from entry to return, on services.now_us */
  int64_t phase_command_us;      /* taking over connects, closes and writes */
  int64_t phase_poll_us;         /* asking the poller, timers */
  int64_t phase_receive_us;
  int64_t phase_accept_us;
  int64_t phase_source_us;       /* user sources */
  int64_t phase_send_us;
  int64_t phase_publish_us;
  uint32_t token_busy;           /* 1: another thread was pumping, this tick only published */
  uint32_t overrun;              /* 1: tick_us exceeded slice_us by more than pump.overrun_margin_us */
  framepump_handle culprit;      /* source with the longest quantum of this tick (0: none, or FramePump's own work) */
  int64_t culprit_us;
  uint64_t culprit_bytes;        /* what that quantum moved */
  uint64_t memory_used_bytes;    /* of memory.budget_kib */
  uint64_t memory_peak_bytes;
  uint64_t kernel_window_bytes;  /* of memory.kernel_window_kib */
  const char* notice;            /* null, or once: which key limits throughput, or that the window rule has no effect here */
  int64_t phase_enet_receive_us; /* of phase_receive_us: turns of ENet hosts */
  int64_t phase_enet_send_us;    /* of phase_send_us: the same */
} framepump_tick_report;

/* Sums since creation. */
typedef struct framepump_totals {
  uint32_t struct_size;
  uint32_t streams;              /* open now */
  uint64_t ticks;
  uint64_t received_bytes;
  uint64_t sent_bytes;
  uint64_t accepts;
  uint64_t connects;             /* that succeeded */
  uint64_t closes;
  uint64_t overruns;
  uint64_t token_busy;
  uint64_t guard_takeovers;      /* times the stall guard started to pump */
  uint64_t mode_switches;
  uint64_t accept_pauses;        /* times a listener paused because descriptors ran out */
  uint64_t memory_used_bytes;
  uint64_t memory_peak_bytes;
  uint64_t memory_budget_bytes;
  uint64_t kernel_window_bytes;
  uint64_t tls_handshakes;       /* that succeeded */
  uint64_t tls_failures;         /* handshakes that did not */
} framepump_totals;

#define FRAMEPUMP_STREAM_HOT 1u               /* its receive window is held open (memory.kernel_window_kib) */
#define FRAMEPUMP_STREAM_RECEIVE_BLOCKED 2u   /* does not read: gameplay or the budget is full */

typedef struct framepump_stream_info {
  uint32_t struct_size;
  uint32_t state;                /* FRAMEPUMP_STATE_* */
  uint32_t priority;
  uint32_t flags;                /* FRAMEPUMP_STREAM_HOT, FRAMEPUMP_STREAM_RECEIVE_BLOCKED */
  uint64_t received_bytes;       /* taken from the kernel */
  uint64_t sent_bytes;           /* handed to the kernel */
  uint64_t available_bytes;      /* published and not consumed */
  uint64_t unpublished_bytes;    /* received, to be published by the next tick */
  uint64_t unsent_bytes;         /* written and not yet handed to the kernel */
  /* Round trip and dwell time cost system calls, so they are measured for streams that somebody looks at: in the next 255 turns
     in which bytes come after each call of stream_info. */
  int64_t rtt_us;                /* smoothed, the kernel's; sampled at connect, then at most twice a second; 0: no sample */
  uint64_t window_bytes;         /* receive window promised to this stream by the window rule; 0: the kernel's own */
  int64_t dwell_us;              /* newest measured publication: oldest byte's wait from the kernel to gameplay */
  int64_t dwell_max_us;
  uint32_t dwell_frames;         /* the same in ticks that began in between */
  uint32_t back_pressure;        /* times that reading stopped for lack of room */
  char local_address[56];        /* "127.0.0.1:7777", "[::1]:7777"; empty while connecting or closing */
  char peer_address[56];         /* of a stream to a host name: empty until it is connected */
  uint64_t peek_limit_bytes;     /* the largest peek: the lesser of stream.receive_limit_kib and a 16th of memory.budget_kib */
  /* With watch_arrivals; 0: no sample, or not known on this system. */
  int64_t rtt_jitter_us;         /* mean deviation of the round trip, the kernel's (RFC 6298's RTTVAR); sampled with rtt_us */
  int64_t arrival_jitter_us;     /* mean deviation of the time between two arrivals from its mean, gain 1/16: for a peer that sends
                                    at a steady rate the interarrival jitter of RFC 3550, 6.4.1, which needs no sender's clock */
} framepump_stream_info;

/* One of the pieces that are written as one. `bytes` may be null when size_bytes is 0. */
typedef struct framepump_part {
  const void* bytes;
  uint64_t size_bytes;
} framepump_part;

#define FRAMEPUMP_ARRIVAL_STAMPED 1u /* the kernel's time of arrival; without it the time of the read stands in, as on Windows */
#define FRAMEPUMP_ARRIVAL_EXACT 2u   /* it is the last of all that was there to be read, so that time is its own. Without it, it may
                                        have come earlier, after the read before: the kernel tells one time of what is read at
                                        once, the newest. Frame-locked that is up to a frame; threaded, next to nothing. */

/* When a byte of a stream came. The frame's clock is that of framepump_frame.now_us. */
typedef struct framepump_arrival {
  uint32_t struct_size;
  uint32_t flags;                /* FRAMEPUMP_ARRIVAL_* */
  int64_t arrived_us;            /* on the frame's clock */
  int64_t waited_us;             /* from then until the newest tick began; 0: it came during that tick */
  uint32_t waited_frames;        /* ticks that began in between; 0: it came after the tick before had begun */
  uint32_t reserved;
} framepump_arrival;

struct framepump_tls; /* framepump_tls.h */

/* Where to connect to or listen on. */
#define FRAMEPUMP_STREAM_HALF_OPEN 1u  /* at the peer's end of stream stay open for writing, and say PEER_HALF_CLOSED; without
                                          it the stream sends what is queued and closes by itself */
#define FRAMEPUMP_LISTEN_HOT 2u        /* accepted streams may become hot, whatever listener.hot_streams says */
#define FRAMEPUMP_LISTEN_DUAL_STACK 4u /* an IPv6 listener takes IPv4 too; without it IPV6_V6ONLY is set */

typedef struct framepump_endpoint {
  uint32_t struct_size;
  uint32_t flags;
  const char* host;              /* numeric IPv4 or IPv6 (scope with %); for connect also a name */
  uint32_t port;                 /* 0 to 65535; 0 lets a listener choose (see listener_port) */
  uint32_t priority;             /* FRAMEPUMP_PRIORITY_*; accepted streams inherit the listener's */
  uint64_t user_data;            /* comes back in events; accepted streams inherit the listener's */
  const struct framepump_tls* tls; /* null: a plain stream; see framepump_tls.h */
} framepump_endpoint;

/* A user source: gameplay's own work, charged to the slice. `take_turn` runs inside tick on the thread that called tick,
 * does one quantum and says how it went. When, and what it may call, depends on its flags:
 *   0                                 before the tick publishes, in turn with the sockets. It must not call back into the same network.
 *   FRAMEPUMP_SOURCE_AFTER_PUBLISH    after it, in both modes: events() and readable() are those of this tick. It may call whatever
 *                                     gameplay may call between ticks, but tick, flush, wait_until and network_destroy: those
 *                                     return OVERLAPPING_CALL, as do all calls of other threads meanwhile. It must return on the
 *                                     thread that called it. It may close itself and other sources, and streams whose events
 *                                     it is looking at; a source that it adds has its first turn in the same tick if the slice
 *                                     lasts. What it writes leaves in flush.
 * Before publication each priority with work has one turn at least, so a tick takes the slice and at most one quantum more for each.
 * After it each source that is ready has one, however late it is, since what it looks at is gone in the next tick: one quantum more for
 * each of those. */
#define FRAMEPUMP_OUTCOME_DRAINED 0u   /* nothing left: until wake_source or wake_at_us */
#define FRAMEPUMP_OUTCOME_MORE 1u      /* cut off by the quantum: again, after the others */
#define FRAMEPUMP_OUTCOME_CLOSED 3u    /* finished: removed, its handle is stale */

#define FRAMEPUMP_SOURCE_AFTER_PUBLISH 1u

typedef struct framepump_turn {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t now_us;                /* in: frame.now_us */
  int64_t remaining_us;          /* in: what is left of the slice, 0 or more */
  int64_t wake_at_us;            /* out: frame time at which to be called again at the latest; INT64_MAX (preset): never. A time that
                                    has come, such as now_us: in the next tick */
  uint64_t tick;                 /* in: counts the ticks of this network, so it tells another turn in the same one */
} framepump_turn;

typedef struct framepump_source {
  uint32_t struct_size;
  uint32_t priority;
  uint32_t (*take_turn)(void* user, framepump_turn* turn);
  void* user;
  uint64_t user_data;
  uint32_t flags;                /* FRAMEPUMP_SOURCE_* */
  uint32_t reserved;
  /* Null, or called once when the source is gone: in close (after its turn, if it closes itself), after CLOSED in the next tick at the
   * latest, or at the beginning of network_destroy, while the network still lives: what was allocated from it goes back here. It
   * may call what a turn after publication may call. */
  void (*closed)(void* user);
} framepump_source;

/* What the host gives the plugin. Null members mean the plugin's own. Every function must be callable from any thread,
 * except log, which is called inside tick only. */
#define FRAMEPUMP_LOG_INFO 0u
#define FRAMEPUMP_LOG_WARNING 1u
#define FRAMEPUMP_LOG_ERROR 2u

struct framepump_trace_event; /* framepump_trace.h */

typedef struct framepump_services {
  uint32_t struct_size;
  uint32_t reserved;
  void* user;                                                       /* first argument of each */
  int64_t (*now_us)(void* user);                                    /* monotonic; the slice runs on it */
  void* (*allocate)(void* user, uint64_t size_bytes, uint64_t alignment);
  void (*release)(void* user, void* memory, uint64_t size_bytes, uint64_t alignment);
  void (*log)(void* user, uint32_t level, const char* text);        /* inside tick only */
  void (*assert_failed)(void* user, const char* expression, const char* file, int32_t line);
  void (*zone_begin)(void* user, const char* name);                 /* profiler zones, strictly nested per thread */
  void (*zone_end)(void* user);
  void (*thread_started)(void* user, const char* name);             /* on a new helper thread, before its first work */
  /* On whichever thread pumps, inside tick, flush or wait_until or on the background thread, so two at a time. It must not call
   * the plugin, and should neither wait nor allocate. With it, arrival is measured for all streams, as if somebody looked at each. */
  void (*trace)(void* user, const struct framepump_trace_event* event);
  /* Files to read instead of the system's when names are looked up: /etc/resolv.conf (a server may have a port: 127.0.0.1:5353,
   * [::1]:5353) and /etc/hosts. Null: the system's. Only read while the network is created; the files themselves are looked at again. */
  const char* resolv_conf;
  const char* hosts_file;
} framepump_services;

/* Text of a failed call that has no network to ask. */
typedef struct framepump_message {
  uint32_t struct_size;
  uint32_t code;                 /* FRAMEPUMP_ERROR_* */
  char text[504];
} framepump_message;

#endif
