// SPDX-License-Identifier: MIT
//
// Socket options, the receive-window lever, and what the system says about sockets and errors.
#if !defined(_WIN32)

#include "platform/features.h"

#include <sys/ioctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#if defined(FRAMEPUMP_LINUX)
#include <fcntl.h>
#include <linux/sockios.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstring>

#include "platform/posix.h"
#include "platform/socket.h"

namespace framepump {
namespace {

#if defined(TCP_KEEPIDLE)
constexpr int kKeepIdle = TCP_KEEPIDLE;
#elif defined(TCP_KEEPALIVE)
constexpr int kKeepIdle = TCP_KEEPALIVE;  // macOS
#endif
[[maybe_unused]] constexpr uint32_t kMaxKeepaliveS = 32767;  // Linux: MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL

void set_option(int descriptor, int level, int name, uint32_t value) {
  const int number = static_cast<int>(std::min<uint32_t>(value, INT_MAX));
  setsockopt(descriptor, level, name, &number, sizeof(number));
}

uint64_t option_of(int descriptor, int level, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(descriptor, level, name, &value, &size) == 0 && value > 0 ? static_cast<uint64_t>(value) : 0;
}

// With TCP_USER_TIMEOUT, Linux ignores TCP_KEEPCNT and gives an idle peer up at the first probe that is due after that time,
// even if only one was sent before. So that one lost packet is no death sentence, probes begin at half of the time at the
// latest and come at a rate of six to that time; other systems count them.
void set_keepalive(int descriptor, [[maybe_unused]] uint32_t keepalive_s, [[maybe_unused]] uint32_t dead_after_s) {
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPINTVL)  // OpenBSD has one rate of probes for the whole machine
  uint32_t idle_s = std::min(keepalive_s, kMaxKeepaliveS);
  if (dead_after_s > 0) {
    constexpr uint32_t kProbesPerTime = 6;
    constexpr uint32_t kMaxProbes = 127;  // Linux: MAX_TCP_KEEPCNT
    idle_s = std::min(idle_s, std::max<uint32_t>(dead_after_s / 2, 1));
    const uint32_t interval_s = std::clamp<uint32_t>(dead_after_s / kProbesPerTime, 1, kMaxKeepaliveS);
    const uint32_t left_s = dead_after_s - std::min(dead_after_s, idle_s);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
    set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, std::clamp<uint32_t>(left_s / interval_s, 1, kMaxProbes));
  }
  set_option(descriptor, IPPROTO_TCP, kKeepIdle, idle_s);
#endif
}

// glibc's own form returns the text, the standard's fills the buffer: whichever is there picks one of these.
[[maybe_unused]] const char* text_of(const char* text, const char*) { return text; }
[[maybe_unused]] const char* text_of(int, const char* buffer) { return buffer; }

}  // namespace

void apply_stream_options(int descriptor, const StreamOptions& options) {
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, options.no_delay ? 1 : 0);
  if (options.keepalive_s > 0) set_keepalive(descriptor, options.keepalive_s, options.dead_after_s);
  if (options.dead_after_s > 0) set_dead_after({descriptor}, options.dead_after_s);
  if (options.unsent_low_bytes > 0) set_unsent_low({descriptor}, options.unsent_low_bytes);
}

void set_arrival_stamps([[maybe_unused]] Socket socket) {
#if defined(SO_TIMESTAMPNS)
  set_option(descriptor_of(socket), SOL_SOCKET, SO_TIMESTAMPNS, 1);
#endif
}

void set_unsent_low([[maybe_unused]] Socket socket, [[maybe_unused]] uint32_t bytes) {
#if defined(TCP_NOTSENT_LOWAT)
  // Unsigned in the kernel: its "no limit" is all bits set, so no clamping here.
  setsockopt(descriptor_of(socket), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
#endif
}

void set_quick_acks([[maybe_unused]] Socket socket, [[maybe_unused]] bool is_on) {
#if defined(TCP_QUICKACK)
  set_option(descriptor_of(socket), IPPROTO_TCP, TCP_QUICKACK, is_on ? 1 : 0);
#endif
}

void acknowledge_now([[maybe_unused]] Socket socket) {
#if defined(TCP_QUICKACK)
  constexpr int kOnceOnly = 2;  // Linux: an even number that is not 0
  set_option(descriptor_of(socket), IPPROTO_TCP, TCP_QUICKACK, kOnceOnly);
#endif
}

void set_dead_after([[maybe_unused]] Socket socket, [[maybe_unused]] uint32_t seconds) {
#if defined(TCP_USER_TIMEOUT)
  const uint64_t timeout_ms = uint64_t{seconds} * 1000;
  set_option(descriptor_of(socket), IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<uint32_t>(std::min<uint64_t>(timeout_ms, INT_MAX)));
#endif
}

SendProgress send_progress([[maybe_unused]] Socket socket) {
  SendProgress progress;
#if defined(FRAMEPUMP_LINUX)
  tcp_info info = {};
  socklen_t size = sizeof(info);
  int unsent_bytes = 0;
  if (getsockopt(descriptor_of(socket), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return progress;
  if (ioctl(descriptor_of(socket), SIOCOUTQNSD, &unsent_bytes) != 0) return progress;
  progress = {.is_known = true,
              .in_flight_packets = info.tcpi_unacked,
              .unsent_bytes = static_cast<uint32_t>(unsent_bytes),
              .unanswered_probes = info.tcpi_probes,
              .since_answer_ms = info.tcpi_last_ack_recv};
#endif
  return progress;
}

KernelRtt kernel_rtt([[maybe_unused]] Socket socket) {
#if defined(FRAMEPUMP_LINUX)
  tcp_info info = {};
  socklen_t size = sizeof(info);
  if (getsockopt(descriptor_of(socket), IPPROTO_TCP, TCP_INFO, &info, &size) == 0) return {info.tcpi_rtt, info.tcpi_rttvar};
#endif
  return {};
}

ReceiveMark set_receive_mark(Socket socket, uint64_t mark_bytes) {
  const int descriptor = descriptor_of(socket);
  ReceiveMark mark;
#if defined(FRAMEPUMP_LINUX)
  set_option(descriptor, SOL_SOCKET, SO_RCVLOWAT, static_cast<uint32_t>(std::min<uint64_t>(mark_bytes, INT_MAX)));
  mark.mark_bytes = option_of(descriptor, SOL_SOCKET, SO_RCVLOWAT);
#else
  static_cast<void>(mark_bytes);
  mark.mark_bytes = kLowestReceiveMark;
#endif
  mark.buffer_bytes = option_of(descriptor, SOL_SOCKET, SO_RCVBUF);
  return mark;
}

uint64_t largest_receive_mark() {
  Socket socket;
  if (open_stream(AddressFamily::ipv4, {}, socket).status != IoStatus::ok &&
      open_stream(AddressFamily::ipv6, {}, socket).status != IoStatus::ok) {
    return 0;
  }
  const ReceiveMark mark = set_receive_mark(socket, INT_MAX);
  close_socket(socket);
  // A kernel older than 4.18 holds readiness back for the mark without growing the buffer for it, which is worse than nothing.
  return mark.mark_bytes > kLowestReceiveMark && mark.buffer_bytes >= mark.mark_bytes ? mark.mark_bytes : kLowestReceiveMark;
}

void system_message(int32_t system_code, std::span<char> out) {
  if (out.empty()) return;
  char buffer[256] = {};
  const char* text = text_of(strerror_r(system_code, buffer, sizeof(buffer)), buffer);
  std::snprintf(out.data(), out.size(), "%s", text);
}

uint64_t raise_descriptor_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
#if defined(OPEN_MAX)
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_cur, OPEN_MAX);  // macOS refuses more
#endif
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

void reserve_descriptors([[maybe_unused]] uint64_t count) {
#if defined(FRAMEPUMP_LINUX)
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  // The table grows with the largest descriptor, and does not shrink again.
  const int largest = static_cast<int>(std::min<uint64_t>({count, limit.rlim_cur, INT_MAX})) - 1;
  const int any = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) return;
  const int copy = fcntl(any, F_DUPFD_CLOEXEC, largest);
  if (copy >= 0) ::close(copy);
  ::close(any);
#endif
}

}  // namespace framepump

#endif
