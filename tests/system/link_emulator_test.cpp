// SPDX-License-Identifier: MIT
//
// The link emulator measured with plain sockets: a link that is not what it says would make every test over it worthless.
//
// A burst that is handed over faster than the link carries it keeps the link busy by itself, and the kernel stamps each arrival.
// So nothing here depends on when the sender or the receiver gets a processor; only the emulator has to be in time.
#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/emulated_link.h"
#include "support/test_network.h"

using namespace framepump::test;
using End = EmulatedLink::End;

namespace {

constexpr uint16_t kPort = 9000;
constexpr uint32_t kPacketBytes = 1500;    // the MTU; what the link counts
constexpr uint32_t kHeaderBytes = 28;      // IPv4 and UDP
constexpr uint32_t kMostInBurst = 15'000;  // the device holds 20,000 packets until the emulator takes them
constexpr int kLimitMs = 20'000;
constexpr int kAttempts = 8;  // a busy machine may starve the emulator: the link must be right, not the first try

// Null: the reason to skip is printed.
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

// What one process gives and another one waits for. It also ends when all who could give it are dead.
class Signal {
 public:
  Signal() { REQUIRE_EQ(pipe2(fds_, O_CLOEXEC), 0); }
  ~Signal() {
    close(fds_[0]);
    forget();
  }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void give() const { (void)!write(fds_[1], "!", 1); }
  // This process will not give it.
  void forget() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  bool wait(int limit_ms = kLimitMs) const {
    pollfd ready = {fds_[0], POLLIN, 0};
    return poll(&ready, 1, limit_ms) == 1;
  }
  int fd() const { return fds_[0]; }

 private:
  int fds_[2] = {-1, -1};
};

End other(End end) {
  return end == End::a ? End::b : End::a;
}

sockaddr_in address_of(End end) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  inet_pton(AF_INET, EmulatedLink::address(end), &address.sin_addr);
  return address;
}

int udp_socket(End own) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int buffer_bytes = 64 << 20;  // holds a whole burst
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
  const sockaddr_in here = address_of(own), there = address_of(other(own));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0) std::perror("bind");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0) std::perror("connect");
  return fd;
}

// ---- Numbered datagrams ----

struct Train {
  uint32_t datagrams = 0;
  uint32_t packet_bytes = kPacketBytes;
  End from = End::a;
  int spacing_ms = 0;  // 0: a burst
};

struct Stamp {
  uint32_t number = 0;
  int64_t sent_ns = 0;  // of the real-time clock, which the kernel's stamps are of, too
};

struct Arrivals {
  std::string which;  // '1' for each that came, '.' for each that did not
  uint64_t count = 0;
  double span_us = 0;    // from the first to the last, by the kernel's stamps
  double delay_us = 0;   // median from before the send to the kernel's stamp
  int64_t taken_us = 0;  // at most this long the emulator took to see all of them
};

int64_t nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

int64_t real_time_ns() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

// One datagram that is there. False: there is none.
bool take_datagram(int fd, Stamp& stamp, int64_t& arrived_ns) {
  std::array<char, kPacketBytes> bytes;
  iovec data = {bytes.data(), bytes.size()};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(timespec))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof(space);
  if (recvmsg(fd, &message, MSG_DONTWAIT) < static_cast<ssize_t>(sizeof(stamp))) return false;
  std::memcpy(&stamp, bytes.data(), sizeof(stamp));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  timespec arrived = {};
  if (header != nullptr && header->cmsg_type == SCM_TIMESTAMPNS) std::memcpy(&arrived, CMSG_DATA(header), sizeof(arrived));
  arrived_ns = nanoseconds(arrived);
  return true;
}

// Notes what arrives until it is told that nothing more will: "span delay which".
std::string note_arrivals(const Train& train, const Signal& ready, const Signal& over) {
  const int fd = udp_socket(other(train.from));
  ready.give();
  std::string which(train.datagrams, '.');
  std::vector<int64_t> delays_ns;
  Stamp stamp;
  int64_t first_ns = 0, last_ns = 0;
  while (true) {
    pollfd fds[2] = {{fd, POLLIN, 0}, {over.fd(), POLLIN, 0}};
    poll(fds, 2, -1);
    while (take_datagram(fd, stamp, last_ns)) {
      if (delays_ns.empty()) first_ns = last_ns;
      delays_ns.push_back(last_ns - stamp.sent_ns);
      if (stamp.number < train.datagrams) which[stamp.number] = '1';
    }
    if (fds[1].revents != 0) break;  // given before this look at the socket
  }
  if (delays_ns.empty()) return "0 0 " + which;
  const auto median = delays_ns.begin() + static_cast<ptrdiff_t>(delays_ns.size() / 2);
  std::nth_element(delays_ns.begin(), median, delays_ns.end());
  return std::to_string((last_ns - first_ns) / 1000) + " " + std::to_string(*median / 1000) + " " + which;
}

std::string send_train(const Train& train) {
  const int fd = udp_socket(train.from);
  std::vector<char> bytes(train.packet_bytes - kHeaderBytes);
  for (uint32_t number = 0; number < train.datagrams; ++number) {
    if (train.spacing_ms > 0) poll(nullptr, 0, train.spacing_ms);
    const Stamp stamp = {number, real_time_ns()};
    std::memcpy(bytes.data(), &stamp, sizeof(stamp));
    if (send(fd, bytes.data(), bytes.size(), 0) < 0) return std::strerror(errno);
  }
  return "done";
}

// Waits until a condition on what has come from this end holds. False: the limit passed.
template <typename Condition>
bool wait_for(const EmulatedLink& link, End from, Condition condition) {
  for (const int64_t end_us = now_us() + kLimitMs * 1000; now_us() < end_us; poll(nullptr, 0, 1)) {
    if (condition(link.statistics(from))) return true;
  }
  return false;
}

// To the other end.
Arrivals carry(const EmulatedLink& link, const Train& train) {
  REQUIRE_LE(train.datagrams, kMostInBurst);
  Arrivals arrivals;
  Signal ready, over;
  EmulatedLink::Child receiver = link.run(other(train.from), [&] { return note_arrivals(train, ready, over); });
  REQUIRE(ready.wait());
  const int64_t begin_us = now_us();
  CHECK_EQ(link.run(train.from, [&] { return send_train(train); }).wait(kLimitMs), "done");
  CHECK(wait_for(link, train.from, [&](const LinkStatistics& now) { return now.packets == train.datagrams; }));
  arrivals.taken_us = now_us() - begin_us;
  CHECK(wait_for(link, train.from,
                 [](const LinkStatistics& now) { return now.delivered + now.lost + now.queue_drops == now.packets; }));
  over.give();
  std::istringstream text(receiver.wait(kLimitMs));
  text >> arrivals.span_us >> arrivals.delay_us >> arrivals.which;
  arrivals.count = static_cast<uint64_t>(std::count(arrivals.which.begin(), arrivals.which.end(), '1'));
  CHECK_EQ(arrivals.which.size(), train.datagrams);
  CHECK_EQ(arrivals.count, link.statistics(train.from).delivered);
  return arrivals;
}

// ---- TCP ----

// Sends to whoever connects for this long, as most servers do it: with cubic.
std::string send_for(double seconds, const Signal& ready) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = address_of(End::a);
  if (setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) != 0) return "cubic";
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return "bind";
  if (listen(listener, 1) != 0) return "listen";
  ready.give();
  const int stream = accept(listener, nullptr, nullptr);
  const std::string chunk(1 << 18, 'x');
  for (const int64_t end_us = now_us() + static_cast<int64_t>(seconds * 1e6); now_us() < end_us;) {
    if (send(stream, chunk.data(), chunk.size(), MSG_NOSIGNAL) <= 0) return "send";
  }
  return "done";
}

enum class Reader { blocking, per_frame, per_frame_with_mark };

// MB/s until the sender has sent for its time, as the reader saw it.
std::string read_for(double seconds, Reader reader) {
  const int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = address_of(End::a);
  if (connect(stream, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return "0";
  // Past the kernel's cap, which it puts in its place.
  const int mark_bytes = INT_MAX;
  if (reader == Reader::per_frame_with_mark) setsockopt(stream, SOL_SOCKET, SO_RCVLOWAT, &mark_bytes, sizeof(mark_bytes));
  std::vector<char> buffer(1 << 18);
  uint64_t bytes = 0;
  const int64_t begin_us = now_us();
  int64_t frame_us = begin_us;
  const int64_t end_us = begin_us + static_cast<int64_t>(seconds * 1e6);
  const int flags = reader == Reader::blocking ? 0 : MSG_DONTWAIT;
  while (now_us() < end_us) {
    const ssize_t size = recv(stream, buffer.data(), buffer.size(), flags);
    if (size > 0) {
      bytes += static_cast<uint64_t>(size);
    } else if (size < 0 && errno == EAGAIN) {
      frame_us += 1'000'000 / 30;
      poll(nullptr, 0, static_cast<int>(std::max<int64_t>(frame_us - now_us(), 0) / 1000));
    } else {
      break;
    }
  }
  return std::to_string(static_cast<double>(bytes) / static_cast<double>(now_us() - begin_us));
}

// On a link of its own: the kernel remembers what it learnt about a peer.
double megabytes_per_s(const LinkOptions& options, Reader reader) {
  constexpr double kSeconds = 1.5;
  const auto link = open_link(options);
  if (link == nullptr) return 0;
  Signal ready;
  EmulatedLink::Child sender = link->run(End::a, [&] { return send_for(kSeconds + 1, ready); });
  REQUIRE(ready.wait());
  return std::atof(link->run(End::b, [&] { return read_for(kSeconds, reader); }).wait(kLimitMs).c_str());
}

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) != -1;
  return count;
}

}  // namespace

TEST_CASE("the emulated link delays each way by what it was told, within 5 percent") {
  for (int64_t delay_us : {2'000, 5'000, 75'000}) {
    for (End from : {End::a, End::b}) {
      CAPTURE(delay_us);
      LinkOptions options;
      options.delay_us = delay_us;
      const double most = static_cast<double>(delay_us) * 1.05;
      double measured = most + 1;
      for (int attempt = 0; attempt < kAttempts && measured > most; ++attempt) {
        const auto link = open_link(options);
        if (link == nullptr) return;
        measured = carry(*link, {.datagrams = 51, .packet_bytes = 64, .from = from, .spacing_ms = 1}).delay_us;
        CHECK_GE(measured, static_cast<double>(delay_us));
      }
      CHECK_LE(measured, most);
    }
  }
}

TEST_CASE("the emulated link carries what it was told each way, within 5 percent") {
  constexpr double kSeconds = 0.3;  // a last packet that is 5 ms late, as on a busy machine, makes 2 %
  End from = End::a;
  for (uint64_t rate : {20'000'000u, 100'000'000u, 500'000'000u}) {
    CAPTURE(rate);
    from = other(from);
    LinkOptions options;
    options.rate_bits_per_s = rate;
    const uint64_t packets = static_cast<uint64_t>(static_cast<double>(rate) * kSeconds / 8 / kPacketBytes);
    options.queue_bytes = packets * kPacketBytes;
    const auto wanted = doctest::Approx(static_cast<double>(rate)).epsilon(0.05);
    double measured = 0;
    for (int attempt = 0; attempt < kAttempts && measured != wanted; ++attempt) {
      const auto link = open_link(options);
      if (link == nullptr) return;
      const Arrivals arrivals = carry(*link, {.datagrams = static_cast<uint32_t>(packets), .from = from});
      CHECK_EQ(arrivals.count, packets);
      measured = static_cast<double>((arrivals.count - 1) * kPacketBytes * 8) * 1e6 / arrivals.span_us;
    }
    CHECK_EQ(measured, wanted);
  }
}

TEST_CASE("the emulated link drops what its queue cannot hold, and only that") {
  constexpr uint64_t kHolds = 10;
  constexpr int64_t kPacketUs = 24'000;  // slow, so that nothing leaves while the burst comes in
  LinkOptions options;
  options.rate_bits_per_s = kPacketBytes * 8 * 1'000'000ull / kPacketUs;
  options.queue_bytes = kHolds * kPacketBytes;
  const auto link = open_link(options);
  if (link == nullptr) return;
  constexpr uint32_t kOffered = 40;
  const Arrivals arrivals = carry(*link, {.datagrams = kOffered});
  const uint64_t left_meanwhile = static_cast<uint64_t>(arrivals.taken_us / kPacketUs) + 1;
  CHECK_EQ(arrivals.which.substr(0, kHolds), std::string(kHolds, '1'));
  CHECK_LE(arrivals.count, kHolds + left_meanwhile);
  CHECK_EQ(link->statistics(End::a).queue_drops, kOffered - arrivals.count);
  CHECK_EQ(link->statistics(End::a).lost, 0);
}

TEST_CASE("the emulated link loses as many as it was told, within the confidence interval, and the same ones for the same seed") {
  constexpr Train kBurst = {.datagrams = kMostInBurst, .packet_bytes = 128};
  constexpr double kLoss = 0.05;
  const auto arrivals = [&](uint64_t seed) -> std::string {
    LinkOptions options;
    options.rate_bits_per_s = 900'000'000;
    options.queue_bytes = 10'000'000;
    options.loss = kLoss;
    options.seed = seed;
    const auto link = open_link(options);
    if (link == nullptr) return {};
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    const std::string which = carry(*link, kBurst).which;
    CHECK_EQ(link->statistics(End::a).queue_drops, 0);
    return which;
  };
  const std::string first = arrivals(42);
  if (first.empty()) return;
  const double lost = static_cast<double>(std::count(first.begin(), first.end(), '.'));
  const double expected = kBurst.datagrams * kLoss;
  CHECK_LE(std::abs(lost - expected), 3.29 * std::sqrt(expected * (1 - kLoss)));  // 99.9 %
  const bool is_repeated = arrivals(42) == first, is_repeated_by_another = arrivals(43) == first;
  CHECK(is_repeated);
  CHECK_FALSE(is_repeated_by_another);
}

TEST_CASE("over the emulated link TCP fills the line for a blocking reader, and at 30 frames a second for one with a high mark") {
  LinkOptions options;
  options.rate_bits_per_s = 100'000'000;
  options.queue_bytes = 500'000;
  const double most = 12.5 * 1448 / 1500;  // MB/s without the headers
  if (open_link(options) == nullptr) return;
  // Slow start overfills the queue, and what that costs varies.
  const auto measure = [&](Reader reader, double least) {
    double measured = -1;
    for (int attempt = 0; attempt < 4 && (measured < least || measured > 1.05 * most); ++attempt) measured = megabytes_per_s(options, reader);
    return measured;
  };
  const double blocking = measure(Reader::blocking, 0.85 * most);
  const double with_mark = measure(Reader::per_frame_with_mark, 0.85 * most);
  // Whether this one is slow is the kernel's choice: recent ones stall at one window a frame.
  const double plain = measure(Reader::per_frame, 0);
  std::printf("100 Mbit/s, 10 ms, MB/s: blocking %.2f, 30 Hz with a high mark %.2f, 30 Hz %.2f\n", blocking, with_mark, plain);
  for (double measured : {blocking, with_mark}) {
    CHECK_GE(measured, 0.85 * most);
    CHECK_LE(measured, 1.05 * most);
  }
  CHECK_LE(plain, 1.05 * most);
}

TEST_CASE("an emulated link that is closed leaves no process and no descriptor behind") {
  if (open_link({}) == nullptr) return;
  Signal gone;  // whoever is forked now inherits it
  const int before = open_descriptors();
  {
    const auto link = open_link({});
    const EmulatedLink::Child child = link->run(End::a, [] { return std::to_string(pause()); });
    gone.forget();
    CHECK_FALSE(gone.wait(0));
  }
  CHECK(gone.wait());
  CHECK_EQ(open_descriptors(), before - 1);  // what forget() closed
}

TEST_CASE("a test that is killed leaves no process of its emulated link behind, and with them goes all they held") {
  if (open_link({}) == nullptr) return;
  Signal opened, gone;
  const pid_t victim = fork();
  if (victim == 0) {
    std::string why_not;
    const auto link = EmulatedLink::open({}, why_not);
    const EmulatedLink::Child child = link->run(End::a, [] { return std::to_string(pause()); });
    opened.give();
    pause();
    _exit(1);
  }
  gone.forget();
  CHECK(opened.wait());
  CHECK_FALSE(gone.wait(0));
  kill(victim, SIGKILL);
  waitpid(victim, nullptr, 0);
  CHECK(gone.wait());
}
