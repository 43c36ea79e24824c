// SPDX-License-Identifier: MIT
//
// P1 and P2 on real sockets: everything that is ready moves in the frame, and the frame does not notice.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "framepump/framepump_trace.h"
#include "platform/socket.h"
#include "support/child_process.h"
#include "support/frames.h"
#include "support/plain_socket.h"
#include "support/test_network.h"
#include "support/virtual_time.h"

using namespace framepump::test;

namespace {

constexpr uint64_t kQuantumBytes = 64 * 1024;

// Downloads from a process of its own, at 30 Hz; returns how many frames it took.
int download(const framepump_config& config, uint64_t seed, uint64_t size_bytes) {
  CAPTURE(seed);
  PlainSocket listener = PlainSocket::listen();
  ChildProcess server([&] { return serve_pattern(listener.descriptor(), seed, size_bytes); });
  TestNetwork net(config);
  PatternReader reader(net.connect(listener.port()), seed);
  FramePacer pacer(30);
  while (net.find(FRAMEPUMP_EVENT_CLOSED) == nullptr && pacer.frames() < 600) {
    net.tick();
    reader.read();
    net.flush();
    pacer.wait();
  }
  CHECK(reader.is_right());
  CHECK_EQ(reader.read_bytes(), size_bytes);
  CHECK_EQ(server.exit_status(), 0);
  return pacer.frames();
}

int64_t percentile(std::vector<int64_t>& values, size_t percent) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[(values.size() - 1) * percent / 100];
}

struct DownloadCase {
  uint32_t backend;
  uint32_t threaded;
};

// Also knows the bytes of the largest turn that received.
class TurnClock : public CostlyClock {
 public:
  explicit TurnClock(int64_t look_us) : CostlyClock(look_us) {
    services_.trace = [](void* self, const framepump_trace_event* event) {
      std::atomic<uint64_t>& most = static_cast<TurnClock*>(static_cast<CostlyClock*>(self))->largest_bytes_;
      const bool is_receive = event->kind == FRAMEPUMP_TRACE_TURN && event->detail == FRAMEPUMP_PHASE_RECEIVE;
      if (is_receive && event->bytes > most.load()) most.store(event->bytes);
    };
  }
  uint64_t largest_bytes() const { return largest_bytes_.load(); }

 private:
  std::atomic<uint64_t> largest_bytes_{0};
};

}  // namespace

TEST_CASE("115 MB from another process arrive whole at 30 Hz in a fifth of the frames that one quantum per frame would take") {
  const uint64_t size_bytes = is_sanitized() ? 20'000'000 : 115'000'000;
  const DownloadCase cases[] = {{FRAMEPUMP_BACKEND_EPOLL, 0}, {FRAMEPUMP_BACKEND_POLL, 0}, {FRAMEPUMP_BACKEND_EPOLL, 1}};
  for (const DownloadCase& one : cases) {
    CAPTURE(one.backend);
    CAPTURE(one.threaded);
    framepump_config config = default_config();
    config.backend = one.backend;
    config.threaded = one.threaded;
    const int frames = download(config, 1001 + one.backend * 2 + one.threaded, size_bytes);
    if (!is_sanitized()) CHECK_LT(static_cast<uint64_t>(frames) * 5, size_bytes / kQuantumBytes);
  }
}

// An accept costs the kernel about 8 us, so 5 slices of 2 ms just hold 1,000. The clock makes that exact anywhere: each turn costs
// 4 us on it, and a connection takes two (its first read and its first send) besides a sixteenth of one of the listener's.
TEST_CASE("1,000 connections that come at once are accepted within 5 frames") {
  framepump::raise_descriptor_limit();
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    framepump_config config = default_config();
    config.backend = backend;
    CostlyClock clock(4);
    TestNetwork net(config, clock.services());
    const framepump_handle listener = net.listen();
    std::vector<PlainSocket> peers;
    for (int i = 0; i < 1000; ++i) peers.push_back(PlainSocket::connect(net.port_of(listener)));
    for (int frame = 0; frame < 5; ++frame) net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 1000);
  }
}

// A look costs the same whatever a turn moved, so a turn of one quantum is short here, and four may follow.
TEST_CASE("a download that is alone is read in turns of up to four quanta, and arrives as it was sent") {
  constexpr uint64_t kSizeBytes = 20'000'000;
  for (uint32_t quantum_kib : {64u, 16u, 1024u}) {
    CAPTURE(quantum_kib);
    PlainSocket listener = PlainSocket::listen();
    ChildProcess server([&] { return serve_pattern(listener.descriptor(), 1020, kSizeBytes); });
    framepump_config config = default_config();
    config.quantum_kib = quantum_kib;
    const TurnClock clock(20);
    TestNetwork net(config, clock.services());
    PatternReader reader(net.connect(listener.port()), 1020);
    FramePacer pacer(60);  // so that the sender has filled the window again
    CHECK(run_until({}, [&] {
      pacer.wait();
      net.tick();
      reader.read();
      net.flush();
      return net.find(FRAMEPUMP_EVENT_CLOSED) != nullptr;
    }));
    CHECK(reader.is_right());
    CHECK_EQ(reader.read_bytes(), kSizeBytes);
    const uint64_t quantum_bytes = uint64_t{quantum_kib} * 1024;
    CHECK_LE(clock.largest_bytes(), 4 * quantum_bytes);
    if (quantum_kib <= 64) CHECK_GT(clock.largest_bytes(), quantum_bytes);  // a larger one asks for more than the window holds
    CHECK_EQ(server.exit_status(), 0);
  }
}

// The slices as the number of quanta that fit: a clock that is 100 us later at every look makes that exact on any machine.
TEST_CASE("a writer's 8 MB leave, and no flush and no tick sends more quanta than fit its slice") {
  constexpr uint64_t kSizeBytes = 8'000'000;
  constexpr int64_t kLookUs = 100;
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    PlainSocket listener = PlainSocket::listen();
    ChildProcess receiver([&] { return check_pattern(listener.descriptor(), 1010, kSizeBytes); });
    framepump_config config = default_config();
    config.backend = backend;
    CostlyClock clock(kLookUs);
    TestNetwork net(config, clock.services());
    PatternWriter writer(net.connect(listener.port()), 1010, kSizeBytes);
    uint64_t flush_bytes = 0;
    uint64_t tick_bytes = 0;
    REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED) != nullptr; }));
    CHECK(run_until({}, [&] {
      writer.write();
      const uint64_t before_flush = net.totals().sent_bytes;
      net.flush();
      const uint64_t before_tick = net.totals().sent_bytes;
      net.tick();
      flush_bytes = std::max(flush_bytes, before_tick - before_flush);
      tick_bytes = std::max(tick_bytes, net.totals().sent_bytes - before_tick);
      return net.totals().sent_bytes == kSizeBytes;
    }));
    CHECK_GE(flush_bytes, 2 * kQuantumBytes);
    CHECK_LE(flush_bytes, (config.flush_slice_us / kLookUs + 1) * kQuantumBytes);
    CHECK_LE(tick_bytes, (config.slice_us / kLookUs + 1) * kQuantumBytes);
    REQUIRE_EQ(api().close(net.find(FRAMEPUMP_EVENT_CONNECTED)->handle), FRAMEPUMP_OK);
    CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CLOSED) != nullptr; }));
    CHECK_EQ(receiver.exit_status(), 0);
  }
}

// In time of this thread: what other programs take from it is not the plugin's.
TEST_CASE("while a writer has 8 MB to send, flush returns in the time of its slice") {
  if (is_sanitized()) return;
  constexpr uint64_t kSizeBytes = 8'000'000;
  PlainSocket listener = PlainSocket::listen();
  ChildProcess receiver([&] { return check_pattern(listener.descriptor(), 1011, kSizeBytes); });
  const framepump_config config = default_config();
  TestNetwork net(config);
  PatternWriter writer(net.connect(listener.port()), 1011, kSizeBytes);
  REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED) != nullptr; }));
  std::vector<int64_t> flush_us;
  FramePacer pacer(120);  // so that the receiver has made room again, and a flush could send more than its slice holds
  while (net.totals().sent_bytes < kSizeBytes && pacer.frames() < 600) {
    writer.write();
    const uint64_t sent_bytes = net.totals().sent_bytes;
    const int64_t begin_us = thread_time_us();
    net.flush();
    if (net.totals().sent_bytes - sent_bytes >= kQuantumBytes) flush_us.push_back(thread_time_us() - begin_us);
    net.tick();
    pacer.wait();
  }
  CHECK_EQ(net.totals().sent_bytes, kSizeBytes);
  CHECK_LE(percentile(flush_us, 80), config.flush_slice_us + 300);  // a quantum takes about 50 us
}
