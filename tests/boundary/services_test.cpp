// SPDX-License-Identifier: MIT
//
// What the host gives: allocator, log, clock, profiler zones, the hook for new threads.
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

// Counts what is taken and given back, and fails on demand.
class CountingAllocator {
 public:
  enum class Failing { never, once, from_then_on };

  framepump_services services() {
    framepump_services services = {};
    services.struct_size = sizeof(services);
    services.user = this;
    services.allocate = [](void* self, uint64_t size_bytes, uint64_t alignment) {
      return static_cast<CountingAllocator*>(self)->allocate(size_bytes, alignment);
    };
    services.release = [](void* self, void* memory, uint64_t size_bytes, uint64_t alignment) {
      static_cast<CountingAllocator*>(self)->release(memory, size_bytes, alignment);
    };
    services.log = [](void*, uint32_t, const char*) {};
    return services;
  }
  // The `number`th allocation, counted from 1.
  void fail_at(uint64_t number, Failing failing) {
    fail_at_ = number;
    failing_ = failing;
  }
  uint64_t calls() const { return calls_; }
  size_t live() const { return live_.size(); }
  uint32_t mismatches() const { return mismatches_; }

 private:
  struct Piece {
    uint64_t size_bytes;
    uint64_t alignment;
  };

  void* allocate(uint64_t size_bytes, uint64_t alignment) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++calls_;
    if (failing_ != Failing::never && (calls_ == fail_at_ || (calls_ > fail_at_ && failing_ == Failing::from_then_on))) return nullptr;
    void* memory = ::operator new(size_bytes, std::align_val_t{alignment});
    live_[memory] = {size_bytes, alignment};
    return memory;
  }
  void release(void* memory, uint64_t size_bytes, uint64_t alignment) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = live_.find(memory);
    if (found == live_.end() || found->second.size_bytes != size_bytes || found->second.alignment != alignment) {
      ++mismatches_;
      return;
    }
    live_.erase(found);
    ::operator delete(memory, std::align_val_t{alignment});
  }

  std::mutex mutex_;
  std::map<void*, Piece> live_;
  uint64_t calls_ = 0;
  uint64_t fail_at_ = 0;
  Failing failing_ = Failing::never;
  uint32_t mismatches_ = 0;
};

// Everything that may allocate, with errors taken as they come. `config` must make a small network.
void live_a_life(const framepump_config& config, const framepump_services& services) {
  const framepump_api& a = api();
  framepump_handle network = 0;
  if (a.network_create(&config, &services, &network, nullptr) != FRAMEPUMP_OK) return;
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, 1, 0, nullptr};
  framepump_handle listener = 0;
  framepump_handle streams[3] = {};
  framepump_handle source_handle = 0;
  const framepump_source source = {sizeof(source), 1, [](void*, framepump_turn* turn) -> uint32_t {
                                     turn->wake_at_us = turn->now_us + 1;
                                     return FRAMEPUMP_OUTCOME_DRAINED;
                                   }, nullptr, 0, 0, 0, nullptr};
  a.add_source(network, &source, &source_handle);
  if (a.listen(network, &endpoint, &listener) == FRAMEPUMP_OK) a.listener_port(listener, &endpoint.port);
  for (framepump_handle& stream : streams) {
    if (endpoint.port != 0) a.connect(network, &endpoint, &stream);
  }
  const std::string message(3000, 'm');
  for (int number = 1; number <= 12; ++number) {
    const framepump_frame frame = {sizeof(frame), 0, static_cast<uint64_t>(number), number * 1000};
    REQUIRE_EQ(a.tick(network, &frame, nullptr), FRAMEPUMP_OK);
    uint64_t taken = 0;
    for (framepump_handle stream : streams) a.write(stream, message.data(), message.size(), &taken);
    if (number == 10) a.close(streams[0]);
    const framepump_handle* readable = nullptr;
    const void* view = nullptr;
    uint32_t count = 0;
    REQUIRE_EQ(a.readable(network, &readable, &count), FRAMEPUMP_OK);
    for (uint32_t i = 0; i < count; ++i) {
      if (a.peek(readable[i], 2900, &view) == FRAMEPUMP_OK) a.consume(readable[i], 2900);
    }
    REQUIRE_EQ(a.flush(network), FRAMEPUMP_OK);
  }
  CHECK_EQ(a.network_destroy(network), FRAMEPUMP_OK);
}

framepump_config small_config(uint32_t threaded) {
  framepump_config config = default_config();
  config.budget_kib = 2048;
  config.limit_streams = 32;
  config.threaded = threaded;
  return config;
}

}  // namespace

TEST_CASE("everything taken from the host's allocator is given back, with the same size and alignment") {
  for (uint32_t threaded : {0u, 1u}) {
    CountingAllocator allocator;
    const framepump_services services = allocator.services();
    live_a_life(small_config(threaded), services);
    CHECK_GT(allocator.calls(), 10);
    CHECK_EQ(allocator.live(), 0);
    CHECK_EQ(allocator.mismatches(), 0);
  }
}

TEST_CASE("an allocation that fails, whichever it is, crashes nothing and loses nothing") {
  uint32_t runs = 0;
  for (auto failing : {CountingAllocator::Failing::once, CountingAllocator::Failing::from_then_on}) {
    for (uint32_t threaded : {0u, 1u}) {
      for (uint64_t number = 1;; ++number) {
        CAPTURE(number);
        CAPTURE(threaded);
        CountingAllocator allocator;
        allocator.fail_at(number, failing);
        const framepump_services services = allocator.services();
        live_a_life(small_config(threaded), services);
        ++runs;
        CHECK_EQ(allocator.live(), 0);
        CHECK_EQ(allocator.mismatches(), 0);
        if (allocator.calls() < number) break;  // it had no need of that many
        REQUIRE_LT(number, 500);
      }
    }
  }
  CHECK_GT(runs, 40);
}

TEST_CASE("services whose struct_size is not set are refused, not left unused in silence") {
  CountingAllocator allocator;
  framepump_services services = allocator.services();
  services.struct_size = 0;
  framepump_message message = {};
  message.struct_size = sizeof(message);
  const framepump_config config = small_config(0);
  framepump_handle network = 1;
  CHECK_EQ(api().network_create(&config, &services, &network, &message), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(network, 0);
  CHECK(std::string(message.text).find("struct_size") != std::string::npos);
}

TEST_CASE("a network that finds no memory says so") {
  CountingAllocator allocator;
  const framepump_services services = allocator.services();
  framepump_message message = {};
  message.struct_size = sizeof(message);
  const framepump_config config = small_config(0);
  framepump_handle network = 1;
  for (uint64_t number : {1u, 2u, 3u}) {
    allocator.fail_at(allocator.calls() + number, CountingAllocator::Failing::once);
    CHECK_EQ(api().network_create(&config, &services, &network, &message), FRAMEPUMP_ERROR_OUT_OF_MEMORY);
    CHECK_EQ(network, 0);
    CHECK(std::string(message.text).find("allocator") != std::string::npos);
  }
}

namespace {

struct Witness {
  std::atomic<bool> is_in_tick{false};
  std::thread::id game = std::this_thread::get_id();
  std::atomic<uint32_t> logs{0};
  std::atomic<uint32_t> wrong_logs{0};
  std::atomic<uint32_t> zones{0};
  std::atomic<uint32_t> wrong_zones{0};
  std::mutex mutex;
  std::set<std::string> threads;
  std::set<std::string> zone_names;

  framepump_services services() {
    framepump_services services = {};
    services.struct_size = sizeof(services);
    services.user = this;
    services.log = [](void* self, uint32_t, const char*) {
      Witness& witness = *static_cast<Witness*>(self);
      ++witness.logs;
      if (!witness.is_in_tick || std::this_thread::get_id() != witness.game) ++witness.wrong_logs;
    };
    services.zone_begin = [](void* self, const char* name) {
      Witness& witness = *static_cast<Witness*>(self);
      ++witness.zones;
      ++depth;
      const std::lock_guard<std::mutex> lock(witness.mutex);
      witness.zone_names.insert(name);
    };
    services.zone_end = [](void* self) {
      if (--depth < 0) ++static_cast<Witness*>(self)->wrong_zones;
    };
    services.thread_started = [](void* self, const char* name) {
      Witness& witness = *static_cast<Witness*>(self);
      const std::lock_guard<std::mutex> lock(witness.mutex);
      witness.threads.insert(std::this_thread::get_id() == witness.game ? "on the game thread" : name);
    };
    return services;
  }
  static thread_local int depth;
};

thread_local int Witness::depth = 0;

}  // namespace

TEST_CASE("log is called inside tick only, on the thread that ticks") {
  for (uint32_t threaded : {0u, 1u}) {
    Witness witness;
    const framepump_services services = witness.services();
    framepump_config config = default_config();
    config.threaded = threaded;
    config.receive_limit_kib = 64;  // a full one is worth a line
    TestNetwork net(config, &services);
    const auto frame = [&] {
      witness.is_in_tick = true;
      net.tick();
      witness.is_in_tick = false;
      net.flush();
    };
    const framepump_handle listener = net.listen();
    const framepump_handle stream = net.connect(net.port_of(listener));
    const std::string bytes(1'000'000, 'x');
    const int64_t end_us = now_us() + 10'000'000;
    while (witness.logs == 0 && now_us() < end_us) {
      net.write(stream, bytes);
      frame();
      api().wait_until(net.handle(), now_us() + 1000, FRAMEPUMP_WAIT_DEADLINE);
    }
    CHECK_GT(witness.logs, 0);
    CHECK_EQ(witness.wrong_logs, 0);
  }
}

TEST_CASE("each helper thread reports to thread_started, on itself") {
  Witness witness;
  const framepump_services services = witness.services();
  const std::string path = (std::filesystem::temp_directory_path() / ("framepump_services_" + std::to_string(getpid()) + ".toml")).string();
  std::ofstream(path) << "[pump]\nthreaded = true\n";
  framepump_handle network = 0;
  REQUIRE_EQ(api().network_open(path.c_str(), &services, &network, nullptr), FRAMEPUMP_OK);
  CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
  std::filesystem::remove(path);
  CHECK_EQ(witness.threads, std::set<std::string>{"framepump-file", "framepump-io"});
}

TEST_CASE("zones end in the order in which they nest, on every thread") {
  Witness witness;
  const framepump_services services = witness.services();
  {
    framepump_config config = default_config();
    config.threaded = 1;
    TestNetwork net(config, &services);
    PlainPair pair(net);
    pair.peer.send("something to do");
    CHECK(run_until({&net}, [&] { return net.available(pair.stream) > 0; }));
    api().wait_until(net.handle(), now_us() + 1000, FRAMEPUMP_WAIT_DEADLINE);
    REQUIRE_EQ(api().set_mode(net.handle(), FRAMEPUMP_MODE_FRAME_LOCKED), FRAMEPUMP_OK);
    net.frame();
  }
  CHECK_EQ(Witness::depth, 0);
  CHECK_EQ(witness.wrong_zones, 0);
  for (const char* name : {"framepump tick", "framepump flush", "framepump wait", "framepump poll", "framepump publish"}) {
    CHECK(witness.zone_names.contains(name));
  }
}

TEST_CASE("the slice runs on the host's clock") {
  framepump_services services = {};
  services.struct_size = sizeof(services);
  static int64_t clock_us = 0;
  services.now_us = [](void*) { return clock_us += 1'000'000; };  // each look at it costs a second
  TestNetwork net(default_config(), &services);
  net.tick();
  CHECK_GE(net.report().tick_us, 1'000'000);
  CHECK_EQ(net.report().overrun, 1);
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_OVERRUN), 1);
}
