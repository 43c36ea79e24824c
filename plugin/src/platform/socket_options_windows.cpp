// SPDX-License-Identifier: MIT
//
// Socket options, and what the system says about sockets and errors. What Windows lacks of Linux is said where it is missing; together
// it is listed in docs/platforms.md.
#if defined(_WIN32)

#include <winsock2.h>
#include <mstcpip.h>

#include <algorithm>
#include <climits>
#include <cstdio>

#include "platform/socket.h"
#include "platform/windows_sockets.h"

namespace framepump {
namespace {

#if !defined(TCP_MAXRT)
constexpr int TCP_MAXRT = 5;  // since Windows Vista: seconds that unacknowledged bytes are sent again and again
#endif

void set_option(SOCKET socket, int level, int name, uint32_t value) {
  const int number = static_cast<int>(std::min<uint32_t>(value, INT_MAX));
  setsockopt(socket, level, name, reinterpret_cast<const char*>(&number), sizeof(number));
}

uint64_t option_of(SOCKET socket, int level, int name) {
  int value = 0;
  int size = sizeof(value);
  return getsockopt(socket, level, name, reinterpret_cast<char*>(&value), &size) == 0 && value > 0 ? static_cast<uint64_t>(value) : 0;
}

// Windows sends ten probes, whoever asks, so their distance is what makes a silent peer dead in time. Probes begin at half of the time at
// the latest.
void set_keepalive(SOCKET socket, uint32_t keepalive_s, uint32_t dead_after_s) {
  constexpr uint32_t kProbes = 10;
  constexpr uint32_t kLongestS = 32767;  // as on Linux, and far from what a product with 1,000 could not hold
  uint32_t idle_s = std::min(keepalive_s, kLongestS);
  uint32_t interval_ms = 1000;  // Windows' own
  if (dead_after_s > 0) {
    const uint32_t limit_s = std::min(dead_after_s, kLongestS);
    idle_s = std::min(idle_s, std::max<uint32_t>(limit_s / 2, 1));
    interval_ms = std::max<uint32_t>((limit_s - std::min(limit_s, idle_s)) * 1000 / kProbes, 100);
  }
  tcp_keepalive settings = {1, idle_s * 1000, interval_ms};
  DWORD unused = 0;
  WSAIoctl(socket, SIO_KEEPALIVE_VALS, &settings, sizeof(settings), nullptr, 0, &unused, nullptr, nullptr);
}

}  // namespace

void apply_stream_options(SOCKET socket, const StreamOptions& options) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, options.no_delay ? 1 : 0);
  if (options.keepalive_s > 0) set_keepalive(socket, options.keepalive_s, options.dead_after_s);
  if (options.dead_after_s > 0) set_dead_after({static_cast<intptr_t>(socket)}, options.dead_after_s);
}

void set_arrival_stamps(Socket) {}

// The kernel's queue of unsent bytes has no limit of its own here; SO_SNDBUF would end its tuning.
void set_unsent_low(Socket, uint32_t) {}

void set_quick_acks(Socket, bool) {}
void acknowledge_now(Socket) {}

void set_dead_after(Socket socket, uint32_t seconds) {
  constexpr uint32_t kNever = UINT32_MAX;  // Windows' word for "do not give up"
  const uint32_t value = seconds == 0 ? kNever : std::min<uint32_t>(seconds, INT_MAX);
  setsockopt(system_socket(socket), IPPROTO_TCP, TCP_MAXRT, reinterpret_cast<const char*>(&value), sizeof(value));
}

// So nobody is spared: a living peer that keeps its window closed may be held for dead if TCP_MAXRT counts its answers as none.
SendProgress send_progress(Socket) { return {}; }

KernelRtt kernel_rtt(Socket) { return {}; }

ReceiveMark set_receive_mark(Socket socket, uint64_t) {
  return {kLowestReceiveMark, option_of(system_socket(socket), SOL_SOCKET, SO_RCVBUF)};
}

uint64_t largest_receive_mark() { return kLowestReceiveMark; }

void system_message(int32_t system_code, std::span<char> out) {
  if (out.empty()) return;
  wchar_t wide[256] = {};
  constexpr DWORD kFlags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
  DWORD units = FormatMessageW(kFlags, nullptr, static_cast<DWORD>(system_code), 0, wide, sizeof(wide) / sizeof(wide[0]), nullptr);
  // Texts end in a full stop and a blank, which the messages around them bring themselves.
  while (units > 0 && (wide[units - 1] == L' ' || wide[units - 1] == L'.')) wide[--units] = L'\0';
  char text[1024] = {};
  const bool is_known = units > 0 && WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof(text), nullptr, nullptr) > 0;
  if (is_known) {
    std::snprintf(out.data(), out.size(), "%s", text);
  } else {
    std::snprintf(out.data(), out.size(), "error %d of Windows", static_cast<int>(system_code));
  }
}

// Sockets are handles, of which a process may have 16 million.
uint64_t raise_descriptor_limit() { return uint64_t{1} << 24; }

void reserve_descriptors(uint64_t) {}

}  // namespace framepump

#endif
