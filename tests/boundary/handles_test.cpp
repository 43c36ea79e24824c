// SPDX-License-Identifier: MIT
//
// Handles that are stale, foreign, null, random or forged, on every function that takes one.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/test_network.h"

using namespace framepump::test;

namespace {

// Calls one function with a handle and otherwise good arguments.
struct HandleCall {
  const char* name;
  std::function<uint32_t(framepump_handle)> call;
};

uint32_t take_no_turn(void*, framepump_turn*) { return FRAMEPUMP_OUTCOME_DRAINED; }

framepump_source idle_source() { return {sizeof(framepump_source), 1, take_no_turn, nullptr, 0, 0, 0, nullptr}; }

// Small and without a helper thread, so that many of them are cheap.
framepump_config small_config() {
  framepump_config config = default_config();
  config.budget_kib = 1024;
  config.limit_streams = 16;
  return config;
}

const framepump_endpoint kEndpoint = {sizeof(framepump_endpoint), 0, "127.0.0.1", 1, 1, 0, nullptr};

// network_destroy comes last: it is the one that a wrong success would not survive.
const std::vector<HandleCall>& network_calls() {
  static framepump_config config = default_config();
  static framepump_totals totals = {};
  totals.struct_size = sizeof(totals);
  static framepump_frame frame = {sizeof(frame), 0, 1, 1};
  static framepump_source source = idle_source();
  static const framepump_event* events = nullptr;
  static const framepump_handle* streams = nullptr;
  static framepump_handle made = 0;
  static uint32_t count = 0;
  static const std::vector<HandleCall> calls = {
      {"network_configure", [](framepump_handle h) { return api().network_configure(h, &config); }},
      {"network_config", [](framepump_handle h) { return api().network_config(h, &config); }},
      {"set_mode", [](framepump_handle h) { return api().set_mode(h, 0); }},
      {"totals", [](framepump_handle h) { return api().totals(h, &totals); }},
      {"tick", [](framepump_handle h) { return api().tick(h, &frame, nullptr); }},
      {"flush", [](framepump_handle h) { return api().flush(h); }},
      {"wait_until", [](framepump_handle h) { return api().wait_until(h, 0, FRAMEPUMP_WAIT_DEADLINE); }},
      {"events", [](framepump_handle h) { return api().events(h, &events, &count); }},
      {"readable", [](framepump_handle h) { return api().readable(h, &streams, &count); }},
      {"connect", [](framepump_handle h) { return api().connect(h, &kEndpoint, &made); }},
      {"listen", [](framepump_handle h) { return api().listen(h, &kEndpoint, &made); }},
      {"add_source", [](framepump_handle h) { return api().add_source(h, &source, &made); }},
      {"network_destroy", [](framepump_handle h) { return api().network_destroy(h); }},
  };
  return calls;
}

const std::vector<HandleCall>& stream_calls() {
  static framepump_stream_info info = {};
  info.struct_size = sizeof(info);
  static uint64_t bytes = 0;
  static const void* view = nullptr;
  static void* room = nullptr;
  static char buffer[16] = {};
  static const std::vector<HandleCall> calls = {
      {"shutdown_write", [](framepump_handle h) { return api().shutdown_write(h); }},
      {"stream_info", [](framepump_handle h) { return api().stream_info(h, &info); }},
      {"available", [](framepump_handle h) { return api().available(h, &bytes); }},
      {"front", [](framepump_handle h) { return api().front(h, &view, &bytes); }},
      {"peek", [](framepump_handle h) { return api().peek(h, 1, &view); }},
      {"read", [](framepump_handle h) { return api().read(h, buffer, sizeof(buffer), &bytes); }},
      {"consume", [](framepump_handle h) { return api().consume(h, 1); }},
      {"write", [](framepump_handle h) { return api().write(h, buffer, 1, &bytes); }},
      {"write_all", [](framepump_handle h) { return api().write_all(h, buffer, 1); }},
      {"reserve", [](framepump_handle h) { return api().reserve(h, 1, &room); }},
      {"commit", [](framepump_handle h) { return api().commit(h, 0); }},
      {"abort", [](framepump_handle h) { return api().abort(h); }},
  };
  return calls;
}

// Those that take a listener, a source, or any of the three.
const std::vector<HandleCall>& listener_calls() {
  static uint32_t port = 0;
  static const std::vector<HandleCall> calls = {{"listener_port", [](framepump_handle h) { return api().listener_port(h, &port); }}};
  return calls;
}
const std::vector<HandleCall>& source_calls() {
  static const std::vector<HandleCall> calls = {{"wake_source", [](framepump_handle h) { return api().wake_source(h); }}};
  return calls;
}
const std::vector<HandleCall>& object_calls() {
  static const std::vector<HandleCall> calls = {
      {"set_priority", [](framepump_handle h) { return api().set_priority(h, 1); }},
      {"set_user_data", [](framepump_handle h) { return api().set_user_data(h, 1); }},
      {"close", [](framepump_handle h) { return api().close(h); }},
  };
  return calls;
}

void check_all(const std::vector<HandleCall>& calls, framepump_handle handle, uint32_t expected) {
  for (const HandleCall& entry : calls) {
    CAPTURE(std::string(entry.name));
    CAPTURE(handle);
    CHECK_EQ(entry.call(handle), expected);
  }
}

void check_every_function(framepump_handle handle, uint32_t expected) {
  for (const auto& calls : {network_calls(), stream_calls(), listener_calls(), source_calls(), object_calls()}) {
    check_all(calls, handle, expected);
  }
}

// One of each kind, in a network.
struct Objects {
  explicit Objects(TestNetwork& net) {
    const framepump_source source_struct = idle_source();
    listener = net.listen();
    stream = net.connect(net.port_of(listener));
    REQUIRE_EQ(api().add_source(net.handle(), &source_struct, &source), FRAMEPUMP_OK);
  }
  framepump_handle listener = 0;
  framepump_handle stream = 0;
  framepump_handle source = 0;
};

}  // namespace

TEST_CASE("the null handle is stale for every function") { check_every_function(0, FRAMEPUMP_ERROR_STALE_HANDLE); }

TEST_CASE("a handle of another kind is foreign for every function") {
  TestNetwork net(small_config());
  const Objects objects(net);
  for (framepump_handle handle : {objects.stream, objects.listener, objects.source}) {
    check_all(network_calls(), handle, FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  }
  for (framepump_handle handle : {net.handle(), objects.listener, objects.source}) {
    check_all(stream_calls(), handle, FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  }
  check_all(listener_calls(), objects.stream, FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  check_all(source_calls(), objects.stream, FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  check_all(object_calls(), net.handle(), FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  CHECK_EQ(api().available(objects.listener, nullptr), FRAMEPUMP_ERROR_INVALID_ARGUMENT);
  uint64_t bytes = 0;
  CHECK_EQ(api().available(objects.listener, &bytes), FRAMEPUMP_ERROR_FOREIGN_HANDLE);
  CHECK(net.last_error().find("names a listener, allowed is a stream") != std::string::npos);
}

TEST_CASE("handles fit 52 bits, and no two that live are equal") {
  TestNetwork net(small_config());
  std::set<framepump_handle> all;
  for (int i = 0; i < 8; ++i) {
    const Objects objects(net);
    for (framepump_handle handle : {objects.stream, objects.listener, objects.source}) {
      CHECK_EQ(handle >> 52, 0);
      CHECK(all.insert(handle).second);
    }
  }
  CHECK(all.insert(net.handle()).second);
}

TEST_CASE("the handle of an object that is gone is stale, also when another took its place") {
  TestNetwork net(small_config());
  std::vector<Objects> gone;
  for (int i = 0; i < 20; ++i) {
    const Objects objects(net);
    gone.push_back(objects);
    REQUIRE_EQ(api().close(objects.listener), FRAMEPUMP_OK);
    REQUIRE_EQ(api().close(objects.source), FRAMEPUMP_OK);
    REQUIRE_EQ(api().abort(objects.stream), FRAMEPUMP_OK);
    REQUIRE(run_until({&net}, [&] { return net.totals().streams == 0; }));
  }
  const Objects alive(net);
  for (const Objects& objects : gone) {
    check_all(stream_calls(), objects.stream, FRAMEPUMP_ERROR_STALE_HANDLE);
    check_all(listener_calls(), objects.listener, FRAMEPUMP_ERROR_STALE_HANDLE);
    check_all(source_calls(), objects.source, FRAMEPUMP_ERROR_STALE_HANDLE);
    for (framepump_handle handle : {objects.stream, objects.listener, objects.source}) {
      check_all(object_calls(), handle, FRAMEPUMP_ERROR_STALE_HANDLE);
    }
  }
  CHECK_EQ(api().set_priority(alive.stream, 1), FRAMEPUMP_OK);
  CHECK_EQ(api().set_priority(alive.listener, 1), FRAMEPUMP_OK);
  CHECK_EQ(api().set_priority(alive.source, 1), FRAMEPUMP_OK);
}

TEST_CASE("handles of a destroyed network are stale, also when another network took its place") {
  const framepump_config config = small_config();
  std::vector<framepump_handle> old_networks;
  std::vector<Objects> old_objects;
  const auto check_old = [&] {
    for (framepump_handle handle : old_networks) check_every_function(handle, FRAMEPUMP_ERROR_STALE_HANDLE);
    for (const Objects& objects : old_objects) {
      check_all(stream_calls(), objects.stream, FRAMEPUMP_ERROR_STALE_HANDLE);
      check_all(listener_calls(), objects.listener, FRAMEPUMP_ERROR_STALE_HANDLE);
      check_all(source_calls(), objects.source, FRAMEPUMP_ERROR_STALE_HANDLE);
    }
  };
  for (int i = 0; i < 70; ++i) {  // more than there are places, so that some are used again
    TestNetwork net(config);
    old_networks.push_back(net.handle());
    old_objects.emplace_back(net);
  }
  check_old();
  std::vector<std::unique_ptr<TestNetwork>> alive;
  for (int i = 0; i < 63; ++i) {
    alive.push_back(std::make_unique<TestNetwork>(config));
    const Objects objects(*alive.back());
  }
  check_old();
}

TEST_CASE("63 networks live at once, the 64th is refused, and works after one of them is gone") {
  const framepump_config config = small_config();
  std::vector<std::unique_ptr<TestNetwork>> alive;
  for (int i = 0; i < 63; ++i) alive.push_back(std::make_unique<TestNetwork>(config));
  framepump_message message = {};
  message.struct_size = sizeof(message);
  framepump_handle network = 1;
  CHECK_EQ(api().network_create(&config, nullptr, &network, &message), FRAMEPUMP_ERROR_LIMIT_REACHED);
  CHECK_EQ(network, 0);
  CHECK(std::string(message.text).find("63 networks") != std::string::npos);
  for (const auto& net : alive) net->frame();
  alive.erase(alive.begin() + 30);
  REQUIRE_EQ(api().network_create(&config, nullptr, &network, &message), FRAMEPUMP_OK);
  CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
}

TEST_CASE("no random or forged handle crashes or reaches an object that it does not name") {
  const char* given = std::getenv("FRAMEPUMP_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 random(seed);
  TestNetwork net(small_config());
  const Objects first(net);
  const Objects second(net);
  net.frame();
  const std::vector<framepump_handle> live = {net.handle(), first.stream,  first.listener, first.source,
                                              second.stream, second.listener, second.source};
  std::set<framepump_handle> known(live.begin(), live.end());
  REQUIRE(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 2; }));
  for (const SeenEvent& event : net.seen()) known.insert(event.handle);

  for (int round = 0; round < 20'000; ++round) {
    framepump_handle handle = random();
    const framepump_handle base = live[random() % live.size()];
    switch (round % 4) {
      case 0: break;                                                                       // any 64 bits
      case 1: handle >>= 12; break;                                                        // any 52 bits
      case 2: handle = base ^ (uint64_t{1} << (random() % 52)); break;                     // one bit wrong
      case 3: handle = (base & ~(uint64_t{15} << 48)) | (random() % 16) << 48; break;      // any kind
    }
    if (known.contains(handle)) continue;
    for (const auto* calls : {&network_calls(), &stream_calls(), &listener_calls(), &source_calls(), &object_calls()}) {
      const HandleCall& entry = (*calls)[random() % calls->size()];
      const uint32_t error = entry.call(handle);
      if (error == FRAMEPUMP_ERROR_STALE_HANDLE || error == FRAMEPUMP_ERROR_FOREIGN_HANDLE) continue;
      CAPTURE(seed);
      CAPTURE(handle);
      CAPTURE(std::string(entry.name));
      CHECK_EQ(error, FRAMEPUMP_ERROR_STALE_HANDLE);
    }
  }
  // Those that are real still are.
  for (framepump_handle handle : {first.stream, first.listener, first.source}) CHECK_EQ(api().set_priority(handle, 2), FRAMEPUMP_OK);
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 0);
}
