// SPDX-License-Identifier: MIT
//
// The values of framepump_types.h and framepump_config.h with types of their own.
#pragma once

#include <framepump/framepump.h>

#include <cstdint>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

enum class Priority : uint32_t {
  realtime = FRAMEPUMP_PRIORITY_REALTIME,
  normal = FRAMEPUMP_PRIORITY_NORMAL,
  bulk = FRAMEPUMP_PRIORITY_BULK,
};

enum class Mode : uint32_t { frame_locked = FRAMEPUMP_MODE_FRAME_LOCKED, threaded = FRAMEPUMP_MODE_THREADED };

enum class Until : uint32_t { deadline = FRAMEPUMP_WAIT_DEADLINE, first_data = FRAMEPUMP_WAIT_FIRST_DATA };

enum class Watch : uint32_t { off = 0, on = 1 };

enum class State : uint32_t {
  connecting = FRAMEPUMP_STATE_CONNECTING,
  open = FRAMEPUMP_STATE_OPEN,
  peer_half_closed = FRAMEPUMP_STATE_PEER_HALF_CLOSED,
  closing = FRAMEPUMP_STATE_CLOSING,
  closed = FRAMEPUMP_STATE_CLOSED,
};

enum class Reason : uint32_t {
  none = FRAMEPUMP_REASON_NONE,
  closed_here = FRAMEPUMP_REASON_CLOSED_HERE,
  closed_by_peer = FRAMEPUMP_REASON_CLOSED_BY_PEER,
  refused = FRAMEPUMP_REASON_REFUSED,
  reset = FRAMEPUMP_REASON_RESET,
  connect_timed_out = FRAMEPUMP_REASON_CONNECT_TIMED_OUT,
  idle_timed_out = FRAMEPUMP_REASON_IDLE_TIMED_OUT,
  peer_dead = FRAMEPUMP_REASON_PEER_DEAD,
  linger_timed_out = FRAMEPUMP_REASON_LINGER_TIMED_OUT,
  aborted_here = FRAMEPUMP_REASON_ABORTED_HERE,
  unreachable = FRAMEPUMP_REASON_UNREACHABLE,
  descriptors_exhausted = FRAMEPUMP_REASON_DESCRIPTORS_EXHAUSTED,
  system = FRAMEPUMP_REASON_SYSTEM,
  timed_out = FRAMEPUMP_REASON_TIMED_OUT,
  overloaded = FRAMEPUMP_REASON_OVERLOADED,
  message_too_large = FRAMEPUMP_REASON_MESSAGE_TOO_LARGE,
  malformed_message = FRAMEPUMP_REASON_MALFORMED_MESSAGE,
  download_name = FRAMEPUMP_REASON_DOWNLOAD_NAME,
  download_connect = FRAMEPUMP_REASON_DOWNLOAD_CONNECT,
  download_tls = FRAMEPUMP_REASON_DOWNLOAD_TLS,
  download_status = FRAMEPUMP_REASON_DOWNLOAD_STATUS,
  download_redirect = FRAMEPUMP_REASON_DOWNLOAD_REDIRECT,
  download_broken = FRAMEPUMP_REASON_DOWNLOAD_BROKEN,
  download_stalled = FRAMEPUMP_REASON_DOWNLOAD_STALLED,
  download_size = FRAMEPUMP_REASON_DOWNLOAD_SIZE,
  download_hash = FRAMEPUMP_REASON_DOWNLOAD_HASH,
  download_disk_full = FRAMEPUMP_REASON_DOWNLOAD_DISK_FULL,
  download_file = FRAMEPUMP_REASON_DOWNLOAD_FILE,
  download_memory = FRAMEPUMP_REASON_DOWNLOAD_MEMORY,
  name_not_found = FRAMEPUMP_REASON_NAME_NOT_FOUND,
  name_timed_out = FRAMEPUMP_REASON_NAME_TIMED_OUT,
  name_failed = FRAMEPUMP_REASON_NAME_FAILED,
  tls_certificate_expired = FRAMEPUMP_REASON_TLS_CERTIFICATE_EXPIRED,
  tls_wrong_host = FRAMEPUMP_REASON_TLS_WRONG_HOST,
  tls_unknown_issuer = FRAMEPUMP_REASON_TLS_UNKNOWN_ISSUER,
  tls_certificate_refused = FRAMEPUMP_REASON_TLS_CERTIFICATE_REFUSED,
  tls_handshake_failed = FRAMEPUMP_REASON_TLS_HANDSHAKE_FAILED,
  tls_truncated = FRAMEPUMP_REASON_TLS_TRUNCATED,
  tls_protocol = FRAMEPUMP_REASON_TLS_PROTOCOL,
  tls_setup_failed = FRAMEPUMP_REASON_TLS_SETUP_FAILED,
};

enum class EventKind : uint32_t {
  connected = FRAMEPUMP_EVENT_CONNECTED,
  accepted = FRAMEPUMP_EVENT_ACCEPTED,
  peer_half_closed = FRAMEPUMP_EVENT_PEER_HALF_CLOSED,
  closed = FRAMEPUMP_EVENT_CLOSED,
  writable = FRAMEPUMP_EVENT_WRITABLE,
  config_reloaded = FRAMEPUMP_EVENT_CONFIG_RELOADED,
  config_refused = FRAMEPUMP_EVENT_CONFIG_REFUSED,
  mode_switched = FRAMEPUMP_EVENT_MODE_SWITCHED,
  overrun = FRAMEPUMP_EVENT_OVERRUN,
  download_finished = FRAMEPUMP_EVENT_DOWNLOAD_FINISHED,
  download_failed = FRAMEPUMP_EVENT_DOWNLOAD_FAILED,
};

// The frame that begins; see framepump_frame.
struct Frame {
  uint64_t frame = 0;  // its number, copied into events
  int64_t now_us = 0;  // the game's clock
};

// framepump_config with the defaults in place. The comments at the fields' declarations say unit, range and when to change them.
struct Config : framepump_config {
  Config() : framepump_config{} {
    struct_size = sizeof(framepump_config);
    threaded = 0;
    slice_us = 2000;
    flush_slice_us = 500;
    overrun_margin_us = 500;
    quantum_kib = 64;
    backend = FRAMEPUMP_BACKEND_EPOLL;
    stall_takeover_ms = 250;
    budget_kib = 131072;
    kernel_window_kib = 65536;
    receive_limit_kib = 8192;
    send_limit_kib = 4096;
    no_delay = 1;
    connect_timeout_ms = 10000;
    idle_timeout_ms = 0;
    keepalive_s = 15;
    dead_after_s = 30;
    linger_ms = 5000;
    backlog = 1024;
    hot_streams = 0;
    limit_streams = 16384;
    datagram_peers = 64;
    datagram_channels = 4;
    datagram_message_limit_kib = 1024;
    datagram_queue_limit_kib = 1024;
    datagram_timeout_ms = 10000;
    datagram_receive_buffer_kib = 1024;
    datagram_peers_per_address = 0;
    download_parallel = 3;
    download_rate_limit_kib = 0;
    download_attempts = 5;
    download_retry_ms = 500;
    download_retry_limit_ms = 30000;
    download_connect_timeout_ms = 10000;
    download_stall_timeout_ms = 20000;
    download_redirects = 10;
    names_timeout_ms = 1000;
    names_tries = 3;
    names_parallel = 32;
    names_cache_entries = 256;
    names_ttl_max_s = 3600;
    names_attempt_delay_ms = 250;
    delayed_acks = 1;
  }
};

struct TickReport : framepump_tick_report {
  TickReport() : framepump_tick_report{} { struct_size = sizeof(framepump_tick_report); }
};

struct Totals : framepump_totals {
  Totals() : framepump_totals{} { struct_size = sizeof(framepump_totals); }
};

struct StreamInfo : framepump_stream_info {
  StreamInfo() : framepump_stream_info{} { struct_size = sizeof(framepump_stream_info); }
};

struct Arrival : framepump_arrival {
  Arrival() : framepump_arrival{} { struct_size = sizeof(framepump_arrival); }
};

}  // namespace v0
}  // namespace framepump
