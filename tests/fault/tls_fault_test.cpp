// SPDX-License-Identifier: MIT
//
// TLS streams when memory runs out and when the peer goes wrong in the middle of things.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <random>
#include <string>

#include "support/openssl.h"
#include "support/plain_pair.h"
#include "support/refusing_services.h"

using namespace framepump::test;

namespace {

// A listener and two streams in one network, a message, an end. Whatever is refused on the way is skipped over. True: every message came, or
// something was refused and gameplay told so.
bool play(const RefusingServices& refusing) {
  framepump_config config = default_config();
  config.budget_kib = 4096;
  config.limit_streams = 16;
  framepump_handle network = 0;
  if (api().network_create(&config, refusing.services(), &network, nullptr) != FRAMEPUMP_OK) return true;
  const TlsOptions server_options = TlsOptions::server();
  const TlsOptions client_options = TlsOptions::client();
  const framepump_tls server = server_options.c();
  const framepump_tls client = client_options.c();
  framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, FRAMEPUMP_PRIORITY_NORMAL, 0, &server};
  framepump_handle listener = 0;
  api().listen(network, &endpoint, &listener);
  api().listener_port(listener, &endpoint.port);
  endpoint.tls = &client;
  framepump_handle streams[2] = {};
  bool is_refused = listener == 0;
  for (framepump_handle& stream : streams) {
    is_refused = is_refused || api().connect(network, &endpoint, &stream) != FRAMEPUMP_OK;
    api().write_all(stream, "hello", 5);
  }
  uint32_t complete = 0;
  uint32_t closed = 0;
  for (uint64_t n = 1; n <= (is_refused ? 20u : 20'000u) && complete < 2 && closed == 0; ++n) {
    const framepump_frame frame = {sizeof(frame), 0, n, now_us()};
    api().tick(network, &frame, nullptr);
    const framepump_event* events = nullptr;
    uint32_t count = 0;
    api().events(network, &events, &count);
    for (uint32_t i = 0; i < count; ++i) closed += events[i].kind == FRAMEPUMP_EVENT_CLOSED;
    const framepump_handle* readable = nullptr;
    api().readable(network, &readable, &count);
    for (uint32_t i = 0; i < count; ++i) {
      char got[8] = "";
      uint64_t taken = 0;
      api().read(readable[i], got, 5, &taken);
      CHECK_EQ(std::string(got), "hello");
      ++complete;
    }
    api().flush(network);
    api().wait_until(network, now_us() + 1000, FRAMEPUMP_WAIT_FIRST_DATA);
  }
  CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
  return complete == 2 || closed > 0 || is_refused;
}

}  // namespace

TEST_CASE("TLS: an allocation that fails, whichever it is, crashes nothing and leaks nothing") {
  RefusingServices all(0, 0);
  CHECK(play(all));
  CHECK_EQ(all.live_bytes(), 0);
  for (int64_t refused = 0; refused < all.allocations(); ++refused) {
    CAPTURE(refused);
    RefusingServices once(refused, refused + 1);
    CHECK(play(once));
    CHECK_EQ(once.live_bytes(), 0);
  }
}

TEST_CASE("TLS: a stream whose bytes are changed on the way ends with a reason, and gives none of the changed ones") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    const framepump_handle listener = tls_listen(net, TlsOptions::server());
    // Somebody in between, who lets the handshake pass.
    PlainSocket middle = PlainSocket::listen();
    const framepump_handle stream = tls_connect(net, middle.port(), TlsOptions::client());
    net.frame();
    PlainSocket to_client = middle.accept();
    PlainSocket to_server = PlainSocket::connect(net.port_of(listener));
    const auto pass = [](PlainSocket& from, PlainSocket& to, uint8_t change) {
      char bytes[4096];
      const ssize_t size = recv(from.descriptor(), bytes, sizeof(bytes), MSG_DONTWAIT);
      if (size <= 0) return;
      bytes[size - 1] = static_cast<char>(bytes[size - 1] ^ change);
      to.send({bytes, static_cast<size_t>(size)});
    };
    CHECK(run_until({&net}, [&] {
      pass(to_client, to_server, 0);
      pass(to_server, to_client, 0);
      return net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr && net.find(FRAMEPUMP_EVENT_CONNECTED) != nullptr;
    }));
    const framepump_handle accepted = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
    net.write(stream, "good");
    CHECK(run_until({&net}, [&] {
      pass(to_client, to_server, 0);
      return net.available(accepted) == 4;
    }));
    net.write(stream, "evil");
    CHECK(run_until({&net}, [&] {
      pass(to_client, to_server, 1);
      return net.find(FRAMEPUMP_EVENT_CLOSED, accepted) != nullptr;
    }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, accepted)->reason, FRAMEPUMP_REASON_TLS_PROTOCOL);
    CHECK(net.find(FRAMEPUMP_EVENT_CLOSED, accepted)->text.find("bad record mac") != std::string::npos);
    CHECK_EQ(net.read_all(accepted), "good");
  });
}

TEST_CASE("TLS: random bytes in place of a handshake, or behind its beginning, end each connection and no more") {
  TestNetwork net;
  const framepump_handle listener = tls_listen(net, TlsOptions::server());
  std::mt19937 random(7);
  constexpr uint32_t kTries = 200;
  for (uint32_t i = 0; i < kTries; ++i) {
    CAPTURE(i);
    std::string bytes = i % 2 == 0 ? "" : std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    for (uint32_t k = 0; k < 600; ++k) bytes += static_cast<char>(random());
    PlainSocket nuisance = PlainSocket::connect(net.port_of(listener));
    nuisance.send(bytes);
    nuisance.shutdown_write();
    CHECK(run_until({&net}, [&] { return net.totals().tls_failures == i + 1; }));
  }
  CHECK(run_until({&net}, [&] { return net.totals().streams == 0; }));
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED) + net.count(FRAMEPUMP_EVENT_CLOSED), 0);
  const framepump_handle stream = tls_connect(net, net.port_of(listener), TlsOptions::client());
  CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }));
}
