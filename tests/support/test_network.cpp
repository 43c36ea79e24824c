// SPDX-License-Identifier: MIT
#include "support/test_network.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <thread>

namespace framepump::test {

namespace {

// The defaults, except that hints stay out of the test's output.
framepump_services quiet_services() {
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.log = [](void*, uint32_t, const char*) {};
  return services;
}

}  // namespace

TestNetwork::TestNetwork(const framepump_config& config, const framepump_services* services) {
  framepump_message message = {};
  message.struct_size = sizeof(message);
  const framepump_services quiet = quiet_services();
  const uint32_t error = api().network_create(&config, services != nullptr ? services : &quiet, &handle_, &message);
  INFO(std::string(message.text));
  REQUIRE_EQ(error, FRAMEPUMP_OK);
}

TestNetwork::~TestNetwork() {
  const uint32_t error = api().network_destroy(handle_);
  CHECK_EQ(error, FRAMEPUMP_OK);
}

const framepump_tick_report& TestNetwork::tick() {
  const framepump_frame frame = {sizeof(frame), 0, ++frame_number_, clock_()};
  report_ = {};
  report_.struct_size = sizeof(report_);
  REQUIRE_EQ(api().tick(handle_, &frame, &report_), FRAMEPUMP_OK);
  const framepump_event* events = nullptr;
  uint32_t count = 0;
  REQUIRE_EQ(api().events(handle_, &events, &count), FRAMEPUMP_OK);
  for (uint32_t i = 0; i < count; ++i) {
    const framepump_event& e = events[i];
    seen_.push_back({e.kind, e.reason, e.handle, e.other, e.user_data, e.value, e.value2, e.text != nullptr ? e.text : ""});
  }
  const framepump_received* messages = nullptr;
  REQUIRE_EQ(api().messages(handle_, &messages, &last_message_count_), FRAMEPUMP_OK);
  for (uint32_t i = 0; i < last_message_count_; ++i) {
    const framepump_received& m = messages[i];
    const std::string text = m.size_bytes > 0 ? std::string(static_cast<const char*>(m.payload), m.size_bytes) : "";
    messages_.push_back({m.peer, m.host, m.user_data, m.channel, m.delivery, m.dwell_us, text});
  }
  return report_;
}

void TestNetwork::flush() { REQUIRE_EQ(api().flush(handle_), FRAMEPUMP_OK); }

const framepump_tick_report& TestNetwork::frame() {
  tick();
  flush();
  return report_;
}

framepump_handle TestNetwork::listen(const char* host, uint32_t port, uint32_t flags, uint32_t priority) {
  const framepump_endpoint endpoint = {sizeof(endpoint), flags, host, port, priority, 0, nullptr};
  framepump_handle listener = 0;
  const uint32_t error = api().listen(handle_, &endpoint, &listener);
  INFO(last_error());
  REQUIRE_EQ(error, FRAMEPUMP_OK);
  return listener;
}

uint32_t TestNetwork::port_of(framepump_handle listener) {
  uint32_t port = 0;
  REQUIRE_EQ(api().listener_port(listener, &port), FRAMEPUMP_OK);
  return port;
}

framepump_handle TestNetwork::connect(uint32_t port, const char* host, uint32_t flags, uint32_t priority) {
  const framepump_endpoint endpoint = {sizeof(endpoint), flags, host, port, priority, 0, nullptr};
  framepump_handle stream = 0;
  const uint32_t error = api().connect(handle_, &endpoint, &stream);
  INFO(last_error());
  REQUIRE_EQ(error, FRAMEPUMP_OK);
  return stream;
}

framepump_handle TestNetwork::open_host(const char* address, uint32_t peers, uint64_t user_data) {
  framepump_host_options options = {};
  options.struct_size = sizeof(options);
  options.priority = FRAMEPUMP_PRIORITY_NORMAL;
  options.host = address;
  options.peers = peers;
  options.user_data = user_data;
  framepump_handle host = 0;
  const uint32_t error = api().host_open(handle_, &options, &host);
  INFO(last_error());
  REQUIRE_EQ(error, FRAMEPUMP_OK);
  return host;
}

uint32_t TestNetwork::host_port(framepump_handle host) {
  uint32_t port = 0;
  REQUIRE_EQ(api().host_port(host, &port), FRAMEPUMP_OK);
  return port;
}

framepump_handle TestNetwork::peer_connect(framepump_handle host, uint32_t port, uint32_t data, uint64_t user_data) {
  const framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", port, 1, user_data, nullptr};
  framepump_handle peer = 0;
  const uint32_t error = api().peer_connect(host, &endpoint, data, &peer);
  INFO(last_error());
  REQUIRE_EQ(error, FRAMEPUMP_OK);
  return peer;
}

uint32_t TestNetwork::send(framepump_handle peer, std::string_view bytes, uint32_t delivery, uint32_t channel) {
  return api().send(peer, channel, bytes.data(), bytes.size(), delivery);
}

framepump_host_info TestNetwork::host_info(framepump_handle host) const {
  framepump_host_info info = {};
  info.struct_size = sizeof(info);
  REQUIRE_EQ(api().host_info(host, &info), FRAMEPUMP_OK);
  return info;
}

framepump_peer_info TestNetwork::peer_info(framepump_handle peer) const {
  framepump_peer_info info = {};
  info.struct_size = sizeof(info);
  REQUIRE_EQ(api().peer_info(peer, &info), FRAMEPUMP_OK);
  return info;
}

const SeenEvent* TestNetwork::find(uint32_t kind, framepump_handle handle) const {
  for (const SeenEvent& event : seen_) {
    if (event.kind == kind && (handle == 0 || event.handle == handle)) return &event;
  }
  return nullptr;
}

uint32_t TestNetwork::count(uint32_t kind) const {
  uint32_t n = 0;
  for (const SeenEvent& event : seen_) n += event.kind == kind;
  return n;
}

uint64_t TestNetwork::available(framepump_handle stream) const {
  uint64_t bytes = 0;
  api().available(stream, &bytes);
  return bytes;
}

std::string TestNetwork::read_all(framepump_handle stream) {
  std::string bytes(available(stream), '\0');
  uint64_t taken = 0;
  if (bytes.empty()) return bytes;
  REQUIRE_EQ(api().read(stream, bytes.data(), bytes.size(), &taken), FRAMEPUMP_OK);
  REQUIRE_EQ(taken, bytes.size());
  return bytes;
}

uint64_t TestNetwork::write(framepump_handle stream, std::string_view bytes) {
  uint64_t taken = 0;
  const uint32_t error = api().write(stream, bytes.data(), bytes.size(), &taken);
  INFO(last_error());
  REQUIRE_EQ(error, FRAMEPUMP_OK);
  return taken;
}

framepump_stream_info TestNetwork::info(framepump_handle stream) const {
  framepump_stream_info info = {};
  info.struct_size = sizeof(info);
  REQUIRE_EQ(api().stream_info(stream, &info), FRAMEPUMP_OK);
  return info;
}

framepump_totals TestNetwork::totals() const {
  framepump_totals totals = {};
  totals.struct_size = sizeof(totals);
  REQUIRE_EQ(api().totals(handle_, &totals), FRAMEPUMP_OK);
  return totals;
}

std::vector<framepump_handle> TestNetwork::readable() const {
  const framepump_handle* streams = nullptr;
  uint32_t count = 0;
  REQUIRE_EQ(api().readable(handle_, &streams, &count), FRAMEPUMP_OK);
  return {streams, streams + count};
}

bool run_until(std::initializer_list<TestNetwork*> networks, const std::function<bool()>& condition, int limit_ms) {
  const int64_t end_us = now_us() + int64_t{limit_ms} * 1000 * (is_sanitized() ? 5 : 1);
  while (!condition()) {
    if (now_us() > end_us) return false;
    for (TestNetwork* network : networks) network->frame();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

Pair connect_pair(TestNetwork& client, TestNetwork& server, uint32_t flags, const char* host) {
  Pair pair;
  pair.listener = server.listen(host, 0, flags);
  const size_t seen_before = server.seen().size();
  pair.client = client.connect(server.port_of(pair.listener), host, flags);
  REQUIRE(run_until({&client, &server}, [&] {
    for (size_t i = seen_before; i < server.seen().size(); ++i) {
      const SeenEvent& event = server.seen()[i];
      if (event.kind == FRAMEPUMP_EVENT_ACCEPTED && event.other == pair.listener) pair.server = event.handle;
    }
    return pair.server != 0 && client.find(FRAMEPUMP_EVENT_CONNECTED, pair.client) != nullptr;
  }));
  return pair;
}

std::string pattern(uint64_t seed, uint64_t begin, uint64_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (uint64_t i = 0; i < size_bytes; ++i) {
    uint64_t x = (begin + i + 1) * 0x9e3779b97f4a7c15u ^ seed;
    x ^= x >> 29;
    bytes[i] = static_cast<char>(x * 0xbf58476d1ce4e5b9u >> 56);
  }
  return bytes;
}

bool is_sanitized() { return std::getenv("FRAMEPUMP_TEST_SANITIZED") != nullptr; }

bool can_reset() { return std::getenv("FRAMEPUMP_TEST_NO_RESETS") == nullptr; }

}  // namespace framepump::test
