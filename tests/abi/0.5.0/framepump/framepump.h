/* SPDX-License-Identifier: MIT
 *
 * FramePump: network work never costs a frame, and a frame never costs network throughput.
 *
 * This is the whole contract, in C11 (and C++). framepump.hpp is the same in C++20. Once per rendered frame:
 *
 *     api->tick(network, &frame, &report);     receive within the slice; publish bytes and events
 *     ... gameplay reads events and streams, writes answers ...
 *     api->flush(network);                     what gameplay wrote leaves in this frame
 *     render; wait for vsync                   or api->wait_until(network, next_frame_us, FRAMEPUMP_WAIT_DEADLINE)
 *
 * Forgetting tick: nothing is ever published, and after pump.stall_takeover_ms the guard pumps in the background.
 * Forgetting flush: in frame-locked mode everything written leaves one frame later.
 *
 * Threads: calls on one network never overlap (but see FRAMEPUMP_SOURCE_AFTER_PUBLISH), but any thread may make them. Nothing here blocks except wait_until and
 * network_destroy; config_load and network_open read a file. Overlapping calls are detected: the assert handler runs and FRAMEPUMP_ERROR_OVERLAPPING_CALL returns.
 *
 * Errors: each call returns a FRAMEPUMP_ERROR_* code; last_error(network) then says in a sentence which thing and value were
 * wrong and what is allowed. Any call may return INVALID_ARGUMENT, STALE_HANDLE, FOREIGN_HANDLE or OVERLAPPING_CALL; the
 * comments name the others. Views (const void*) are valid and unchanged until the next tick, or consume, read, close or abort on
 * that stream.
 */
#ifndef FRAMEPUMP_H
#define FRAMEPUMP_H

#include <framepump/framepump_config.h>
#include <framepump/framepump_datagram.h>
#include <framepump/framepump_download.h>
#include <framepump/framepump_tls.h>
#include <framepump/framepump_trace.h>
#include <framepump/framepump_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* major * 1000000 + minor * 1000 + patch. The table and the structs only grow, at their ends, so a plugin serves every program that was
 * built with a header of FRAMEPUMP_OLDEST_VERSION to its own. A program that was built with a newer one is refused. */
#define FRAMEPUMP_VERSION 5000u
#define FRAMEPUMP_VERSION_STRING "0.5.0"
#define FRAMEPUMP_OLDEST_VERSION 1000u

#define FRAMEPUMP_WAIT_DEADLINE 0u   /* wait until the deadline */
#define FRAMEPUMP_WAIT_FIRST_DATA 1u /* or until a tick would publish something or let a task go on, whichever is first: for servers */

typedef struct framepump_api {
  uint32_t struct_size;
  uint32_t version;

  /* ---- Words. Never null; valid for ever. ---- */
  const char* (*version_string)(void);
  const char* (*error_name)(uint32_t error);
  const char* (*reason_name)(uint32_t reason);
  const char* (*event_name)(uint32_t kind);

  /* ---- Configuration ---- */

  /* Fills `config` with the defaults; sets struct_size. */
  uint32_t (*config_init)(framepump_config* config, uint32_t struct_size);
  /* Defaults, then the TOML file at `path`. CONFIG: the file is missing or wrong, `message` (may be null) says where; or this plugin
   * was built without its TOML reader. Reads the disk: not for the frame. */
  uint32_t (*config_load)(framepump_config* config, uint32_t struct_size, const char* path, framepump_message* message);

  /* ---- Network: one pump, its sockets and its memory ---- */

  /* With this configuration; watches no file. `services` and `message` may be null. The network copies both structs.
   * CONFIG: a value is out of range. OUT_OF_MEMORY. LIMIT_REACHED: 63 networks live. DESCRIPTORS_EXHAUSTED. SYSTEM. */
  uint32_t (*network_create)(const framepump_config* config, const framepump_services* services, framepump_handle* network,
                             framepump_message* message);
  /* As config_load and network_create, and then watches the file: an edit takes effect within half a second and is announced
   * by CONFIG_RELOADED; a bad edit by CONFIG_REFUSED, and changes nothing. Only keys whose value in the file changed are applied. */
  uint32_t (*network_open)(const char* path, const framepump_services* services, framepump_handle* network,
                           framepump_message* message);
  /* Closes every socket at once (unsent bytes are lost: close streams and wait for their closed events first), joins the
   * threads. Afterwards every handle of this network is stale and the library may be unloaded. */
  uint32_t (*network_destroy)(framepump_handle network);

  /* Applies the live keys that differ from the settings in force. NEEDS_RESTART: a restart key differs; CONFIG: a value is out of
   * range; in both cases nothing is applied. Of file, call and set_mode the latest change wins. */
  uint32_t (*network_configure)(framepump_handle network, const framepump_config* config);
  uint32_t (*network_config)(framepump_handle network, framepump_config* config);
  /* Takes effect in the next tick, announced by MODE_SWITCHED. Nothing is lost or reordered by it. */
  uint32_t (*set_mode)(framepump_handle network, uint32_t mode);
  uint32_t (*totals)(framepump_handle network, framepump_totals* totals);
  /* The text of the newest error of this network, or of the one that another handle belongs to; never null, valid until the next call
   * on it. A null or stale handle: a fixed text. */
  const char* (*last_error)(framepump_handle network);

  /* ---- The frame ---- */

  /* Pumps within pump.slice_us (frame-locked) and publishes: the only place where gameplay sees change. `report` may be null. Never waits
   * for another thread: while the guard or the IO thread pumps, it publishes what is there. */
  uint32_t (*tick)(framepump_handle network, const framepump_frame* frame, framepump_tick_report* report);
  /* Sends what gameplay wrote, within pump.flush_slice_us; threaded, wakes the IO thread. Publishes nothing. */
  uint32_t (*flush)(framepump_handle network);
  /* Instead of sleeping: pumps until services.now_us() reaches `deadline_us`; publishes nothing. `until` is FRAMEPUMP_WAIT_*. */
  uint32_t (*wait_until)(framepump_handle network, int64_t deadline_us, uint32_t until);
  /* What the last tick published; the arrays are valid until the next tick. readable lists the streams with unread bytes, and
   * costs what it lists, not what is open. */
  uint32_t (*events)(framepump_handle network, const framepump_event** events, uint32_t* count);
  uint32_t (*readable)(framepump_handle network, const framepump_handle** streams, uint32_t* count);

  /* ---- Streams and listeners ---- */

  /* Starts to connect; the outcome is an event (CONNECTED, or CLOSED with a reason). Writing is possible at once. A host that is a name is
   * looked up in the pump (hosts file, search domains, DNS; nothing waits for it), and its addresses are tried as RFC 8305 says, IPv6
   * and IPv4 in turns; stream.connect_timeout_ms counts for all of it. CLOSED then has a NAME_* reason or that of the addresses, and its
   * text says what was tried. ADDRESS_NOT_NUMERIC: neither an address nor a well-formed name (IDNs in their xn-- form), or a name and this
   * plugin was built without names. DESCRIPTORS_EXHAUSTED: no file thread for the first name. LIMIT_REACHED: limits.streams or
   * memory.budget_kib. OUT_OF_MEMORY (names and TLS only). UNSUPPORTED: `tls`, and this plugin was built without TLS. */
  uint32_t (*connect)(framepump_handle network, const framepump_endpoint* endpoint, framepump_handle* stream);
  /* Listens at once, with SO_REUSEADDR (on Windows SO_EXCLUSIVEADDRUSE). ADDRESS_NOT_NUMERIC, ADDRESS_IN_USE,
   * ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED, DESCRIPTORS_EXHAUSTED, OUT_OF_MEMORY, LIMIT_REACHED (64 listeners),
   * UNSUPPORTED (no IPv6 on this machine, or a plugin without TLS), SYSTEM. With `tls` it reads the disk, which is not for the frame;
   * CERTIFICATE: what it read there cannot be used. */
  uint32_t (*listen)(framepump_handle network, const framepump_endpoint* endpoint, framepump_handle* listener);
  uint32_t (*listener_port)(framepump_handle listener, uint32_t* port);

  /* Graceful: delivers what was written, then closes; the closed event follows. Gameplay reads no more. Also ends a listener
   * or a user source, at once and without an event. */
  uint32_t (*close)(framepump_handle handle);
  /* At once: unsent bytes are dropped and the peer sees a reset. The closed event follows. */
  uint32_t (*abort)(framepump_handle stream);
  /* Half-close: what was written is delivered, then the peer sees end of stream; reading goes on. */
  uint32_t (*shutdown_write)(framepump_handle stream);
  uint32_t (*set_priority)(framepump_handle handle, uint32_t priority);
  uint32_t (*set_user_data)(framepump_handle handle, uint64_t user_data);
  /* `info->struct_size` must be set. */
  uint32_t (*stream_info)(framepump_handle stream, framepump_stream_info* info);

  /* ---- Reading. Bytes appear in tick only; there is always one contiguous run, and blocks have seams. ---- */

  uint32_t (*available)(framepump_handle stream, uint64_t* bytes);
  /* The first contiguous run: at least one byte when available > 0; else NOT_YET. */
  uint32_t (*front)(framepump_handle stream, const void** view, uint64_t* size_bytes);
  /* Exactly `size_bytes` contiguous bytes without taking them; NOT_YET: fewer have been published (memory is kept free so
   * that they will fit). TOO_LARGE: beyond stream.receive_limit_kib or a 16th of memory.budget_kib. CLOSED: the stream ended with fewer. */
  uint32_t (*peek)(framepump_handle stream, uint64_t size_bytes, const void** view);
  /* Copies up to `capacity_bytes` and consumes them, as consume does; `taken` may be 0. */
  uint32_t (*read)(framepump_handle stream, void* buffer, uint64_t capacity_bytes, uint64_t* taken);
  /* Gives `size_bytes` back; no more than available. Ends the views of this stream. */
  uint32_t (*consume)(framepump_handle stream, uint64_t size_bytes);

  /* ---- Writing. Bytes leave in flush or tick. CLOSED: closed, or shutdown_write was called. ---- */

  /* Takes as much as there is room for and says how much. Less than all: a WRITABLE event follows. */
  uint32_t (*write)(framepump_handle stream, const void* bytes, uint64_t size_bytes, uint64_t* taken);
  /* All or nothing. NO_ROOM: a WRITABLE event follows once it fits. TOO_LARGE: it never will, being beyond stream.send_limit_kib or a
   * quarter of what memory.budget_kib leaves for sending (a quarter of it, less 2 KiB for each open stream). */
  uint32_t (*write_all)(framepump_handle stream, const void* bytes, uint64_t size_bytes);
  /* Room to write in place: `size_bytes` contiguous, at most 65472. Ends with commit or the next call that writes. NO_ROOM and
   * TOO_LARGE as for write_all. */
  uint32_t (*reserve)(framepump_handle stream, uint64_t size_bytes, void** room);
  /* Sends the first `size_bytes` of what was reserved. */
  uint32_t (*commit)(framepump_handle stream, uint64_t size_bytes);

  /* ---- User sources: gameplay's own work, charged to the slice ---- */

  /* LIMIT_REACHED: 1024 sources. It has its first turn in the next tick; see framepump_source. */
  uint32_t (*add_source)(framepump_handle network, const framepump_source* source, framepump_handle* handle);
  uint32_t (*wake_source)(framepump_handle source);

  /* ---- Datagrams: ENet hosts and peers (types and rules in framepump_datagram.h). close, abort, set_priority (hosts only)
   * and set_user_data take them too: close delivers what was sent, then closes a peer, or a host with all its peers; abort
   * does it at once. Either way CLOSED follows for each peer, and for a host after those of its peers. ---- */

  /* Opens a UDP socket at once. ADDRESS_NOT_NUMERIC, ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED,
   * DESCRIPTORS_EXHAUSTED, OUT_OF_MEMORY, LIMIT_REACHED (16 hosts), SYSTEM; UNSUPPORTED: IPv6, which ENet does not speak;
   * another copy of ENet has taken the place of the plugin's (the text names both files); or this plugin was built without ENet. */
  uint32_t (*host_open)(framepump_handle network, const framepump_host_options* options, framepump_handle* host);
  uint32_t (*host_port)(framepump_handle host, uint32_t* port);
  /* Starts to connect; the outcome is an event: CONNECTED, or CLOSED with a reason. `data` reaches the other side's ACCEPTED
   * event. The endpoint's flags and priority are not used. ADDRESS_NOT_NUMERIC, UNSUPPORTED: IPv6. LIMIT_REACHED: datagram.peers. */
  uint32_t (*peer_connect)(framepump_handle host, const framepump_endpoint* endpoint, uint32_t data, framepump_handle* peer);
  /* One message, copied once. It leaves in flush or tick. NOT_YET: CONNECTED was not published yet. CLOSED. NO_ROOM: the peer has
   * datagram.queue_limit_kib unacknowledged; a WRITABLE event follows once half of it is free. TOO_LARGE:
   * datagram.message_limit_kib. OUT_OF_MEMORY. */
  uint32_t (*send)(framepump_handle peer, uint32_t channel, const void* bytes, uint64_t size_bytes, uint32_t delivery);
  /* The same message to every connected peer of the host, copied once for all. NO_ROOM: broadcasts that not every peer has
   * acknowledged are beyond datagram.queue_limit_kib; no event follows. CLOSED, TOO_LARGE, OUT_OF_MEMORY as for send. */
  uint32_t (*broadcast)(framepump_handle host, uint32_t channel, const void* bytes, uint64_t size_bytes, uint32_t delivery);
  /* What the last tick published, oldest first; the list and its payloads are valid until the next tick, then they are gone. */
  uint32_t (*messages)(framepump_handle network, const framepump_received** messages, uint32_t* count);
  /* `info->struct_size` must be set. Figures of the wire are renewed ten times a second. */
  uint32_t (*peer_info)(framepump_handle peer, framepump_peer_info* info);
  uint32_t (*host_info)(framepump_handle host, framepump_host_info* info);

  /* ---- Messages: what a parser of streams needs besides front and peek (framing.hpp and message.hpp are one) ---- */

  /* The contiguous run that begins with the byte at `offset_bytes` from the first unread one: a walk over all runs joins nothing.
   * NOT_YET: that byte has not been published. */
  uint32_t (*run_at)(framepump_handle stream, uint64_t offset_bytes, const void** view, uint64_t* size_bytes);
  /* As write_all, for `count` pieces one after the other: all or nothing. */
  uint32_t (*write_parts)(framepump_handle stream, const framepump_part* parts, uint32_t count);
  /* As abort, and CLOSED will have this reason, MESSAGE_TOO_LARGE or MALFORMED_MESSAGE, and this text (up to 200 bytes are kept) behind
   * the peer's address. OUT_OF_MEMORY: aborted, but with the reason ABORTED_HERE. */
  uint32_t (*abort_because)(framepump_handle stream, uint32_t reason, const char* text);
  /* From now on (1), or no longer (0), the arrival of bytes is written down. That costs 8 KiB outside of memory.budget_kib, kept until
   * the stream is gone, and a tenth more for each read. OUT_OF_MEMORY. */
  uint32_t (*watch_arrivals)(framepump_handle stream, uint32_t on);
  /* When the byte at `offset_bytes` from the first unread one came. Of bytes that were there before watch_arrivals the time of that call is
   * told; when more than 256 reads lie unread, of the rest an earlier time than theirs; both without flags. `arrival->struct_size` must be
   * set. NOT_YET: that byte has not been published. INVALID_ARGUMENT: watch_arrivals was not called. */
  uint32_t (*arrival)(framepump_handle stream, uint64_t offset_bytes, framepump_arrival* arrival);

  /* ---- Downloads (types and rules in framepump_download.h). close and abort take them too: either way DOWNLOAD_FAILED follows, with
   * the part kept (close) or removed (abort); for one that has ended, either only ends its handle. set_priority and
   * set_user_data take them, too. ---- */

  /* Starts to download, or queues. The outcome is an event: DOWNLOAD_FINISHED or DOWNLOAD_FAILED. The handle stays good after that until
   * close, or until 64 more have ended. Copies the options. INVALID_ARGUMENT: one of them is not allowed. LIMIT_REACHED: 1024 downloads.
   * OUT_OF_MEMORY, DESCRIPTORS_EXHAUSTED; UNSUPPORTED: this plugin was built without downloads. */
  uint32_t (*download_start)(framepump_handle network, const framepump_download_options* options, framepump_handle* download);
  /* As of the last tick. `info->struct_size` must be set. */
  uint32_t (*download_info)(framepump_handle download, framepump_download_info* info);
  /* 1: gives its connection and its place back; 0: queues again and goes on where it was, as after a broken connection. CLOSED: it
   * has ended. */
  uint32_t (*download_pause)(framepump_handle download, uint32_t paused);

  /* ---- TLS (framepump_tls.h) ---- */

  /* What the handshake came to. `info->struct_size` must be set. NOT_YET: it is not over. A plain stream: version 0. */
  uint32_t (*tls_info)(framepump_handle stream, framepump_tls_info* info);

  /* ---- For what is built on user sources, such as coroutines (coroutines.hpp). ---- */

  /* services.now_us: the clock that the slice runs on. */
  uint32_t (*clock_us)(framepump_handle network, int64_t* now_us);
  /* Memory from services.allocate, not counted in memory.budget_kib. It must be given back with the same size and alignment (a power of
   * two) before network_destroy, or in a source's closed(), which that calls. OUT_OF_MEMORY: the allocator returned null. */
  uint32_t (*allocate)(framepump_handle network, uint64_t size_bytes, uint64_t alignment, void** memory);
  uint32_t (*release)(framepump_handle network, void* memory, uint64_t size_bytes, uint64_t alignment);
} framepump_api;

#if defined(_WIN32)
#define FRAMEPUMP_EXPORT /* framepump.def exports it from the DLL; so the header is the same for whoever links statically */
#else
#define FRAMEPUMP_EXPORT __attribute__((visibility("default")))
#endif

/* The one exported symbol. Null when this plugin cannot serve `version` (pass FRAMEPUMP_VERSION). The table's own `version` and
 * `struct_size` are the plugin's, so they may be larger than the caller's. */
FRAMEPUMP_EXPORT const framepump_api* framepump_get_api(uint32_t version);
typedef const framepump_api* (*framepump_get_api_function)(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif
