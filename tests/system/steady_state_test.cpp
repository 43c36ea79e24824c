// SPDX-License-Identifier: MIT
//
// P9 in numbers: what a tick allocates, and what an idle stream costs.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "platform/socket.h"
#include "support/allocation_count.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

constexpr uint64_t kSmallBlockBytes = 2048;

// `count` connections of a network to itself; the client's ends.
std::vector<framepump_handle> connect_many(TestNetwork& net, uint32_t count) {
  framepump::raise_descriptor_limit();
  const uint32_t port = net.port_of(net.listen());
  const uint64_t before = net.totals().accepts;
  std::vector<framepump_handle> clients;
  while (clients.size() < count) {
    for (uint32_t i = 0; i < 100 && clients.size() < count; ++i) clients.push_back(net.connect(port));
    REQUIRE(run_until({&net}, [&] { return net.totals().accepts - before == clients.size() && net.totals().connects - before == clients.size(); }, 30'000));
  }
  net.forget_events();
  return clients;
}

// A frame of messages: every client says 64 bytes, and everything readable is consumed. Uses the table alone, which allocates nothing.
void frame_of_messages(framepump_handle network, const std::vector<framepump_handle>& clients, uint64_t frame_number, uint32_t threaded) {
  framepump_totals totals = {};
  totals.struct_size = sizeof(totals);
  api().totals(network, &totals);
  const char message[64] = "sixty-four bytes of position, velocity and good intentions";
  const uint64_t wanted_bytes = totals.sent_bytes + clients.size() * sizeof(message);  // those of all earlier frames have been sent
  const framepump_frame frame = {sizeof(frame), 0, frame_number, now_us()};
  api().tick(network, &frame, nullptr);
  const framepump_handle* readable = nullptr;
  uint32_t count = 0;
  api().readable(network, &readable, &count);
  for (uint32_t i = 0; i < count; ++i) {
    const void* view = nullptr;
    uint64_t size_bytes = 0;
    while (api().front(readable[i], &view, &size_bytes) == FRAMEPUMP_OK) api().consume(readable[i], size_bytes);
  }
  for (framepump_handle client : clients) api().write_all(client, message, sizeof(message));
  api().flush(network);
  // Steady means that each frame's messages have arrived before the next: otherwise more memory is in use now and then.
  do {
    if (threaded == 0) break;  // they arrive in the next tick
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    api().totals(network, &totals);
  } while (totals.sent_bytes < wanted_bytes || totals.received_bytes < wanted_bytes);
}

}  // namespace

TEST_CASE("a steady tick over 1,000 active streams allocates nothing in the whole process") {
  if (!allocation_count()) {
    std::printf("SKIP: a sanitizer has a malloc of its own\n");
    return;
  }
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    framepump_config config = default_config();
    config.threaded = threaded;
    config.slice_us = 20'000;
    config.flush_slice_us = 20'000;
    TestNetwork net(config);
    const std::vector<framepump_handle> clients = connect_many(net, 1'000);
    uint64_t frame_number = 1'000'000;
    for (int i = 0; i < 60; ++i) frame_of_messages(net.handle(), clients, ++frame_number, threaded);
    const uint64_t received_before = net.totals().received_bytes;
    const uint64_t before = *allocation_count();
    for (int i = 0; i < 60; ++i) frame_of_messages(net.handle(), clients, ++frame_number, threaded);
    CHECK_EQ(*allocation_count() - before, 0);
    CHECK_GT(net.totals().received_bytes - received_before, 1'000'000);
  }
}

TEST_CASE("an idle stream costs at most 512 bytes of user memory") {
  static std::atomic<int64_t> bytes;
  bytes = 0;
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.allocate = [](void*, uint64_t size, uint64_t alignment) {
    bytes += static_cast<int64_t>(size);
    return ::operator new(size, std::align_val_t{alignment}, std::nothrow);
  };
  services.release = [](void*, void* memory, uint64_t size, uint64_t alignment) {
    bytes -= static_cast<int64_t>(size);
    ::operator delete(memory, std::align_val_t{alignment});
  };
  TestNetwork net(default_config(), &services);
  const uint32_t count = is_sanitized() ? 224 : 1'024;  // whole chunks of slots
  connect_many(net, 128);  // what the first streams bring along once: events, lists, tables; a batch of 100 at a time
  const int64_t before = bytes;
  connect_many(net, count);
  const uint64_t streams = 2 * count;
  CHECK_EQ(net.totals().streams, 2 * (count + 128));
  const int64_t each = (bytes - before) / static_cast<int64_t>(streams);
  CAPTURE(each);
  if (!is_sanitized()) CHECK_LE(each, 512);  // with few streams the lists that grow by doubling weigh too much
  for (int i = 0; i < 5; ++i) net.frame();
  CHECK_EQ(net.totals().memory_used_bytes, 0);
}

TEST_CASE("a stream that talks keeps its block, and one that was silent for a while holds none") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    framepump_config config = default_config();
    config.threaded = threaded;
    TestNetwork net(config);
    const Pair pair = connect_pair(net, net);
    const void* first_view = nullptr;
    const std::string bytes(100, 'b');
    for (int message = 0; message < 100; ++message) {  // together more than the block holds
      net.write(pair.client, bytes);
      REQUIRE(run_until({&net}, [&] { return net.available(pair.server) == bytes.size(); }));
      const void* view = nullptr;
      uint64_t size_bytes = 0;
      api().front(pair.server, &view, &size_bytes);
      if (first_view == nullptr) first_view = view;
      CHECK_EQ(view, first_view);
      CHECK_EQ(net.read_all(pair.server), bytes);
      for (int frames = 0; frames < 3; ++frames) net.frame();
      CHECK_GE(net.totals().memory_used_bytes, kSmallBlockBytes);
    }
    int frames = 0;
    for (; frames < (threaded == 1 ? 2'000 : 200) && net.totals().memory_used_bytes > 0; ++frames) {
      net.frame();
      if (threaded == 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the IO thread's
    }
    CAPTURE(frames);
    CHECK_EQ(net.totals().memory_used_bytes, 0);
    if (threaded == 0) CHECK_LE(frames, 64);  // threaded, it takes a pass of the IO thread besides
    // It goes on as if nothing had happened.
    net.write(pair.client, "five!");
    REQUIRE(run_until({&net}, [&] { return net.available(pair.server) == 5; }));
    CHECK_EQ(net.read_all(pair.server), "five!");
  }
}

TEST_CASE("streams that are read out keep at most a sixteenth of the budget, whatever becomes of them") {
  framepump_config config = default_config();
  config.budget_kib = 8 * 1024;
  config.receive_limit_kib = 1024;
  TestNetwork net(config);
  const std::vector<framepump_handle> clients = connect_many(net, 400);
  std::vector<framepump_handle> talked;
  for (framepump_handle client : clients) net.write(client, "four");
  REQUIRE(run_until({&net}, [&] {
    const std::vector<framepump_handle> readable = net.readable();
    for (framepump_handle stream : readable) {
      CHECK_EQ(net.read_all(stream), "four");
      talked.push_back(stream);
    }
    return talked.size() == clients.size();
  }));
  net.frame();
  const uint64_t kept_bytes = net.totals().memory_used_bytes;
  CHECK_GT(kept_bytes, 0);
  CHECK_LE(kept_bytes, 8 * 1024 * 1024 / 16);
  // Closing takes the block along at once, and what the list still says of the place means nobody.
  for (framepump_handle stream : talked) CHECK_EQ(api().close(stream), FRAMEPUMP_OK);
  for (framepump_handle stream : clients) CHECK_EQ(api().close(stream), FRAMEPUMP_OK);
  REQUIRE(run_until({&net}, [&] { return net.totals().streams == 0; }));
  CHECK(run_until({&net}, [&] { return net.totals().memory_used_bytes == 0; }));
  const Pair pair = connect_pair(net, net);
  for (int frames = 0; frames < 200; ++frames) {
    net.write(pair.client, "four");
    REQUIRE(run_until({&net}, [&] { return net.available(pair.server) == 4; }));
    CHECK_EQ(net.read_all(pair.server), "four");
  }
}
