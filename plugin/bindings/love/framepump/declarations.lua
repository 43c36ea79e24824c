-- SPDX-License-Identifier: MIT
--
-- Made by plugin/bindings/love/renew from plugin/include/framepump: change nothing here.
return {
  constants = {
    ARRIVAL_EXACT = 2,
    ARRIVAL_STAMPED = 1,
    BACKEND_EPOLL = 0,
    BACKEND_POLL = 1,
    DOWNLOAD_ALLOW_DOWNGRADE = 2,
    DOWNLOAD_CHECKING = 2,
    DOWNLOAD_COMPRESSED = 1,
    DOWNLOAD_CONNECTING = 3,
    DOWNLOAD_FAILED = 9,
    DOWNLOAD_FINISHED = 8,
    DOWNLOAD_FINISHING = 7,
    DOWNLOAD_HTTP_1 = 1,
    DOWNLOAD_HTTP_2 = 2,
    DOWNLOAD_HTTP_ANY = 0,
    DOWNLOAD_NO_SYNC = 8,
    DOWNLOAD_PAUSED = 16,
    DOWNLOAD_PAUSED_HERE = 6,
    DOWNLOAD_QUEUED = 1,
    DOWNLOAD_RECEIVING = 4,
    DOWNLOAD_START_ANEW = 4,
    DOWNLOAD_WAITING = 5,
    ERROR_ADDRESS_IN_USE = 10,
    ERROR_ADDRESS_NOT_AVAILABLE = 11,
    ERROR_ADDRESS_NOT_NUMERIC = 9,
    ERROR_CERTIFICATE = 21,
    ERROR_CLOSED = 5,
    ERROR_CONFIG = 16,
    ERROR_DESCRIPTORS_EXHAUSTED = 15,
    ERROR_FOREIGN_HANDLE = 3,
    ERROR_INVALID_ARGUMENT = 1,
    ERROR_LIMIT_REACHED = 13,
    ERROR_MALFORMED = 20,
    ERROR_NEEDS_RESTART = 17,
    ERROR_NOT_YET = 7,
    ERROR_NO_ROOM = 6,
    ERROR_OUT_OF_MEMORY = 14,
    ERROR_OVERLAPPING_CALL = 4,
    ERROR_PERMISSION_DENIED = 12,
    ERROR_STALE_HANDLE = 2,
    ERROR_SYSTEM = 19,
    ERROR_TIMED_OUT = 22,
    ERROR_TOO_LARGE = 8,
    ERROR_UNSUPPORTED = 18,
    EVENT_ACCEPTED = 2,
    EVENT_CLOSED = 4,
    EVENT_CONFIG_REFUSED = 7,
    EVENT_CONFIG_RELOADED = 6,
    EVENT_CONNECTED = 1,
    EVENT_DOWNLOAD_FAILED = 11,
    EVENT_DOWNLOAD_FINISHED = 10,
    EVENT_MODE_SWITCHED = 8,
    EVENT_OVERRUN = 9,
    EVENT_PEER_HALF_CLOSED = 3,
    EVENT_WRITABLE = 5,
    LISTEN_DUAL_STACK = 4,
    LISTEN_HOT = 2,
    LOG_ERROR = 2,
    LOG_INFO = 0,
    LOG_WARNING = 1,
    MODE_FRAME_LOCKED = 0,
    MODE_THREADED = 1,
    OK = 0,
    OLDEST_VERSION = 1000,
    OUTCOME_CLOSED = 3,
    OUTCOME_DRAINED = 0,
    OUTCOME_MORE = 1,
    PHASE_ACCEPT = 3,
    PHASE_COMMAND = 0,
    PHASE_POLL = 1,
    PHASE_PUBLISH = 6,
    PHASE_RECEIVE = 2,
    PHASE_SEND = 5,
    PHASE_SOURCE = 4,
    PRIORITY_BULK = 2,
    PRIORITY_NORMAL = 1,
    PRIORITY_REALTIME = 0,
    REASON_ABORTED_HERE = 9,
    REASON_CLOSED_BY_PEER = 2,
    REASON_CLOSED_HERE = 1,
    REASON_CONNECT_TIMED_OUT = 5,
    REASON_DESCRIPTORS_EXHAUSTED = 11,
    REASON_DOWNLOAD_BROKEN = 69,
    REASON_DOWNLOAD_CONNECT = 65,
    REASON_DOWNLOAD_DISK_FULL = 73,
    REASON_DOWNLOAD_FILE = 74,
    REASON_DOWNLOAD_HASH = 72,
    REASON_DOWNLOAD_MEMORY = 75,
    REASON_DOWNLOAD_NAME = 64,
    REASON_DOWNLOAD_REDIRECT = 68,
    REASON_DOWNLOAD_SIZE = 71,
    REASON_DOWNLOAD_STALLED = 70,
    REASON_DOWNLOAD_STATUS = 67,
    REASON_DOWNLOAD_TLS = 66,
    REASON_IDLE_TIMED_OUT = 6,
    REASON_LINGER_TIMED_OUT = 8,
    REASON_MALFORMED_MESSAGE = 16,
    REASON_MESSAGE_TOO_LARGE = 15,
    REASON_NAME_FAILED = 19,
    REASON_NAME_NOT_FOUND = 17,
    REASON_NAME_TIMED_OUT = 18,
    REASON_NONE = 0,
    REASON_OVERLOADED = 14,
    REASON_PEER_DEAD = 7,
    REASON_REFUSED = 3,
    REASON_RESET = 4,
    REASON_SYSTEM = 12,
    REASON_TIMED_OUT = 13,
    REASON_TLS_CERTIFICATE_EXPIRED = 20,
    REASON_TLS_CERTIFICATE_REFUSED = 23,
    REASON_TLS_HANDSHAKE_FAILED = 24,
    REASON_TLS_PROTOCOL = 26,
    REASON_TLS_SETUP_FAILED = 27,
    REASON_TLS_TRUNCATED = 25,
    REASON_TLS_UNKNOWN_ISSUER = 22,
    REASON_TLS_WRONG_HOST = 21,
    REASON_UNREACHABLE = 10,
    RELIABLE = 1,
    SOURCE_AFTER_PUBLISH = 1,
    STATE_CLOSED = 5,
    STATE_CLOSING = 4,
    STATE_CONNECTING = 1,
    STATE_OPEN = 2,
    STATE_PEER_HALF_CLOSED = 3,
    STREAM_HALF_OPEN = 1,
    STREAM_HOT = 1,
    STREAM_RECEIVE_BLOCKED = 2,
    TLS_RESUMED = 1,
    TLS_VERIFIED = 2,
    TLS_WANT_CLIENT_CERTIFICATE = 4,
    TLS_WITHOUT_RESUMPTION = 2,
    TLS_WITHOUT_VERIFICATION = 1,
    TRACE_BACKGROUND = 4,
    TRACE_FLUSH = 2,
    TRACE_MODE_SWITCHED = 8,
    TRACE_OVERRUN = 9,
    TRACE_PHASE = 5,
    TRACE_PUBLISHED = 7,
    TRACE_TICK = 1,
    TRACE_TURN = 6,
    TRACE_WAIT = 3,
    UNRELIABLE = 0,
    UNSEQUENCED = 2,
    VERSION = 6000,
    WAIT_DEADLINE = 0,
    WAIT_FIRST_DATA = 1,
  },
  settings = {
    { key = "pump.threaded", field = "threaded", kind = "boolean" },
    { key = "pump.slice_us", field = "slice_us", kind = "number" },
    { key = "pump.flush_slice_us", field = "flush_slice_us", kind = "number" },
    { key = "pump.overrun_margin_us", field = "overrun_margin_us", kind = "number" },
    { key = "pump.quantum_kib", field = "quantum_kib", kind = "number" },
    { key = "pump.backend", field = "backend", kind = "backend" },
    { key = "pump.stall_takeover_ms", field = "stall_takeover_ms", kind = "number" },
    { key = "memory.budget_kib", field = "budget_kib", kind = "number" },
    { key = "memory.kernel_window_kib", field = "kernel_window_kib", kind = "number" },
    { key = "stream.receive_limit_kib", field = "receive_limit_kib", kind = "number" },
    { key = "stream.send_limit_kib", field = "send_limit_kib", kind = "number" },
    { key = "stream.no_delay", field = "no_delay", kind = "boolean" },
    { key = "stream.connect_timeout_ms", field = "connect_timeout_ms", kind = "number" },
    { key = "stream.idle_timeout_ms", field = "idle_timeout_ms", kind = "number" },
    { key = "stream.keepalive_s", field = "keepalive_s", kind = "number" },
    { key = "stream.dead_after_s", field = "dead_after_s", kind = "number" },
    { key = "stream.linger_ms", field = "linger_ms", kind = "number" },
    { key = "listener.backlog", field = "backlog", kind = "number" },
    { key = "listener.hot_streams", field = "hot_streams", kind = "boolean" },
    { key = "limits.streams", field = "limit_streams", kind = "number" },
    { key = "datagram.peers", field = "datagram_peers", kind = "number" },
    { key = "datagram.channels", field = "datagram_channels", kind = "number" },
    { key = "datagram.message_limit_kib", field = "datagram_message_limit_kib", kind = "number" },
    { key = "datagram.queue_limit_kib", field = "datagram_queue_limit_kib", kind = "number" },
    { key = "datagram.timeout_ms", field = "datagram_timeout_ms", kind = "number" },
    { key = "datagram.receive_buffer_kib", field = "datagram_receive_buffer_kib", kind = "number" },
    { key = "datagram.peers_per_address", field = "datagram_peers_per_address", kind = "number" },
    { key = "download.parallel", field = "download_parallel", kind = "number" },
    { key = "download.rate_limit_kib", field = "download_rate_limit_kib", kind = "number" },
    { key = "download.attempts", field = "download_attempts", kind = "number" },
    { key = "download.retry_ms", field = "download_retry_ms", kind = "number" },
    { key = "download.retry_limit_ms", field = "download_retry_limit_ms", kind = "number" },
    { key = "download.connect_timeout_ms", field = "download_connect_timeout_ms", kind = "number" },
    { key = "download.stall_timeout_ms", field = "download_stall_timeout_ms", kind = "number" },
    { key = "download.redirects", field = "download_redirects", kind = "number" },
    { key = "names.timeout_ms", field = "names_timeout_ms", kind = "number" },
    { key = "names.tries", field = "names_tries", kind = "number" },
    { key = "names.parallel", field = "names_parallel", kind = "number" },
    { key = "names.cache_entries", field = "names_cache_entries", kind = "number" },
    { key = "names.ttl_max_s", field = "names_ttl_max_s", kind = "number" },
    { key = "names.attempt_delay_ms", field = "names_attempt_delay_ms", kind = "number" },
    { key = "stream.delayed_acks", field = "delayed_acks", kind = "boolean" },
  },
  c = [[
typedef struct framepump_config {
  uint32_t struct_size;
  uint32_t threaded;
  uint32_t slice_us;
  uint32_t flush_slice_us;
  uint32_t overrun_margin_us;
  uint32_t quantum_kib;
  uint32_t backend;
  uint32_t stall_takeover_ms;
  uint32_t budget_kib;
  uint32_t kernel_window_kib;
  uint32_t receive_limit_kib;
  uint32_t send_limit_kib;
  uint32_t no_delay;
  uint32_t connect_timeout_ms;
  uint32_t idle_timeout_ms;
  uint32_t keepalive_s;
  uint32_t dead_after_s;
  uint32_t linger_ms;
  uint32_t backlog;
  uint32_t hot_streams;
  uint32_t limit_streams;
  uint32_t datagram_peers;
  uint32_t datagram_channels;
  uint32_t datagram_message_limit_kib;
  uint32_t datagram_queue_limit_kib;
  uint32_t datagram_timeout_ms;
  uint32_t datagram_receive_buffer_kib;
  uint32_t datagram_peers_per_address;
  uint32_t download_parallel;
  uint32_t download_rate_limit_kib;
  uint32_t download_attempts;
  uint32_t download_retry_ms;
  uint32_t download_retry_limit_ms;
  uint32_t download_connect_timeout_ms;
  uint32_t download_stall_timeout_ms;
  uint32_t download_redirects;
  uint32_t names_timeout_ms;
  uint32_t names_tries;
  uint32_t names_parallel;
  uint32_t names_cache_entries;
  uint32_t names_ttl_max_s;
  uint32_t names_attempt_delay_ms;
  uint32_t delayed_acks;
} framepump_config;
typedef uint64_t framepump_handle;
typedef struct framepump_event {
  uint32_t kind;
  uint32_t reason;
  framepump_handle handle;
  framepump_handle other;
  uint64_t user_data;
  uint64_t value;
  uint64_t value2;
  uint64_t frame;
  union {
    const char* text;
    uint64_t text_bits;
  };
} framepump_event;
typedef struct framepump_frame {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t number;
  int64_t now_us;
} framepump_frame;
typedef struct framepump_tick_report {
  uint32_t struct_size;
  uint32_t mode;
  uint64_t received_bytes;
  uint64_t sent_bytes;
  uint64_t published_bytes;
  uint32_t accepts;
  uint32_t turns;
  uint32_t left_over;
  uint32_t blocked;
  int64_t slice_us;
  int64_t tick_us;
  int64_t phase_command_us;
  int64_t phase_poll_us;
  int64_t phase_receive_us;
  int64_t phase_accept_us;
  int64_t phase_source_us;
  int64_t phase_send_us;
  int64_t phase_publish_us;
  uint32_t token_busy;
  uint32_t overrun;
  framepump_handle culprit;
  int64_t culprit_us;
  uint64_t culprit_bytes;
  uint64_t memory_used_bytes;
  uint64_t memory_peak_bytes;
  uint64_t kernel_window_bytes;
  const char* notice;
  int64_t phase_enet_receive_us;
  int64_t phase_enet_send_us;
} framepump_tick_report;
typedef struct framepump_totals {
  uint32_t struct_size;
  uint32_t streams;
  uint64_t ticks;
  uint64_t received_bytes;
  uint64_t sent_bytes;
  uint64_t accepts;
  uint64_t connects;
  uint64_t closes;
  uint64_t overruns;
  uint64_t token_busy;
  uint64_t guard_takeovers;
  uint64_t mode_switches;
  uint64_t accept_pauses;
  uint64_t memory_used_bytes;
  uint64_t memory_peak_bytes;
  uint64_t memory_budget_bytes;
  uint64_t kernel_window_bytes;
  uint64_t tls_handshakes;
  uint64_t tls_failures;
} framepump_totals;
typedef struct framepump_stream_info {
  uint32_t struct_size;
  uint32_t state;
  uint32_t priority;
  uint32_t flags;
  uint64_t received_bytes;
  uint64_t sent_bytes;
  uint64_t available_bytes;
  uint64_t unpublished_bytes;
  uint64_t unsent_bytes;
  int64_t rtt_us;
  uint64_t window_bytes;
  int64_t dwell_us;
  int64_t dwell_max_us;
  uint32_t dwell_frames;
  uint32_t back_pressure;
  char local_address[56];
  char peer_address[56];
  uint64_t peek_limit_bytes;
  int64_t rtt_jitter_us;
  int64_t arrival_jitter_us;
} framepump_stream_info;
typedef struct framepump_part {
  const void* bytes;
  uint64_t size_bytes;
} framepump_part;
typedef struct framepump_arrival {
  uint32_t struct_size;
  uint32_t flags;
  int64_t arrived_us;
  int64_t waited_us;
  uint32_t waited_frames;
  uint32_t reserved;
} framepump_arrival;
struct framepump_tls;
typedef struct framepump_endpoint {
  uint32_t struct_size;
  uint32_t flags;
  const char* host;
  uint32_t port;
  uint32_t priority;
  uint64_t user_data;
  const struct framepump_tls* tls;
} framepump_endpoint;
typedef struct framepump_turn {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t now_us;
  int64_t remaining_us;
  int64_t wake_at_us;
  uint64_t tick;
} framepump_turn;
typedef struct framepump_source {
  uint32_t struct_size;
  uint32_t priority;
  uint32_t (*take_turn)(void* user, framepump_turn* turn);
  void* user;
  uint64_t user_data;
  uint32_t flags;
  uint32_t reserved;
  void (*closed)(void* user);
} framepump_source;
struct framepump_trace_event;
typedef struct framepump_services {
  uint32_t struct_size;
  uint32_t reserved;
  void* user;
  int64_t (*now_us)(void* user);
  void* (*allocate)(void* user, uint64_t size_bytes, uint64_t alignment);
  void (*release)(void* user, void* memory, uint64_t size_bytes, uint64_t alignment);
  void (*log)(void* user, uint32_t level, const char* text);
  void (*assert_failed)(void* user, const char* expression, const char* file, int32_t line);
  void (*zone_begin)(void* user, const char* name);
  void (*zone_end)(void* user);
  void (*thread_started)(void* user, const char* name);
  void (*trace)(void* user, const struct framepump_trace_event* event);
  const char* resolv_conf;
  const char* hosts_file;
} framepump_services;
typedef struct framepump_message {
  uint32_t struct_size;
  uint32_t code;
  char text[504];
} framepump_message;
typedef struct framepump_host_options {
  uint32_t struct_size;
  uint32_t priority;
  const char* host;
  uint32_t port;
  uint32_t peers;
  uint32_t channels;
  uint32_t reserved;
  uint64_t user_data;
} framepump_host_options;
typedef struct framepump_received {
  framepump_handle peer;
  framepump_handle host;
  uint64_t user_data;
  union {
    const void* payload;
    uint64_t payload_bits;
  };
  uint32_t size_bytes;
  uint32_t channel;
  uint32_t delivery;
  uint32_t dwell_us;
} framepump_received;
typedef struct framepump_peer_info {
  uint32_t struct_size;
  uint32_t state;
  int64_t rtt_us;
  int64_t jitter_us;
  uint64_t received_messages;
  uint64_t received_bytes;
  uint64_t sent_messages;
  uint64_t sent_bytes;
  uint64_t unsent_bytes;
  uint64_t waiting_bytes;
  uint64_t queue_drops;
  uint64_t throttled;
  uint32_t throttle_percent;
  uint32_t loss_permille;
  uint32_t held;
  uint32_t channels;
  char address[56];
} framepump_peer_info;
typedef struct framepump_host_info {
  uint32_t struct_size;
  uint32_t priority;
  uint32_t peers;
  uint32_t peer_limit;
  uint64_t received_packets;
  uint64_t received_bytes;
  uint64_t sent_packets;
  uint64_t sent_bytes;
  uint64_t received_messages;
  uint64_t sent_messages;
  uint64_t queue_drops;
  uint64_t throttled;
  uint64_t kernel_drops;
  uint64_t refused_peers;
  uint64_t socket_errors;
  uint64_t enet_allocations;
  uint64_t tick_allocations;
  uint64_t receive_buffer_bytes;
  int64_t dwell_us;
  int64_t dwell_max_us;
  char address[56];
} framepump_host_info;
typedef struct framepump_download_options {
  uint32_t struct_size;
  uint32_t flags;
  const char* url;
  const char* path;
  uint32_t priority;
  uint32_t http_version;
  uint64_t user_data;
  uint64_t expected_bytes;
  uint64_t size_limit_bytes;
  const char* sha256;
  const char* headers;
  const char* proxy;
  const char* ca_file;
  uint32_t rate_limit_kib;
  uint32_t attempts;
} framepump_download_options;
typedef struct framepump_download_info {
  uint32_t struct_size;
  uint32_t state;
  uint64_t bytes;
  uint64_t total_bytes;
  uint64_t resumed_bytes;
  uint64_t bytes_per_s;
  int64_t remaining_ms;
  uint32_t attempt;
  uint32_t reason;
  uint32_t http_status;
  uint32_t http_version;
  uint32_t redirects;
  uint32_t priority;
  const char* url;
  const char* text;
} framepump_download_info;
typedef struct framepump_tls {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t min_version;
  uint32_t reserved;
  const char* server_name;
  const char* ca_file;
  const char* ca_path;
  const char* ca_pem;
  const char* certificate_file;
  const char* certificate_pem;
  const char* private_key_file;
  const char* private_key_pem;
  const char* alpn;
} framepump_tls;
typedef struct framepump_tls_info {
  uint32_t struct_size;
  uint32_t version;
  uint32_t flags;
  uint32_t reserved;
  char cipher[64];
  char alpn[64];
  char peer_subject[256];
} framepump_tls_info;
typedef struct framepump_trace_event {
  uint32_t struct_size;
  uint32_t kind;
  uint32_t detail;
  uint32_t reserved;
  framepump_handle handle;
  int64_t begin_us;
  int64_t duration_us;
  uint64_t bytes;
  uint64_t value;
} framepump_trace_event;
typedef struct framepump_api {
  uint32_t struct_size;
  uint32_t version;
  const char* (*version_string)(void);
  const char* (*error_name)(uint32_t error);
  const char* (*reason_name)(uint32_t reason);
  const char* (*event_name)(uint32_t kind);
  uint32_t (*config_init)(framepump_config* config, uint32_t struct_size);
  uint32_t (*config_load)(framepump_config* config, uint32_t struct_size, const char* path, framepump_message* message);
  uint32_t (*network_create)(const framepump_config* config, const framepump_services* services, framepump_handle* network,
                             framepump_message* message);
  uint32_t (*network_open)(const char* path, const framepump_services* services, framepump_handle* network,
                           framepump_message* message);
  uint32_t (*network_destroy)(framepump_handle network);
  uint32_t (*network_configure)(framepump_handle network, const framepump_config* config);
  uint32_t (*network_config)(framepump_handle network, framepump_config* config);
  uint32_t (*set_mode)(framepump_handle network, uint32_t mode);
  uint32_t (*totals)(framepump_handle network, framepump_totals* totals);
  const char* (*last_error)(framepump_handle network);
  uint32_t (*tick)(framepump_handle network, const framepump_frame* frame, framepump_tick_report* report);
  uint32_t (*flush)(framepump_handle network);
  uint32_t (*wait_until)(framepump_handle network, int64_t deadline_us, uint32_t until);
  uint32_t (*events)(framepump_handle network, const framepump_event** events, uint32_t* count);
  uint32_t (*readable)(framepump_handle network, const framepump_handle** streams, uint32_t* count);
  uint32_t (*connect)(framepump_handle network, const framepump_endpoint* endpoint, framepump_handle* stream);
  uint32_t (*listen)(framepump_handle network, const framepump_endpoint* endpoint, framepump_handle* listener);
  uint32_t (*listener_port)(framepump_handle listener, uint32_t* port);
  uint32_t (*close)(framepump_handle handle);
  uint32_t (*abort)(framepump_handle stream);
  uint32_t (*shutdown_write)(framepump_handle stream);
  uint32_t (*set_priority)(framepump_handle handle, uint32_t priority);
  uint32_t (*set_user_data)(framepump_handle handle, uint64_t user_data);
  uint32_t (*stream_info)(framepump_handle stream, framepump_stream_info* info);
  uint32_t (*available)(framepump_handle stream, uint64_t* bytes);
  uint32_t (*front)(framepump_handle stream, const void** view, uint64_t* size_bytes);
  uint32_t (*peek)(framepump_handle stream, uint64_t size_bytes, const void** view);
  uint32_t (*read)(framepump_handle stream, void* buffer, uint64_t capacity_bytes, uint64_t* taken);
  uint32_t (*consume)(framepump_handle stream, uint64_t size_bytes);
  uint32_t (*write)(framepump_handle stream, const void* bytes, uint64_t size_bytes, uint64_t* taken);
  uint32_t (*write_all)(framepump_handle stream, const void* bytes, uint64_t size_bytes);
  uint32_t (*reserve)(framepump_handle stream, uint64_t size_bytes, void** room);
  uint32_t (*commit)(framepump_handle stream, uint64_t size_bytes);
  uint32_t (*add_source)(framepump_handle network, const framepump_source* source, framepump_handle* handle);
  uint32_t (*wake_source)(framepump_handle source);
  uint32_t (*host_open)(framepump_handle network, const framepump_host_options* options, framepump_handle* host);
  uint32_t (*host_port)(framepump_handle host, uint32_t* port);
  uint32_t (*peer_connect)(framepump_handle host, const framepump_endpoint* endpoint, uint32_t data, framepump_handle* peer);
  uint32_t (*send)(framepump_handle peer, uint32_t channel, const void* bytes, uint64_t size_bytes, uint32_t delivery);
  uint32_t (*broadcast)(framepump_handle host, uint32_t channel, const void* bytes, uint64_t size_bytes, uint32_t delivery);
  uint32_t (*messages)(framepump_handle network, const framepump_received** messages, uint32_t* count);
  uint32_t (*peer_info)(framepump_handle peer, framepump_peer_info* info);
  uint32_t (*host_info)(framepump_handle host, framepump_host_info* info);
  uint32_t (*run_at)(framepump_handle stream, uint64_t offset_bytes, const void** view, uint64_t* size_bytes);
  uint32_t (*write_parts)(framepump_handle stream, const framepump_part* parts, uint32_t count);
  uint32_t (*abort_because)(framepump_handle stream, uint32_t reason, const char* text);
  uint32_t (*watch_arrivals)(framepump_handle stream, uint32_t on);
  uint32_t (*arrival)(framepump_handle stream, uint64_t offset_bytes, framepump_arrival* arrival);
  uint32_t (*download_start)(framepump_handle network, const framepump_download_options* options, framepump_handle* download);
  uint32_t (*download_info)(framepump_handle download, framepump_download_info* info);
  uint32_t (*download_pause)(framepump_handle download, uint32_t paused);
  uint32_t (*tls_info)(framepump_handle stream, framepump_tls_info* info);
  uint32_t (*clock_us)(framepump_handle network, int64_t* now_us);
  uint32_t (*allocate)(framepump_handle network, uint64_t size_bytes, uint64_t alignment, void** memory);
  uint32_t (*release)(framepump_handle network, void* memory, uint64_t size_bytes, uint64_t alignment);
} framepump_api;
const framepump_api* framepump_get_api(uint32_t version);
typedef const framepump_api* (*framepump_get_api_function)(uint32_t version);
]],
}
