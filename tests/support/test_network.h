// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framepump/framepump.h"

namespace framepump::test {

inline const framepump_api& api() { return *framepump_get_api(FRAMEPUMP_VERSION); }

inline int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The defaults, but without the guard, which pumps when the test's thread is away for a while. Tests of the guard ask for it.
inline framepump_config default_config() {
  framepump_config config = {};
  api().config_init(&config, sizeof(config));
  config.stall_takeover_ms = 0;
  return config;
}

// One event as tests compare it: without frame numbers, and with its text kept.
struct SeenEvent {
  uint32_t kind = 0;
  uint32_t reason = 0;
  framepump_handle handle = 0;
  framepump_handle other = 0;
  uint64_t user_data = 0;
  uint64_t value = 0;
  uint64_t value2 = 0;
  std::string text;
};

// One message as tests compare it.
struct SeenMessage {
  framepump_handle peer = 0;
  framepump_handle host = 0;
  uint64_t user_data = 0;
  uint32_t channel = 0;
  uint32_t delivery = 0;
  uint32_t dwell_us = 0;
  std::string text;
};

// A network with what tests do over and over: tick, remember events, wait for a state.
class TestNetwork {
 public:
  // Without services: the defaults, but nothing is logged.
  explicit TestNetwork(const framepump_config& config = default_config(), const framepump_services* services = nullptr);
  ~TestNetwork();
  TestNetwork(const TestNetwork&) = delete;
  TestNetwork& operator=(const TestNetwork&) = delete;

  framepump_handle handle() const { return handle_; }

  // One frame: tick at the current time and flush. Asserts that both succeed.
  const framepump_tick_report& frame();
  const framepump_tick_report& tick();
  void flush();
  const framepump_tick_report& report() const { return report_; }
  // The frame's clock, in microseconds; now_us() unless set.
  void use_clock(std::function<int64_t()> clock) { clock_ = std::move(clock); }

  framepump_handle listen(const char* host = "127.0.0.1", uint32_t port = 0, uint32_t flags = 0, uint32_t priority = 1);
  uint32_t port_of(framepump_handle listener);
  framepump_handle connect(uint32_t port, const char* host = "127.0.0.1", uint32_t flags = 0, uint32_t priority = 1);

  // Every event since the start or the last forget_events(), in order.
  const std::vector<SeenEvent>& seen() const { return seen_; }
  void forget_events() { seen_.clear(); }
  const SeenEvent* find(uint32_t kind, framepump_handle handle = 0) const;  // null: not seen; handle 0: any
  uint32_t count(uint32_t kind) const;

  framepump_handle open_host(const char* address = "127.0.0.1", uint32_t peers = 0, uint64_t user_data = 0);
  uint32_t host_port(framepump_handle host);
  framepump_handle peer_connect(framepump_handle host, uint32_t port, uint32_t data = 0, uint64_t user_data = 0);
  uint32_t send(framepump_handle peer, std::string_view bytes, uint32_t delivery = FRAMEPUMP_RELIABLE, uint32_t channel = 0);
  framepump_host_info host_info(framepump_handle host) const;
  framepump_peer_info peer_info(framepump_handle peer) const;
  // Every message since the start or the last forget_messages(), in order.
  const std::vector<SeenMessage>& messages() const { return messages_; }
  void forget_messages() { messages_.clear(); }
  uint32_t last_message_count() const { return last_message_count_; }  // of the last tick

  uint64_t available(framepump_handle stream) const;
  std::string read_all(framepump_handle stream);  // and consume
  uint64_t write(framepump_handle stream, std::string_view bytes);
  framepump_stream_info info(framepump_handle stream) const;
  framepump_totals totals() const;
  std::string last_error() const { return api().last_error(handle_); }
  std::vector<framepump_handle> readable() const;

 private:
  framepump_handle handle_ = 0;
  framepump_tick_report report_ = {};
  uint64_t frame_number_ = 0;
  std::function<int64_t()> clock_ = now_us;
  std::vector<SeenEvent> seen_;
  std::vector<SeenMessage> messages_;
  uint32_t last_message_count_ = 0;
};

// Frames of all networks in turn, a millisecond apart, until the condition holds. False: `limit_ms` passed.
bool run_until(std::initializer_list<TestNetwork*> networks, const std::function<bool()>& condition, int limit_ms = 10'000);

// A connected pair: `client` side in one network, `server` side in the other (or the same).
struct Pair {
  framepump_handle listener = 0;
  framepump_handle client = 0;
  framepump_handle server = 0;
};
Pair connect_pair(TestNetwork& client, TestNetwork& server, uint32_t flags = 0, const char* host = "127.0.0.1");

// Bytes that tell where they belong: byte i is a hash of seed and i.
std::string pattern(uint64_t seed, uint64_t begin, uint64_t size_bytes);

// True when wall-clock limits mean nothing (sanitizers, valgrind, Wine).
bool is_sanitized();

// False where the system ends a connection in good order before it resets it, so that its peer sees an end: Wine.
bool can_reset();

}  // namespace framepump::test
