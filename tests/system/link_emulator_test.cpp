// SPDX-License-Identifier: MIT
//
// The link emulator measured with UDP: a link that is not what it says would make every test over it worthless.
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "support/emulated_link.h"
#include "support/test_network.h"

using namespace framepump::test;
using End = EmulatedLink::End;

namespace {

constexpr uint16_t kPort = 9000;

std::unique_ptr<EmulatedLink> open_link(const LinkOptions& options) {
  if (is_sanitized()) {
    std::printf("SKIP: a sanitizer is slower than the link\n");
    return nullptr;
  }
  std::string why_not;
  std::unique_ptr<EmulatedLink> link = EmulatedLink::open(options, why_not);
  if (link == nullptr) std::printf("SKIP: needs root and /dev/net/tun: %s\n", why_not.c_str());
  return link;
}

int udp_socket(End own) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  inet_pton(AF_INET, EmulatedLink::address(own), &address.sin_addr);
  const int buffer_bytes = 8 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) std::perror("bind");
  inet_pton(AF_INET, EmulatedLink::address(own == End::a ? End::b : End::a), &address.sin_addr);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) std::perror("connect");
  return fd;
}

bool receive_within(int fd, void* buffer, size_t size, int limit_ms, ssize_t& got) {
  pollfd ready = {fd, POLLIN, 0};
  if (poll(&ready, 1, limit_ms) <= 0) return false;
  got = recv(fd, buffer, size, 0);
  return got > 0;
}

// Answers every datagram until none comes for a second.
std::string echo() {
  const int fd = udp_socket(End::b);
  char buffer[2000];
  ssize_t got = 0;
  while (receive_within(fd, buffer, sizeof(buffer), 1500, got)) (void)!send(fd, buffer, static_cast<size_t>(got), 0);
  return "done";
}

// Median round trip of 40 small datagrams, microseconds.
std::string ping() {
  const int fd = udp_socket(End::a);
  usleep(200'000);
  std::vector<int64_t> round_trips;
  for (int i = 0; i < 40; ++i) {
    const int64_t begin_us = now_us();
    char buffer[32] = "ping";
    ssize_t got = 0;
    (void)!send(fd, buffer, sizeof(buffer), 0);
    if (receive_within(fd, buffer, sizeof(buffer), 1000, got)) round_trips.push_back(now_us() - begin_us);
  }
  if (round_trips.empty()) return "0";
  std::sort(round_trips.begin(), round_trips.end());
  return std::to_string(round_trips[round_trips.size() / 2]);
}

// Counts what arrives until nothing does: "datagrams bytes microseconds pattern", from the first to the last; the pattern is a hash of
// which ones came.
std::string count_arrivals() {
  const int fd = udp_socket(End::b);
  uint32_t buffer[400];
  ssize_t got = 0;
  uint64_t datagrams = 0, bytes = 0, which = 0;
  int64_t first_us = 0, last_us = 0;
  while (receive_within(fd, buffer, sizeof(buffer), datagrams == 0 ? 3000 : 700, got)) {
    last_us = now_us();
    if (datagrams++ == 0) first_us = last_us;
    else bytes += static_cast<uint64_t>(got) + 28;  // IP and UDP headers are on the link too
    which = which * 31 + buffer[0];
  }
  return std::to_string(datagrams) + " " + std::to_string(bytes) + " " + std::to_string(last_us - first_us) + " " + std::to_string(which);
}

struct Arrivals {
  unsigned long long datagrams = 0, bytes = 0, us = 0, which = 0;
};

// Sends numbered datagrams of 1,400 bytes, `per_s` a second, and says what arrived.
Arrivals flood(const EmulatedLink& link, uint32_t datagrams, double per_s) {
  EmulatedLink::Child receiver = link.run(End::b, count_arrivals);
  EmulatedLink::Child sender = link.run(End::a, [=] {
    const int fd = udp_socket(End::a);
    usleep(200'000);
    uint32_t buffer[350] = {};
    const int64_t begin_us = now_us();
    while (buffer[0] < datagrams) {
      if (buffer[0] < static_cast<double>(now_us() - begin_us) * per_s / 1e6) {
        (void)!send(fd, buffer, sizeof(buffer), 0);
        ++buffer[0];
      } else {
        usleep(100);
      }
    }
    return std::string("done");
  });
  CHECK_EQ(sender.wait(20'000), "done");
  Arrivals arrivals;
  std::sscanf(receiver.wait(20'000).c_str(), "%llu %llu %llu %llu", &arrivals.datagrams, &arrivals.bytes, &arrivals.us, &arrivals.which);
  return arrivals;
}

}  // namespace

TEST_CASE("the emulated link delays by what it was told, within 5 percent") {
  for (int64_t delay_us : {5'000, 25'000}) {
    LinkOptions options;
    options.delay_us = delay_us;
    const auto link = open_link(options);
    if (link == nullptr) return;
    EmulatedLink::Child answer = link->run(End::b, echo);
    const double round_trip_us = std::atof(link->run(End::a, ping).wait(20'000).c_str());
    CHECK_GE(round_trip_us, static_cast<double>(2 * delay_us));
    CHECK_LE(round_trip_us, static_cast<double>(2 * delay_us) * 1.05);
  }
}

TEST_CASE("the emulated link carries what it was told, within 5 percent, and drops what its queue cannot hold") {
  for (uint64_t rate : {20'000'000u, 100'000'000u, 500'000'000u}) {
    CAPTURE(rate);
    LinkOptions options;
    options.rate_bits_per_s = rate;
    options.queue_bytes = 200'000;
    // Half as much again as the link carries, for half a second.
    const double per_s = static_cast<double>(rate) / 8 / 1428 * 1.5;
    const auto wanted = doctest::Approx(static_cast<double>(rate)).epsilon(0.05);
    double measured = 0;
    // A machine that is busy elsewhere starves the sender: the link must be right, not the first try.
    for (int attempt = 0; attempt < 4 && measured != wanted; ++attempt) {
      const auto link = open_link(options);
      if (link == nullptr) return;
      const Arrivals arrivals = flood(*link, static_cast<uint32_t>(per_s / 2), per_s);
      measured = static_cast<double>(arrivals.bytes) * 8e6 / static_cast<double>(arrivals.us);
      const LinkStatistics there = link->statistics(End::a);
      if (measured == wanted) CHECK_GT(there.queue_drops, 0);
      CHECK_EQ(there.packets, there.delivered + there.queue_drops + there.lost);
    }
    CHECK_EQ(measured, wanted);
  }
}

TEST_CASE("the emulated link loses as many as it was told, within the confidence interval, and the same ones for the same seed") {
  constexpr uint32_t kDatagrams = 6'000;
  constexpr double kLoss = 0.05;
  Arrivals first;
  for (int round = 0; round < 2; ++round) {
    LinkOptions options;
    options.rate_bits_per_s = 900'000'000;
    options.loss = kLoss;
    options.seed = 42;
    const auto link = open_link(options);
    if (link == nullptr) return;
    const Arrivals arrivals = flood(*link, kDatagrams, 10'000);
    const double lost = kDatagrams - static_cast<double>(arrivals.datagrams);
    const double deviation = std::sqrt(kDatagrams * kLoss * (1 - kLoss));
    CHECK_EQ(lost, doctest::Approx(kDatagrams * kLoss).epsilon(3.3 * deviation / (kDatagrams * kLoss)));  // 99.9 %
    CHECK_EQ(link->statistics(End::a).queue_drops, 0);
    if (round == 1) CHECK_EQ(arrivals.which, first.which);
    first = arrivals;
  }
}
