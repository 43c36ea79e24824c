/* SPDX-License-Identifier: MIT
 *
 * The settings of a network. One field for each key of framepump.toml, in the same order. Fill it with config_init (the one
 * place where defaults exist), change what you need, and hand it to network_create. Out-of-range values are refused with a
 * text that names the key, the value and what is allowed; nothing is clamped in silence.
 *
 * "live" keys can change while the network runs (by the watched file or by network_configure); "restart" keys cannot.
 */
#ifndef FRAMEPUMP_CONFIG_H
#define FRAMEPUMP_CONFIG_H

#include <stdint.h>

#define FRAMEPUMP_BACKEND_EPOLL 0u
#define FRAMEPUMP_BACKEND_POLL 1u

typedef struct framepump_config {
  uint32_t struct_size;

  /* pump.threaded: 0 or 1, default 0, live. 1 moves socket work to the IO thread; gameplay sees no difference. */
  uint32_t threaded;
  /* pump.slice_us: 0 to 1000000 us, default 2000, live. What a tick may spend; 0 means one quantum for each priority. */
  uint32_t slice_us;
  /* pump.flush_slice_us: 0 to 1000000 us, default 500, live. The same for flush. */
  uint32_t flush_slice_us;
  /* pump.overrun_margin_us: 0 to 1000000 us, default 500, live. A tick longer than slice + margin is reported as an overrun. */
  uint32_t overrun_margin_us;
  /* pump.quantum_kib: 1 to 1024 KiB, default 64, live. The most that one stream moves while another waits for its turn;
   * a stream that receives while nobody waits may be read four at a time, where half of what is left of the slice is enough for that. */
  uint32_t quantum_kib;
  /* pump.backend: FRAMEPUMP_BACKEND_*, in the file "epoll" or "poll", default epoll, restart. */
  uint32_t backend;
  /* pump.stall_takeover_ms: 0 or 20 to 60000 ms, default 250, live. Without a tick for this long the background thread pumps, so
   * that peers do not time out during a level load. 0: no guard, and no thread in frame-locked mode. */
  uint32_t stall_takeover_ms;

  /* memory.budget_kib: 1024 to 16777216 KiB, default 131072, restart. All bytes that streams hold, received and unsent. Taken as it
   * is needed and kept; the receive limit in force is taken and touched at the start. */
  uint32_t budget_kib;
  /* memory.kernel_window_kib: 0 to 16777216 KiB, default 65536, live. Kernel memory promised to hot streams, and of
   * it a quarter at most to streams that connect, before they are busy; 0 turns the receive-window rule off. */
  uint32_t kernel_window_kib;

  /* stream.receive_limit_kib: 4 to 1048576 KiB, default 8192, restart. Unread bytes of one stream, at most a
   * quarter of memory.budget_kib, and the largest peek, at most a sixteenth. */
  uint32_t receive_limit_kib;
  /* stream.send_limit_kib: 4 to 1048576 KiB, default 4096, live. Unsent bytes of one stream. */
  uint32_t send_limit_kib;
  /* stream.no_delay: 0 or 1, default 1, live (new streams). TCP_NODELAY. */
  uint32_t no_delay;
  /* stream.connect_timeout_ms: 0 to 3600000 ms, default 10000, live (new streams). 0: the kernel's own (about two minutes). */
  uint32_t connect_timeout_ms;
  /* stream.idle_timeout_ms: 0 to 86400000 ms, default 0, live. Closes a stream that moved nothing for this long. 0: never. */
  uint32_t idle_timeout_ms;
  /* stream.keepalive_s: 0 to 32767 s, default 15, live (new streams). Idle time before the kernel probes the peer. 0: no probes. */
  uint32_t keepalive_s;
  /* stream.dead_after_s: 0 to 86400 s, default 30, live (new streams). A peer that acknowledges nothing for this long is dead. 0:
   * the kernel's own. */
  uint32_t dead_after_s;
  /* stream.linger_ms: 0 to 600000 ms, default 5000, live. How long close() waits for the peer to take what was written. */
  uint32_t linger_ms;

  /* listener.backlog: 1 to 65535, default 1024, live (new listeners). Connections the kernel holds until they are accepted. */
  uint32_t backlog;
  /* listener.hot_streams: 0 or 1, default 0, live (new listeners). Accepted streams may use memory.kernel_window_kib. */
  uint32_t hot_streams;

  /* limits.streams: 1 to 262144, default 16384, restart. Open streams; each reserves 4 KiB of memory.budget_kib. */
  uint32_t limit_streams;

  /* datagram.peers: 1 to 4095, default 64, live (new hosts). Peers that one host can have at a time. */
  uint32_t datagram_peers;
  /* datagram.channels: 1 to 255, default 4, live (new hosts). Channels of a connection; the side that has fewer decides. */
  uint32_t datagram_channels;
  /* datagram.message_limit_kib: 1 to 32768 KiB, default 1024, live (new hosts). The largest message, sent or received. */
  uint32_t datagram_message_limit_kib;
  /* datagram.queue_limit_kib: 16 to 1048576 KiB, default 1024, live (new hosts). For each peer: received and not yet read, and
   * sent and not yet acknowledged; a message counts 128 bytes more than it has. */
  uint32_t datagram_queue_limit_kib;
  /* datagram.timeout_ms: 100 to 3600000 ms, default 10000, live (new peers). A peer that acknowledges nothing for this long is
   * gone; noticed at the next resend, so after twice as long at the latest. */
  uint32_t datagram_timeout_ms;
  /* datagram.receive_buffer_kib: 16 to 1048576 KiB, default 1024, live (new hosts). What the kernel holds of datagrams between
   * two ticks; it has a limit of its own (net.core.rmem_max). */
  uint32_t datagram_receive_buffer_kib;
  /* datagram.peers_per_address: 0 to 4095, default 0, live (new hosts). Peers from one IP address. 0: any number. */
  uint32_t datagram_peers_per_address;

  /* download.parallel: 1 to 64, default 3, live. Downloads at a time; the others wait, by priority and then by age. */
  uint32_t download_parallel;
  /* download.rate_limit_kib: 0 to 16777216 KiB, default 0, live. What all downloads together may receive in a second. 0: no limit. */
  uint32_t download_rate_limit_kib;
  /* download.attempts: 1 to 1000, default 5, live. Tries in a row that bring less than 1 MiB, before a download fails. */
  uint32_t download_attempts;
  /* download.retry_ms: 1 to 600000 ms, default 500, live. The longest wait before the second attempt; doubled for each that
   * follows. The wait is drawn by lot between 0 and that. */
  uint32_t download_retry_ms;
  /* download.retry_limit_ms: 1 to 3600000 ms, default 30000, live. The longest wait between attempts, also when a server asks for more. */
  uint32_t download_retry_limit_ms;
  /* download.connect_timeout_ms: 1 to 600000 ms, default 10000, live (new attempts). For connecting, with TLS. */
  uint32_t download_connect_timeout_ms;
  /* download.stall_timeout_ms: 10 to 3600000 ms, default 20000, live. A server that sends less than 1 KiB in this time has stalled,
   * and the attempt is over. */
  uint32_t download_stall_timeout_ms;
  /* download.redirects: 0 to 100, default 10, live. That are followed in one attempt. */
  uint32_t download_redirects;

  /* names.timeout_ms: 50 to 60000 ms, default 1000, live (within 5 s). How long a name server has for its first answer; each
   * further round of tries waits twice as long. */
  uint32_t names_timeout_ms;
  /* names.tries: 1 to 10, default 3, live (within 5 s). How often each name server is asked. */
  uint32_t names_tries;
  /* names.parallel: 1 to 256, default 32, live. Names that are asked for at a time; others wait for their turn. */
  uint32_t names_parallel;
  /* names.cache_entries: 0 to 16384, default 256, live. Answers that are kept for later, about 1 KiB each. */
  uint32_t names_cache_entries;
  /* names.ttl_max_s: 0 to 604800 s, default 3600, live. An answer is kept as long as its server says, but no longer than this. */
  uint32_t names_ttl_max_s;
  /* names.attempt_delay_ms: 10 to 60000 ms, default 250, live. How long an address has to connect before the next one is tried beside it. */
  uint32_t names_attempt_delay_ms;

  /* stream.delayed_acks: 0 or 1, default 1, live. With 64 or more open streams, the kernel's acknowledgement of small messages that nothing
   * is sent back for waits for the next of them, or 40 ms (a longer round trip; 200 ms at most): it costs the tick as much as reading the
   * message does. A sender without TCP_NODELAY waits for it. With fewer, in threaded mode, the acknowledgement follows at once, but after
   * gameplay can have the message. Linux. */
  uint32_t delayed_acks;
} framepump_config;

#endif
