// SPDX-License-Identifier: MIT
//
// The function table: its words, its structs of any age, its refusals and what they say.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/test_network.h"

using namespace framepump::test;

namespace {

std::atomic<int> asserts{0};

// Counts failed asserts instead of printing them.
framepump_services counting_services() {
  asserts = 0;
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.assert_failed = [](void*, const char*, const char*, int32_t) { ++asserts; };
  return services;
}

// The first `size_bytes` of a struct, with nothing behind them that may be read: AddressSanitizer stands there.
template <typename T>
struct OldStruct {
  OldStruct(const T& whole, uint32_t size_bytes) : memory(new char[size_bytes]) {
    std::memcpy(memory.get(), &whole, size_bytes);
    std::memcpy(memory.get(), &size_bytes, sizeof(size_bytes));
  }
  T* get() { return reinterpret_cast<T*>(memory.get()); }
  std::unique_ptr<char[]> memory;
};

// Calls `fill` with a T of each size that an older header may have had, and looks whether it stays within it.
template <typename T>
void check_sizes(uint32_t smallest, const std::function<uint32_t(T*)>& fill) {
  constexpr unsigned char kCanary = 0xa5;
  for (uint32_t size_bytes = smallest; size_bytes <= sizeof(T); size_bytes += 4) {
    CAPTURE(size_bytes);
    std::vector<unsigned char> memory(sizeof(T) + 64, kCanary);
    std::memcpy(memory.data(), &size_bytes, sizeof(size_bytes));
    REQUIRE_EQ(fill(reinterpret_cast<T*>(memory.data())), FRAMEPUMP_OK);
    uint32_t size_after = 0;
    std::memcpy(&size_after, memory.data(), sizeof(size_after));
    CHECK_EQ(size_after, size_bytes);
    for (size_t i = size_bytes; i < memory.size(); ++i) {
      if (memory[i] == kCanary) continue;
      FAIL_CHECK("wrote byte " << i << ", beyond the caller's " << size_bytes);
      break;
    }
    // And what is within it was filled in: no value is all canary.
    if (size_bytes >= 8) CHECK(std::memcmp(memory.data() + 4, "\xa5\xa5\xa5\xa5", 4) != 0);
  }
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

framepump_message new_message() {
  framepump_message message = {};
  message.struct_size = sizeof(message);
  return message;
}

}  // namespace

TEST_CASE("the table is there for its own version and for those since the oldest one, which it has grown from") {
  for (uint32_t version : {FRAMEPUMP_OLDEST_VERSION, FRAMEPUMP_VERSION - 1, FRAMEPUMP_VERSION}) {
    CHECK(framepump_get_api(version) == &api());
  }
  for (uint32_t version : {0u, 1u, FRAMEPUMP_OLDEST_VERSION - 1, FRAMEPUMP_VERSION + 1, FRAMEPUMP_VERSION + 1000, UINT32_MAX}) {
    CHECK(framepump_get_api(version) == nullptr);
  }
  CHECK_EQ(api().version, FRAMEPUMP_VERSION);
  CHECK_EQ(api().struct_size, sizeof(framepump_api));
  CHECK(contains(api().version_string(), FRAMEPUMP_VERSION_STRING));
}

TEST_CASE("every function of the table is there") {
  const char* begin = reinterpret_cast<const char*>(&api());
  for (size_t at = offsetof(framepump_api, version_string); at < sizeof(framepump_api); at += sizeof(void*)) {
    CAPTURE(at);
    void* function = nullptr;
    std::memcpy(&function, begin + at, sizeof(function));
    CHECK(function != nullptr);
  }
}

TEST_CASE("an event is 64 bytes") { CHECK_EQ(sizeof(framepump_event), 64); }

TEST_CASE("every error, reason and event has a name of its own, and what does not exist has one too") {
  const auto check_names = [](const char* (*name)(uint32_t), uint32_t last) {
    std::set<std::string> names;
    for (uint32_t i = 0; i <= last; ++i) CHECK(names.insert(name(i)).second);
    CHECK_FALSE(names.contains("unknown"));
    CHECK_EQ(std::string(name(last + 1)), "unknown");
    CHECK_EQ(std::string(name(UINT32_MAX)), "unknown");
  };
  check_names(api().error_name, FRAMEPUMP_ERROR_TIMED_OUT);
  check_names(api().reason_name, FRAMEPUMP_REASON_TLS_SETUP_FAILED);
  check_names(api().event_name, FRAMEPUMP_EVENT_DOWNLOAD_FAILED);
  for (uint32_t reason = FRAMEPUMP_REASON_DOWNLOAD_NAME; reason <= FRAMEPUMP_REASON_DOWNLOAD_MEMORY; ++reason) {
    CHECK(std::string(api().reason_name(reason)).starts_with("download: "));
  }
  CHECK_EQ(std::string(api().reason_name(FRAMEPUMP_REASON_DOWNLOAD_MEMORY + 1)), "unknown");
  CHECK_EQ(std::string(api().error_name(FRAMEPUMP_ERROR_NEEDS_RESTART)), "needs restart");
  CHECK_EQ(std::string(api().reason_name(FRAMEPUMP_REASON_PEER_DEAD)), "peer dead");
}

TEST_CASE("structs of an older caller are filled as far as they go, and not a byte beyond") {
  TestNetwork net;
  const Pair pair = connect_pair(net, net);
  check_sizes<framepump_config>(4, [](framepump_config* c) { return api().config_init(c, c->struct_size); });
  check_sizes<framepump_config>(4, [&](framepump_config* c) { return api().network_config(net.handle(), c); });
  check_sizes<framepump_totals>(4, [&](framepump_totals* t) { return api().totals(net.handle(), t); });
  check_sizes<framepump_stream_info>(4, [&](framepump_stream_info* i) { return api().stream_info(pair.client, i); });
  check_sizes<framepump_tls_info>(4, [&](framepump_tls_info* i) { return api().tls_info(pair.client, i); });
  uint64_t number = 0;
  check_sizes<framepump_tick_report>(4, [&](framepump_tick_report* report) {
    const framepump_frame frame = {sizeof(frame), 0, ++number, now_us()};
    return api().tick(net.handle(), &frame, report);
  });
}

TEST_CASE("structs of an older caller are read as far as they go, the rest has its defaults") {
  framepump_config config = default_config();
  config.slice_us = 1234;
  config.stall_takeover_ms = 250;  // a thread would be started
  OldStruct<framepump_config> old_config(config, offsetof(framepump_config, limit_streams));
  framepump_services services = counting_services();
  services.thread_started = reinterpret_cast<void (*)(void*, const char*)>(8);  // would crash if it were called
  OldStruct<framepump_services> old_services(services, offsetof(framepump_services, thread_started));
  framepump_handle network = 0;
  REQUIRE_EQ(api().network_create(old_config.get(), old_services.get(), &network, nullptr), FRAMEPUMP_OK);
  framepump_config in_force = {};
  in_force.struct_size = sizeof(in_force);
  CHECK_EQ(api().network_config(network, &in_force), FRAMEPUMP_OK);
  CHECK_EQ(in_force.slice_us, 1234);
  CHECK_EQ(in_force.limit_streams, default_config().limit_streams);

  const framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, 1, 77, nullptr};
  OldStruct<framepump_endpoint> old_endpoint(endpoint, offsetof(framepump_endpoint, user_data));
  framepump_handle listener = 0;
  CHECK_EQ(api().listen(network, old_endpoint.get(), &listener), FRAMEPUMP_OK);
  const framepump_source source = {sizeof(source), 1, [](void*, framepump_turn*) { return FRAMEPUMP_OUTCOME_DRAINED; }, nullptr, 77, 0, 0, nullptr};
  OldStruct<framepump_source> old_source(source, offsetof(framepump_source, user_data));
  framepump_handle made = 0;
  CHECK_EQ(api().add_source(network, old_source.get(), &made), FRAMEPUMP_OK);
  const framepump_frame frame = {sizeof(frame), 0, 1, 5};
  OldStruct<framepump_frame> old_frame(frame, offsetof(framepump_frame, now_us));
  CHECK_EQ(api().tick(network, old_frame.get(), nullptr), FRAMEPUMP_OK);

  config.slice_us = 4321;
  OldStruct<framepump_config> live(config, offsetof(framepump_config, flush_slice_us));
  CHECK_EQ(api().network_configure(network, live.get()), FRAMEPUMP_OK);
  CHECK_EQ(api().network_config(network, &in_force), FRAMEPUMP_OK);
  CHECK_EQ(in_force.slice_us, 4321);
  CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
}

TEST_CASE("a struct whose size is not set is refused") {
  TestNetwork net;
  framepump_config config = default_config();
  config.struct_size = 0;
  framepump_totals totals = {};
  framepump_stream_info info = {};
  framepump_frame frame = {sizeof(frame), 0, 1, 1};
  framepump_tick_report report = {};
  framepump_endpoint endpoint = {0, 0, "127.0.0.1", 0, 1, 0, nullptr};
  framepump_source source = {};
  framepump_handle made = 0;
  constexpr uint32_t kInvalid = FRAMEPUMP_ERROR_INVALID_ARGUMENT;
  CHECK_EQ(api().config_init(&config, 0), kInvalid);
  CHECK_EQ(api().network_create(&config, nullptr, &made, nullptr), kInvalid);
  CHECK_EQ(api().network_configure(net.handle(), &config), kInvalid);
  CHECK_EQ(api().network_config(net.handle(), &config), kInvalid);
  CHECK_EQ(api().totals(net.handle(), &totals), kInvalid);
  CHECK_EQ(api().tick(net.handle(), &frame, &report), kInvalid);
  frame.struct_size = 0;
  CHECK_EQ(api().tick(net.handle(), &frame, nullptr), kInvalid);
  CHECK_EQ(api().listen(net.handle(), &endpoint, &made), kInvalid);
  CHECK_EQ(api().connect(net.handle(), &endpoint, &made), kInvalid);
  CHECK_EQ(api().add_source(net.handle(), &source, &made), kInvalid);
  const framepump_handle stream = net.connect(1);
  CHECK_EQ(api().stream_info(stream, &info), kInvalid);
  CHECK(contains(net.last_error(), "stream_info: struct_size"));
}

TEST_CASE("a null pointer is refused by every function that takes one, and told to the assert handler") {
  const framepump_services services = counting_services();
  TestNetwork net(default_config(), &services);
  const framepump_handle n = net.handle();
  const framepump_handle stream = net.connect(1);
  const framepump_handle listener = net.listen();
  const framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 1, 1, 0, nullptr};
  const framepump_endpoint no_host = {sizeof(no_host), 0, nullptr, 1, 1, 0, nullptr};
  const framepump_source no_function = {sizeof(no_function), 1, nullptr, nullptr, 0, 0, 0, nullptr};
  const framepump_config config = default_config();
  const framepump_event* events = nullptr;
  const framepump_handle* streams = nullptr;
  const void* view = nullptr;
  framepump_handle made = 0;
  framepump_config out = {};
  uint64_t bytes = 0;
  uint32_t count = 0;
  char buffer[4] = {};
  const framepump_api& a = api();
  const std::vector<std::function<uint32_t()>> asserted = {
      [&] { return a.network_configure(n, nullptr); },  [&] { return a.network_config(n, nullptr); },
      [&] { return a.totals(n, nullptr); },             [&] { return a.tick(n, nullptr, nullptr); },
      [&] { return a.events(n, nullptr, &count); },     [&] { return a.events(n, &events, nullptr); },
      [&] { return a.readable(n, nullptr, &count); },   [&] { return a.readable(n, &streams, nullptr); },
      [&] { return a.connect(n, nullptr, &made); },     [&] { return a.connect(n, &endpoint, nullptr); },
      [&] { return a.listen(n, nullptr, &made); },      [&] { return a.listen(n, &endpoint, nullptr); },
      [&] { return a.listener_port(listener, nullptr); }, [&] { return a.stream_info(stream, nullptr); },
      [&] { return a.available(stream, nullptr); },     [&] { return a.front(stream, nullptr, &bytes); },
      [&] { return a.front(stream, &view, nullptr); },  [&] { return a.peek(stream, 1, nullptr); },
      [&] { return a.read(stream, nullptr, 1, &bytes); }, [&] { return a.read(stream, buffer, 1, nullptr); },
      [&] { return a.write(stream, nullptr, 1, &bytes); }, [&] { return a.write(stream, buffer, 1, nullptr); },
      [&] { return a.write_all(stream, nullptr, 1); },  [&] { return a.reserve(stream, 1, nullptr); },
      [&] { return a.add_source(n, nullptr, &made); },  [&] { return a.add_source(n, &no_function, nullptr); },
  };
  for (size_t i = 0; i < asserted.size(); ++i) {
    CAPTURE(i);
    const int asserts_before = asserts;
    CHECK_EQ(asserted[i](), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
    CHECK_EQ(asserts, asserts_before + 1);
    CHECK(contains(net.last_error(), "null"));
  }
  const std::vector<std::function<uint32_t()>> refused = {
      [&] { return a.config_init(nullptr, sizeof(out)); },
      [&] { return a.config_load(nullptr, sizeof(out), "x", nullptr); },
      [&] { return a.config_load(&out, sizeof(out), nullptr, nullptr); },
      [&] { return a.network_create(nullptr, nullptr, &made, nullptr); },
      [&] { return a.network_create(&config, nullptr, nullptr, nullptr); },
      [&] { return a.network_open(nullptr, nullptr, &made, nullptr); },
      [&] { return a.network_open("x", nullptr, nullptr, nullptr); },
      [&] { return a.connect(n, &no_host, &made); },
      [&] { return a.listen(n, &no_host, &made); },
      [&] { return a.add_source(n, &no_function, &made); },
  };
  for (size_t i = 0; i < refused.size(); ++i) {
    CAPTURE(i);
    CHECK_EQ(refused[i](), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  }
}

TEST_CASE("an error's text names the thing, the value and what is allowed") {
  TestNetwork net;
  const Pair pair = connect_pair(net, net);
  const void* view = nullptr;
  void* room = nullptr;
  framepump_message message = new_message();
  framepump_handle made = 0;
  CHECK_EQ(api().set_mode(net.handle(), 7), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(contains(net.last_error(), "mode is 7, allowed are 0 (frame-locked) and 1 (threaded)"));
  CHECK_EQ(api().wait_until(net.handle(), 0, 2), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(contains(net.last_error(), "until is 2, allowed are 0"));
  CHECK_EQ(api().set_priority(pair.client, 3), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(contains(net.last_error(), "priority is 3, allowed is 0 (realtime), 1 (normal), 2 (bulk)"));
  CHECK_EQ(api().consume(pair.client, 5), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK(contains(net.last_error(), "size_bytes is 5, allowed are at most 0"));
  CHECK_EQ(api().peek(pair.client, 0, &view), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(api().peek(pair.client, 8 * 1024 * 1024 + 1, &view), FRAMEPUMP_ERROR_TOO_LARGE);
  CHECK(contains(net.last_error(), "stream.receive_limit_kib"));
  CHECK_EQ(api().write_all(pair.client, &made, 4 * 1024 * 1024 + 1), FRAMEPUMP_ERROR_TOO_LARGE);
  CHECK(contains(net.last_error(), "size_bytes is 4194305, allowed are at most 4194304"));
  CHECK(contains(net.last_error(), "stream.send_limit_kib"));
  CHECK_EQ(api().reserve(pair.client, 65473, &room), FRAMEPUMP_ERROR_TOO_LARGE);
  CHECK(contains(net.last_error(), "size_bytes is 65473, allowed is 1 to 65472"));
  CHECK_EQ(api().reserve(pair.client, 0, &room), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  CHECK_EQ(api().commit(pair.client, 1), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  framepump_config config = default_config();
  config.slice_us = 1'000'001;
  CHECK_EQ(api().network_create(&config, nullptr, &made, &message), FRAMEPUMP_ERROR_CONFIG);
  CHECK_EQ(message.code, FRAMEPUMP_ERROR_CONFIG);
  CHECK(contains(message.text, "pump.slice_us"));
  CHECK(contains(message.text, "1000001"));
  CHECK(contains(message.text, "0 to 1000000"));
  CHECK_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_ERROR_CONFIG);
  CHECK(contains(net.last_error(), "pump.slice_us"));
  config = default_config();
  config.budget_kib *= 2;
  CHECK_EQ(api().network_configure(net.handle(), &config), FRAMEPUMP_ERROR_NEEDS_RESTART);
  CHECK(contains(net.last_error(), "memory.budget_kib"));
  CHECK(contains(api().last_error(0), "null"));
}

TEST_CASE("a message of an older caller is not written beyond its size") {
  framepump_config config = default_config();
  config.slice_us = 1'000'001;
  framepump_handle made = 0;
  OldStruct<framepump_message> message(new_message(), 64);
  CHECK_EQ(api().network_create(&config, nullptr, &made, message.get()), FRAMEPUMP_ERROR_CONFIG);
}

namespace {

// A user source that holds tick in its turn until it is told to go on.
struct Holder {
  framepump_handle network = 0;
  std::atomic<bool> is_inside{false};
  std::atomic<bool> may_go{false};
  std::function<void()> inside;

  static uint32_t take_turn(void* self, framepump_turn*) {
    Holder& holder = *static_cast<Holder*>(self);
    holder.is_inside = true;
    if (holder.inside) holder.inside();
    while (!holder.may_go) std::this_thread::yield();
    return FRAMEPUMP_OUTCOME_CLOSED;
  }
};

}  // namespace

TEST_CASE("a call while another is under way is refused and told to the assert handler, and the first one goes on") {
  const framepump_services services = counting_services();
  framepump_config config = default_config();
  config.slice_us = 1'000'000;  // so that a slow connect does not put the source off to the next tick
  TestNetwork net(config, &services);
  const framepump_handle stream = net.connect(1);
  Holder holder;
  const framepump_source source = {sizeof(source), 1, Holder::take_turn, &holder, 0, 0, 0, nullptr};
  framepump_handle handle = 0;
  REQUIRE_EQ(api().add_source(net.handle(), &source, &handle), FRAMEPUMP_OK);
  uint32_t tick_error = FRAMEPUMP_ERROR_SYSTEM;
  std::thread game([&] {
    const framepump_frame frame = {sizeof(frame), 0, 1, now_us()};
    tick_error = api().tick(net.handle(), &frame, nullptr);
  });
  while (!holder.is_inside) std::this_thread::yield();
  uint64_t bytes = 0;
  const uint32_t errors[] = {api().flush(net.handle()), api().available(stream, &bytes), api().close(handle), api().set_mode(net.handle(), 1),
                             api().network_destroy(net.handle())};
  holder.may_go = true;
  game.join();
  for (uint32_t error : errors) CHECK_EQ(error, FRAMEPUMP_ERROR_OVERLAPPING_CALL);
  CHECK_EQ(asserts, 5);
  CHECK_EQ(tick_error, FRAMEPUMP_OK);
  CHECK_EQ(api().flush(net.handle()), FRAMEPUMP_OK);
}

TEST_CASE("a user source that calls back into its network is refused") {
  const framepump_services services = counting_services();
  TestNetwork net(default_config(), &services);
  TestNetwork other;
  Holder holder;
  holder.may_go = true;
  uint32_t own = FRAMEPUMP_OK;
  uint32_t others = FRAMEPUMP_ERROR_SYSTEM;
  holder.inside = [&] {
    own = api().flush(net.handle());
    others = api().flush(other.handle());
  };
  const framepump_source source = {sizeof(source), 1, Holder::take_turn, &holder, 0, 0, 0, nullptr};
  framepump_handle handle = 0;
  REQUIRE_EQ(api().add_source(net.handle(), &source, &handle), FRAMEPUMP_OK);
  net.frame();
  CHECK(holder.is_inside);
  CHECK_EQ(own, FRAMEPUMP_ERROR_OVERLAPPING_CALL);
  CHECK_EQ(others, FRAMEPUMP_OK);
  CHECK_EQ(asserts, 1);
}
