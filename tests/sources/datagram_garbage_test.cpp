// SPDX-License-Identifier: MIT
//
// Bytes from the wire that no ENet program sent.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include "support/plain_enet.h"
#include "support/test_network.h"

using namespace framepump::test;

namespace {

// A UDP socket that says anything to one port of 127.0.0.1.
class Nuisance {
 public:
  explicit Nuisance(uint32_t port) : descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(static_cast<uint16_t>(port));
    to_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~Nuisance() { close(descriptor_); }
  Nuisance(const Nuisance&) = delete;
  Nuisance& operator=(const Nuisance&) = delete;

  void send(std::string_view bytes) {
    sendto(descriptor_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to_), sizeof(to_));
  }

 private:
  int descriptor_;
  sockaddr_in to_ = {};
};

// What an ENet client says first, as a seed for damaged copies.
std::string connect_datagram() {
  PlainEnet listening = PlainEnet::server();
  PlainEnet client = PlainEnet::client();
  client.connect(listening.port());
  client.flush();
  char bytes[4096];
  ssize_t size = -1;
  const int64_t end_us = now_us() + 10'000'000;
  while (size < 0 && now_us() < end_us) size = recv(listening.host()->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
  REQUIRE_GT(size, 0);
  return std::string(bytes, static_cast<size_t>(size));
}

}  // namespace

TEST_CASE("garbage, truncated, empty and oversized datagrams disturb nobody") {
  const uint32_t seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const std::string sample = connect_datagram();
  for (uint32_t mode : {FRAMEPUMP_MODE_FRAME_LOCKED, FRAMEPUMP_MODE_THREADED}) {
    for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
      CAPTURE(mode);
      CAPTURE(backend);
      framepump_config config = default_config();
      config.threaded = mode;
      config.backend = backend;
      TestNetwork net(config);
      const framepump_handle host = net.open_host();
      PlainEnet plain = PlainEnet::client();
      plain.connect(net.host_port(host));
      Nuisance nuisance(net.host_port(host));
      const auto say_anything = [&] {
        std::string bytes(random() % 600, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        nuisance.send(bytes);
        nuisance.send("");
        nuisance.send(sample.substr(0, random() % sample.size()));
        std::string damaged = sample;
        damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
        nuisance.send(damaged);
        if (random() % 8 == 0) nuisance.send(std::string(5000 + random() % 50'000, 'x'));
      };
      const auto serve_until = [&](const auto& condition) {
        return run_until({&net}, [&] {
          plain.service();
          say_anything();
          return condition();
        });
      };
      REQUIRE(serve_until([&] { return plain.connected().size() == 1; }));
      constexpr uint32_t kCount = 50;
      uint32_t sent = 0;
      CHECK(serve_until([&] {
        if (sent < kCount) plain.send(plain.connected()[0], std::to_string(sent++));
        return net.messages().size() == kCount && net.host_info(host).socket_errors > 0;
      }));
      for (uint32_t i = 0; i < net.messages().size(); ++i) CHECK_EQ(net.messages()[i].text, std::to_string(i));
      CHECK_EQ(plain.disconnects(), 0);
    }
  }
}

TEST_CASE("an empty datagram before a message delays it by no time-out") {
  framepump_config config = default_config();
  config.slice_us = 1'000'000;
  TestNetwork net(config);
  const framepump_handle host = net.open_host();
  PlainEnet plain = PlainEnet::client();
  plain.connect(net.host_port(host));
  REQUIRE(run_until({&net}, [&] {
    plain.service();
    return plain.connected().size() == 1 && net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr;
  }));
  Nuisance nuisance(net.host_port(host));
  for (int i = 0; i < 20; ++i) nuisance.send("");
  plain.send(plain.connected()[0], "behind them", 0);
  plain.flush();
  net.forget_messages();
  net.tick();  // ENet takes an empty datagram for the end of the queue; the rest must be read all the same
  REQUIRE_EQ(net.messages().size(), 1);
  CHECK_EQ(net.messages()[0].text, "behind them");
}
