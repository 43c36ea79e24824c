// SPDX-License-Identifier: MIT
//
// What services.trace is told of real traffic: everything, nested, and for nothing in memory.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "extras/trace_recorder.h"
#include "support/allocation_count.h"
#include "support/plain_socket.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

// Keeps what comes, with the thread it came on.
class Listener {
 public:
  struct Heard : framepump_trace_event {
    std::thread::id thread;
  };

  framepump_services services() {
    framepump_services services = {};
    services.struct_size = sizeof(services);
    services.user = this;
    services.log = [](void*, uint32_t, const char*) {};
    services.trace = [](void* self, const framepump_trace_event* event) {
      Listener& listener = *static_cast<Listener*>(self);
      const std::lock_guard<std::mutex> lock(listener.mutex_);
      listener.heard_.push_back({*event, std::this_thread::get_id()});
    };
    return services;
  }
  std::vector<Heard> all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return heard_;
  }
  std::vector<Heard> of(uint32_t kind) {
    std::vector<Heard> found = all();
    std::erase_if(found, [kind](const Heard& event) { return event.kind != kind; });
    return found;
  }

 private:
  std::mutex mutex_;
  std::vector<Heard> heard_;
};

int64_t end_of(const framepump_trace_event& event) { return event.begin_us + event.duration_us; }

}  // namespace

TEST_CASE("every turn and phase lies within the span that is told after it, and turns account for every byte") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    Listener listener;
    const framepump_services services = listener.services();
    framepump_config config = default_config();
    config.threaded = threaded;
    uint64_t moved_bytes = 0;
    uint64_t ticks = 0;
    {
      TestNetwork net(config, &services);
      const Pair pair = connect_pair(net, net);
      net.write(pair.client, pattern(1, 0, 1'000'000));
      REQUIRE(run_until({&net}, [&] { return net.available(pair.server) == 1'000'000; }));
      const framepump_totals totals = net.totals();
      moved_bytes = totals.received_bytes + totals.sent_bytes;
      ticks = totals.ticks;
    }
    uint64_t told_bytes = 0;
    uint32_t accepted = 0;
    uint64_t last_frame = 0;
    const std::vector<Listener::Heard> all = listener.all();
    for (size_t i = 0; i < all.size(); ++i) {
      CHECK_EQ(all[i].struct_size, sizeof(framepump_trace_event));
      if (all[i].kind == FRAMEPUMP_TRACE_TICK) {
        CHECK_EQ(all[i].value, last_frame + 1);
        last_frame = all[i].value;
      }
      if (all[i].kind != FRAMEPUMP_TRACE_TURN && all[i].kind != FRAMEPUMP_TRACE_PHASE) continue;
      told_bytes += all[i].bytes;
      if (all[i].detail == FRAMEPUMP_PHASE_ACCEPT) accepted += static_cast<uint32_t>(all[i].value);
      size_t holder = i + 1;
      while (holder < all.size() && (all[holder].thread != all[i].thread || all[holder].kind > FRAMEPUMP_TRACE_BACKGROUND)) ++holder;
      REQUIRE_LT(holder, all.size());
      CHECK_GE(all[i].begin_us, all[holder].begin_us);
      CHECK_LE(end_of(all[i]), end_of(all[holder]));
    }
    CHECK_EQ(told_bytes, moved_bytes);
    CHECK_EQ(accepted, 1);
    CHECK_EQ(last_frame, ticks);
    CHECK_EQ(listener.of(FRAMEPUMP_TRACE_BACKGROUND).empty(), threaded == 0);
    CHECK_EQ(listener.of(FRAMEPUMP_TRACE_FLUSH).empty(), threaded == 1);
  }
}

TEST_CASE("a trace measures arrival for every stream, from its first bytes on and as long as it lasts") {
  Listener listener;
  const framepump_services services = listener.services();
  TestNetwork net(default_config(), &services);
  const Pair pair = connect_pair(net, net);
  constexpr uint32_t kMessages = 600;  // more than one look lasts for
  for (uint32_t n = 1; n <= kMessages; ++n) {
    net.write(pair.client, "four");
    REQUIRE(run_until({&net}, [&] { return net.available(pair.server) > 0; }));
    CHECK_EQ(net.read_all(pair.server), "four");
  }
  const std::vector<Listener::Heard> published = listener.of(FRAMEPUMP_TRACE_PUBLISHED);
  CHECK_EQ(published.size(), kMessages);
  const std::vector<Listener::Heard> ticks = listener.of(FRAMEPUMP_TRACE_TICK);
  size_t tick = 0;
  for (const Listener::Heard& event : published) {
    CHECK_EQ(event.handle, pair.server);
    CHECK_EQ(event.bytes, 4);
    while (tick < ticks.size() && end_of(ticks[tick]) < end_of(event)) ++tick;
    REQUIRE_LT(tick, ticks.size());
    CHECK_GE(end_of(event), ticks[tick].begin_us);  // it ends in a tick
    CHECK_EQ(ticks[tick].bytes, 4);
  }
}

TEST_CASE("a stream's first bytes have waited since they reached the kernel, however late they are read") {
  static constexpr int64_t kWaitUs = 60'000;
  Listener listener;
  const framepump_services services = listener.services();
  TestNetwork net(default_config(), &services);
  // Not for a state: it is this wait that the trace must tell. And the kernel begins to stamp packets a moment after it was asked to.
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::microseconds(kWaitUs)); };
  PlainSocket peer;
  SUBCASE("of an accepted stream") {
    const uint32_t port = net.port_of(net.listen());
    wait();
    peer = PlainSocket::connect(port);
  }
  SUBCASE("of one that connected") {
    PlainSocket server = PlainSocket::listen();
    net.connect(server.port());
    net.frame();
    wait();
    peer = server.accept();
  }
  peer.send("first");
  wait();
  REQUIRE(run_until({&net}, [&] { return !listener.of(FRAMEPUMP_TRACE_PUBLISHED).empty(); }));
  CHECK_GE(listener.of(FRAMEPUMP_TRACE_PUBLISHED).front().duration_us, kWaitUs);
}

TEST_CASE("a message of a datagram peer is told with its wait") {
  Listener listener;
  const framepump_services services = listener.services();
  TestNetwork net(default_config(), &services);
  const framepump_handle server = net.open_host();
  const framepump_handle peer = net.peer_connect(net.open_host(), net.host_port(server));
  REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, peer) != nullptr && net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr; }));
  REQUIRE_EQ(net.send(peer, "fire"), FRAMEPUMP_OK);
  REQUIRE(run_until({&net}, [&] { return !net.messages().empty(); }));
  const std::vector<Listener::Heard> published = listener.of(FRAMEPUMP_TRACE_PUBLISHED);
  REQUIRE_EQ(published.size(), 1);
  CHECK_EQ(published[0].handle, net.messages()[0].peer);
  CHECK_EQ(published[0].bytes, 4);
  CHECK_GE(published[0].duration_us, 0);
}

TEST_CASE("mode switches and overruns are told where they happen") {
  Listener listener;
  framepump_services services = listener.services();
  static std::atomic<int64_t> clock_us;
  clock_us = 0;
  services.now_us = [](void*) { return clock_us += 1'000; };  // each look at it costs a millisecond
  TestNetwork net(default_config(), &services);
  net.tick();
  REQUIRE_EQ(net.report().overrun, 1);
  REQUIRE_EQ(api().set_mode(net.handle(), FRAMEPUMP_MODE_THREADED), FRAMEPUMP_OK);
  net.tick();
  const std::vector<Listener::Heard> ticks = listener.of(FRAMEPUMP_TRACE_TICK);
  REQUIRE_EQ(ticks.size(), 2);
  CHECK_EQ(ticks[0].detail, FRAMEPUMP_MODE_FRAME_LOCKED);
  CHECK_EQ(ticks[1].detail, FRAMEPUMP_MODE_THREADED);
  const std::vector<Listener::Heard> overruns = listener.of(FRAMEPUMP_TRACE_OVERRUN);
  REQUIRE_GE(overruns.size(), 1);
  CHECK_EQ(overruns[0].begin_us, end_of(ticks[0]));
  const std::vector<Listener::Heard> switches = listener.of(FRAMEPUMP_TRACE_MODE_SWITCHED);
  REQUIRE_EQ(switches.size(), 1);
  CHECK_EQ(switches[0].detail, FRAMEPUMP_MODE_THREADED);
  CHECK_GE(switches[0].begin_us, ticks[1].begin_us);
  CHECK_LE(switches[0].begin_us, end_of(ticks[1]));
}

TEST_CASE("a host that was built before there were traces is not called") {
  Listener listener;
  framepump_services services = listener.services();
  services.struct_size = offsetof(framepump_services, trace);
  TestNetwork net(default_config(), &services);
  net.frame();
  CHECK(listener.all().empty());
}

TEST_CASE("a steady tick allocates nothing while a trace is recorded") {
  if (!allocation_count()) {
    std::printf("SKIP: a sanitizer has a malloc of its own\n");
    return;
  }
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    std::string error;
    const auto recorder = framepump::extras::TraceRecorder::open("/dev/null", 1'000, error);
    REQUIRE(recorder != nullptr);
    framepump_services services = {};
    services.struct_size = sizeof(services);
    recorder->install(services);
    framepump_config config = default_config();
    config.threaded = threaded;
    uint64_t allocations = 0;
    {
      TestNetwork net(config, &services);
      const Pair pair = connect_pair(net, net);
      uint64_t number = 1'000'000;
      uint64_t before = 0;
      for (int i = 0; i < 600; ++i) {
        if (i == 100) before = *allocation_count();
        const framepump_frame frame = {sizeof(frame), 0, ++number, now_us()};
        api().tick(net.handle(), &frame, nullptr);
        const void* view = nullptr;
        uint64_t size_bytes = 0;
        while (api().front(pair.server, &view, &size_bytes) == FRAMEPUMP_OK) api().consume(pair.server, size_bytes);
        api().write_all(pair.client, "message", 7);
        api().flush(net.handle());
        api().wait_until(net.handle(), now_us() + 200, FRAMEPUMP_WAIT_DEADLINE);
        recorder->add_frame(number, frame.now_us, now_us());
      }
      allocations = *allocation_count() - before;
    }
    CHECK_EQ(allocations, 0);
    CHECK_GT(recorder->dropped(), 0);
    CHECK(recorder->write());
  }
}

TEST_CASE("in threaded mode gameplay's reading alone does not wake the IO thread in each frame") {
  Listener listener;
  const framepump_services services = listener.services();
  framepump_config config = default_config();
  config.threaded = 1;
  TestNetwork writer;
  TestNetwork reader(config, &services);
  const Pair pair = connect_pair(writer, reader);
  const size_t passes_before = listener.of(FRAMEPUMP_TRACE_BACKGROUND).size();
  const int64_t begin_us = now_us();
  constexpr size_t kMessages = 60;
  for (size_t n = 0; n < kMessages; ++n) {
    const std::string bytes = pattern(n, 0, 5'000);  // more than the block that a stream keeps
    writer.write(pair.client, bytes);
    REQUIRE(run_until({&writer, &reader}, [&] { return reader.available(pair.server) == bytes.size(); }));
    CHECK_EQ(reader.read_all(pair.server), bytes);
    for (int frames = 0; frames < 5; ++frames) reader.frame();  // in the first of them the queue's last block may go
  }
  // A pass is told after what it read can be seen.
  CHECK(run_until({}, [&] { return listener.of(FRAMEPUMP_TRACE_BACKGROUND).size() - passes_before >= kMessages; }));
  const size_t passes = listener.of(FRAMEPUMP_TRACE_BACKGROUND).size() - passes_before;
  const auto tenths_of_a_second = static_cast<size_t>((now_us() - begin_us) / 100'000);
  CHECK_LE(passes, kMessages + tenths_of_a_second + kMessages / 4);
  // And the memory does go.
  CHECK(run_until({&reader}, [&] { return reader.report().memory_used_bytes == 0; }, 2'000));
}
