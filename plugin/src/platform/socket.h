// SPDX-License-Identifier: MIT
//
// TCP sockets without errno: every descriptor is non-blocking and close-on-exec, no call raises SIGPIPE, every call survives
// EINTR, and what went wrong is an IoStatus. Any thread, one at a time for one socket.
#pragma once

#include <cstdint>
#include <span>

#include "platform/address.h"

namespace framepump {

// Sockets may be used while one of these is started: on Windows, which counts them (WSAStartup). Any thread.
class SocketSystem {
 public:
  SocketSystem() = default;
  ~SocketSystem();
  SocketSystem(const SocketSystem&) = delete;
  SocketSystem& operator=(const SocketSystem&) = delete;

  bool start();  // false: the system has no sockets to give

 private:
  [[maybe_unused]] bool is_started_ = false;
};

struct Socket {
  intptr_t value = -1;
  bool is_open() const { return value != -1; }
};

enum class IoStatus : uint8_t {
  ok,
  would_block,    // also: a connect that is under way
  end_of_stream,  // receive only
  refused,
  reset,          // also EPIPE, ECONNABORTED
  timed_out,
  unreachable,
  address_in_use,
  address_not_available,
  permission_denied,
  descriptors_exhausted,  // EMFILE, ENFILE
  out_of_memory,          // ENOBUFS, ENOMEM
  unsupported,
  failed,                 // anything else: system_code says what
};

struct IoResult {
  IoStatus status = IoStatus::ok;
  int32_t system_code = 0;  // for system_message, 0 when ok
  uint64_t size_bytes = 0;  // moved
};

struct ReceiveBuffer { void* data; uint64_t size_bytes; };
struct SendBuffer { const void* data; uint64_t size_bytes; };
constexpr uint32_t kMaxReceiveBuffers = 16;
constexpr uint32_t kMaxSendBuffers = 16;

struct StreamOptions {
  bool no_delay = true;
  uint32_t keepalive_s = 0;      // idle time before the first probe (at most half of dead_after_s); 0: no probes
  uint32_t dead_after_s = 0;     // TCP_USER_TIMEOUT; also spreads the keepalive probes so that a silent peer is dead by then
                                 // (and so, on Linux, is a living one that keeps its window closed for as long: see
                                 // send_progress)
  uint32_t unsent_low_bytes = 0; // TCP_NOTSENT_LOWAT; 0: the kernel's default
};

struct ListenOptions {
  uint32_t backlog = 1024;
  bool dual_stack = false;  // IPv6 only: false sets IPV6_V6ONLY
  StreamOptions stream;     // set on the listener; accepted sockets inherit all of them on Linux
};

// `out` stays closed unless the result is ok.
IoResult open_stream(AddressFamily family, const StreamOptions& options, Socket& out);
// ok: connected already; would_block: under way, writable readiness tells, then finish_connect.
IoResult start_connect(Socket socket, const SocketAddress& peer);
// The outcome of a connect under way (SO_ERROR, and whether there is a peer): ok, would_block (still under way), or the
// failure.
IoResult finish_connect(Socket socket);
// Why a connection failed of which the peer's end was read already: from then on receive says nothing but "end". Told once; ok: it has not.
IoResult pending_error(Socket socket);

// Socket, SO_REUSEADDR, bind and listen.
IoResult open_listener(const SocketAddress& address, const ListenOptions& options, Socket& out);
// One connection of the queue. would_block: the queue is empty. Connections that died in the queue are skipped.
// `options` are applied only where accepted sockets do not inherit them.
IoResult accept_stream(Socket listener, const StreamOptions& options, Socket& out, SocketAddress& peer);

void set_unsent_low(Socket socket, uint32_t bytes);  // TCP_NOTSENT_LOWAT; UINT32_MAX undoes it
// Whether the kernel acknowledges a small message within the receive() that takes it. Off: with the next bytes that are sent, at the second
// message, or after 40 ms (a round trip if that is longer, 200 ms at most; RFC 9293, 3.8.6.3). That timer, and loss, turn it on again.
// Linux (TCP_QUICKACK).
void set_quick_acks(Socket socket, bool is_on);
// With quick acknowledgements off: what was received and waits to be acknowledged is, and they stay off. With nothing that waits, and after
// this end's shutdown_write(), they are on afterwards. Linux.
void acknowledge_now(Socket socket);

// Fills the buffers in order (at most kMaxReceiveBuffers), one system call.
IoResult receive(Socket socket, std::span<const ReceiveBuffer> buffers);
// From now on packets carry the time of their arrival (SO_TIMESTAMPNS) where the system knows it.
void set_arrival_stamps(Socket socket);
// As receive, and `arrival_ns` (realtime_ns clock) is that of the newest packet taken, 0 if unknown. Costs a tenth more.
IoResult receive_stamped(Socket socket, std::span<const ReceiveBuffer> buffers, int64_t& arrival_ns);
// Sends the buffers in order (at most kMaxSendBuffers), one system call.
IoResult send(Socket socket, std::span<const SendBuffer> buffers);

void shutdown_write(Socket socket);
void close_socket(Socket& socket);  // leaves it closed
void abort_socket(Socket& socket);  // the peer sees a reset

bool local_address(Socket socket, SocketAddress& out);
// Whether the kernel gets rid of what was sent, and whether the peer answers.
struct SendProgress {
  bool is_known = false;           // false: this system does not tell
  uint32_t in_flight_packets = 0;  // sent and not acknowledged
  uint32_t unsent_bytes = 0;       // with nothing in flight: the peer's window is closed
  uint32_t unanswered_probes = 0;
  uint32_t since_answer_ms = 0;    // since the last acknowledgement of any kind
};
SendProgress send_progress(Socket socket);
void set_dead_after(Socket socket, uint32_t seconds);  // TCP_USER_TIMEOUT; 0: off

struct KernelRtt {
  uint32_t smoothed_us = 0;   // 0: unknown
  uint32_t deviation_us = 0;  // RTTVAR of RFC 6298
};
KernelRtt kernel_rtt(Socket socket);

// The receive-window lever: SO_RCVLOWAT grows the kernel's receive buffer without privileges, without the rmem_max cap, and
// without switching auto-tuning off (Linux 4.18).
struct ReceiveMark {
  uint64_t mark_bytes = 0;    // in force, read back; 1: no effect
  uint64_t buffer_bytes = 0;  // SO_RCVBUF afterwards: what the kernel may hold for this socket
};
constexpr uint64_t kLowestReceiveMark = 1;
// Asks for a mark of at most `mark_bytes`; the kernel caps it at half of tcp_rmem[2].
ReceiveMark set_receive_mark(Socket socket, uint64_t mark_bytes);
// The largest mark this system grants (half of tcp_rmem[2] on Linux), found by asking a socket of its own; kLowestReceiveMark: no
// such lever here; 0: no socket to ask with.
uint64_t largest_receive_mark();

// The system's text for a code, for messages. `out` is always terminated.
void system_message(int32_t system_code, std::span<char> out);

// Raises this process's limit of open descriptors to the most it may have; returns it.
uint64_t raise_descriptor_limit();
// Has the system's table of this process's descriptors grow to `count` now, or to the limit. When it grows by itself, Linux lets a process
// of several threads wait until every processor has seen the old one go: 10 to 20 ms (measured) in the middle of an accept.
void reserve_descriptors(uint64_t count);

}  // namespace framepump
