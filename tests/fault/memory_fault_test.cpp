// SPDX-License-Identifier: MIT
//
// The allocator says no: at every single allocation once, and from there on for good.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#if !defined(_WIN32)
#include "support/name_server.h"
#include "support/named_network.h"
#endif
#include "support/refusing_services.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

constexpr int kStreams = 3;
constexpr uint64_t kManyFrames = 20'000;  // for what must come in the end, on a machine that is busy
constexpr uint64_t kMessageBytes = 3'000;  // lies across a seam of small blocks

// A server and clients in one network, a message each way, a join, a user source, an end. Whatever is refused on the way is skipped
// over, and no more than `frames` waited for. True: every message came, or something was refused and gameplay told so.
bool play(const framepump_config& config, const RefusingServices& refusing, uint64_t frames = 300) {
  framepump_handle network = 0;
  framepump_message message = {};
  message.struct_size = sizeof(message);
  if (api().network_create(&config, refusing.services(), &network, &message) != FRAMEPUMP_OK) {
    CHECK_NE(std::string(message.text), "");
    return true;
  }
  framepump_source source = {};
  source.struct_size = sizeof(source);
  source.take_turn = [](void*, framepump_turn*) { return FRAMEPUMP_OUTCOME_DRAINED; };
  framepump_handle own = 0;
  api().add_source(network, &source, &own);
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, FRAMEPUMP_PRIORITY_NORMAL, 0, nullptr};
  framepump_handle listener = 0;
  api().listen(network, &endpoint, &listener);
  api().listener_port(listener, &endpoint.port);
  framepump_handle clients[kStreams] = {};
  for (framepump_handle& client : clients) {
    if (listener != 0) api().connect(network, &endpoint, &client);
  }
  const bool is_refused = std::find(clients, clients + kStreams, framepump_handle{0}) != clients + kStreams;
  const std::string sent = pattern(31, 0, kMessageBytes);
  bool has_written[kStreams] = {};
  int complete = 0;
  for (uint64_t n = 1; n <= (is_refused ? 30 : frames) && complete < kStreams; ++n) {
    const framepump_frame frame = {sizeof(frame), 0, n, now_us()};
    api().tick(network, &frame, nullptr);
    for (int i = 0; i < kStreams; ++i) {
      has_written[i] = has_written[i] || api().write_all(clients[i], sent.data(), sent.size()) == FRAMEPUMP_OK;
    }
    const framepump_handle* readable = nullptr;
    uint32_t count = 0;
    api().readable(network, &readable, &count);
    for (uint32_t i = 0; i < count; ++i) {
      const void* view = nullptr;
      if (api().peek(readable[i], kMessageBytes, &view) != FRAMEPUMP_OK) continue;
      CHECK(std::string_view(static_cast<const char*>(view), kMessageBytes) == sent);
      api().consume(readable[i], kMessageBytes);
      ++complete;
    }
    api().flush(network);
    api().wait_until(network, now_us() + 200, FRAMEPUMP_WAIT_FIRST_DATA);
  }
  for (const framepump_handle client : clients) api().close(client);
  api().close(listener);
  const framepump_frame frame = {sizeof(frame), 0, 1000, now_us()};
  api().tick(network, &frame, nullptr);
  CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
  return complete == kStreams || is_refused;
}

// Two datagram hosts of one network: a connection, messages each way, an end. True: every message came.
bool play_datagrams(const framepump_config& config, const RefusingServices& refusing, uint64_t frames = 300) {
  framepump_handle network = 0;
  if (api().network_create(&config, refusing.services(), &network, nullptr) != FRAMEPUMP_OK) return false;
  framepump_host_options options = {};
  options.struct_size = sizeof(options);
  options.host = "127.0.0.1";
  framepump_handle server = 0;
  framepump_handle client = 0;
  framepump_handle peer = 0;
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, FRAMEPUMP_PRIORITY_NORMAL, 0, nullptr};
  api().host_open(network, &options, &server);
  api().host_open(network, &options, &client);
  api().host_port(server, &endpoint.port);
  const uint32_t connecting = server == 0 ? FRAMEPUMP_ERROR_STALE_HANDLE : api().peer_connect(client, &endpoint, 0, &peer);
  constexpr uint32_t kMessages = 200;  // more than one chunk of each pool
  uint32_t sent = 0;
  uint32_t received = 0;
  uint32_t closed = 0;
  for (uint64_t n = 1; n <= frames && connecting == FRAMEPUMP_OK && closed < 1; ++n) {
    const framepump_frame frame = {sizeof(frame), 0, n, now_us()};
    api().tick(network, &frame, nullptr);
    while (sent < kMessages && api().send(peer, 0, &sent, sizeof(sent), FRAMEPUMP_RELIABLE) == FRAMEPUMP_OK) ++sent;
    const framepump_received* messages = nullptr;
    uint32_t count = 0;
    api().messages(network, &messages, &count);
    for (uint32_t i = 0; i < count; ++i) {
      uint32_t number = 0;
      std::memcpy(&number, messages[i].payload, sizeof(number));
      CHECK_EQ(number, received++);
    }
    const framepump_event* events = nullptr;
    api().events(network, &events, &count);
    for (uint32_t i = 0; i < count; ++i) closed += events[i].kind == FRAMEPUMP_EVENT_CLOSED && events[i].handle == server;
    if (received == kMessages) api().close(server);
    api().flush(network);
    api().wait_until(network, now_us() + 200, FRAMEPUMP_WAIT_FIRST_DATA);
  }
  CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
  return received == kMessages && closed == 1;
}

#if !defined(_WIN32)
// Streams to names: of the hosts file, of a server, of nobody. True: each connected or was told why not.
bool play_names(const framepump_config& config, const framepump_services& services, NameServer& server, uint64_t frames) {
  framepump_handle network = 0;
  if (api().network_create(&config, &services, &network, nullptr) != FRAMEPUMP_OK) return true;
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, FRAMEPUMP_PRIORITY_NORMAL, 0, nullptr};
  framepump_handle listener = 0;
  api().listen(network, &endpoint, &listener);
  api().listener_port(listener, &endpoint.port);
  uint32_t open = 0;
  for (const char* name : {"lan", "play.example", "play.example", "nobody.example"}) {
    framepump_handle stream = 0;
    endpoint.host = name;
    if (listener != 0 && api().connect(network, &endpoint, &stream) == FRAMEPUMP_OK) ++open;
  }
  for (uint64_t n = 1; n <= frames && open > 0; ++n) {
    const framepump_frame frame = {sizeof(frame), 0, n, now_us()};
    api().tick(network, &frame, nullptr);
    const framepump_event* events = nullptr;
    uint32_t count = 0;
    api().events(network, &events, &count);
    for (uint32_t i = 0; i < count; ++i) open -= events[i].kind == FRAMEPUMP_EVENT_CONNECTED || events[i].kind == FRAMEPUMP_EVENT_CLOSED;
    api().flush(network);
    server.serve();
    api().wait_until(network, now_us() + 200, FRAMEPUMP_WAIT_FIRST_DATA);
  }
  CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
  return open == 0;
}
#endif

}  // namespace

#if !defined(_WIN32)
TEST_CASE("an allocation that fails while names are looked up leaks nothing, and every stream ends one way or the other") {
  NameServer server;
  server.add("play.example", "A", "127.0.0.1");
  const NameFiles files(server.resolv_conf(), "127.0.0.1 lan\n");
  for (const uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    framepump_config config = default_config();
    config.threaded = threaded;
    config.names_timeout_ms = 100;
    const auto play = [&](const RefusingServices& refusing, uint64_t frames) {
      framepump_services services = *refusing.services();
      services.resolv_conf = files.services()->resolv_conf;
      services.hosts_file = files.services()->hosts_file;
      return play_names(config, services, server, frames);
    };
    RefusingServices all(0, 0);
    CHECK(play(all, kManyFrames));
    CHECK_EQ(all.live_bytes(), 0);
    for (int64_t first = 0; first < all.allocations(); ++first) {
      CAPTURE(first);
      RefusingServices refusing(first, threaded == 0 ? first + 1 : INT64_MAX);  // once, or from there on
      const bool is_complete = play(refusing, threaded == 0 ? kManyFrames : 50);
      if (threaded == 0) CHECK(is_complete);
      CHECK_EQ(refusing.live_bytes(), 0);
    }
  }
}
#endif

TEST_CASE("an allocation that fails, whichever it is, crashes nothing, leaks nothing and is got over") {
  for (const uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    CAPTURE(backend);
    framepump_config config = default_config();
    config.backend = backend;
    RefusingServices all(0, 0);
    CHECK(play(config, all, kManyFrames));
    CHECK_EQ(all.live_bytes(), 0);
    for (int64_t refused = 0; refused < all.allocations(); ++refused) {
      CAPTURE(refused);
      RefusingServices once(refused, refused + 1);
      CHECK(play(config, once, kManyFrames));
      CHECK_EQ(once.live_bytes(), 0);
    }
  }
}

TEST_CASE("an allocator that gives nothing more from some point on crashes nothing and leaks nothing") {
  framepump_config config = default_config();
  config.threaded = 1;
  RefusingServices all(0, 0);
  CHECK(play(config, all, kManyFrames));
  CHECK_EQ(all.live_bytes(), 0);
  for (int64_t first = 0; first < all.allocations(); ++first) {
    CAPTURE(first);
    RefusingServices refusing(first, INT64_MAX);
    play(config, refusing);
    CHECK_EQ(refusing.live_bytes(), 0);
  }
}

TEST_CASE("an allocation that fails, whichever it is and for how long, loses datagram hosts no message and no memory") {
  for (const uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    framepump_config config = default_config();
    config.threaded = threaded;
    RefusingServices all(0, 0);
    CHECK(play_datagrams(config, all, kManyFrames));
    CHECK_EQ(all.live_bytes(), 0);
    for (int64_t first = 0; first < all.allocations(); ++first) {
      CAPTURE(first);
      RefusingServices once(first, first + 1);
      play_datagrams(config, once);
      CHECK_EQ(once.live_bytes(), 0);
      RefusingServices from_there_on(first, INT64_MAX);
      play_datagrams(config, from_there_on);
      CHECK_EQ(from_there_on.live_bytes(), 0);
    }
  }
}
