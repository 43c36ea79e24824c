// SPDX-License-Identifier: MIT
//
// The other side of the fairness and latency benchmarks, with bare system calls. Whoever connects says in a line what it wants:
//   firehose                   bytes, as fast as they go, until it leaves
//   trickle INTERVAL_US        a stamp now and then (one thread serves all of these, each at a moment of its own)
//   stamps INTERVAL_US COUNT   stamps, that long apart, then the end of the stream
//   echo INTERVAL_US COUNT     stamps at random moments, that long after the answer to the one before on average; then a stamp of 0, the
//                              figures as JSON, and the end of the stream
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/bytes.h"
#include "bench/support/control.h"
#include "bench/support/tcp.h"
#include "bench/support/waits.h"

namespace bench = framepump::bench;

namespace {

void sleep_ns(int64_t ns) {
  const timespec time = {ns / 1'000'000'000, ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

bool send_all(int descriptor, const void* bytes, size_t size_bytes) {
  const char* at = static_cast<const char*>(bytes);
  while (size_bytes > 0) {
    const ssize_t took = send(descriptor, at, size_bytes, MSG_NOSIGNAL);
    if (took <= 0) return false;
    at += took, size_bytes -= static_cast<size_t>(took);
  }
  return true;
}

bool receive_all(int descriptor, void* bytes, size_t size_bytes) {
  return recv(descriptor, bytes, size_bytes, MSG_WAITALL) == static_cast<ssize_t>(size_bytes);
}

bool send_stamp(int descriptor, uint64_t number) {
  const bench::Stamp stamp = {bench::wall_ns(), number};
  return send_all(descriptor, &stamp, sizeof(stamp));
}

void run_firehose(int descriptor) {
  constexpr size_t kChunkBytes = 256 * 1024;
  const auto block = bench::content();
  for (size_t at = 0;;) {
    const size_t size_bytes = std::min(kChunkBytes, block.size() - at);
    if (!send_all(descriptor, block.data() + at, size_bytes)) return;
    at = (at + size_bytes) % block.size();
  }
}

// All trickles. Each has its moment within the interval, so that they come spread over the frames.
class Trickles {
 public:
  void add(int descriptor, int64_t interval_us) {
    const std::lock_guard lock(mutex_);
    interval_ns_ = interval_us * 1000;
    streams_.push_back({descriptor, 0});
  }
  [[noreturn]] void run() {
    for (size_t next = 0;; ++next) {
      int64_t pause_ns = 10'000'000;
      {
        const std::lock_guard lock(mutex_);
        if (next >= streams_.size()) next = 0;
        if (!streams_.empty() && !send_stamp(streams_[next].descriptor, streams_[next].number++)) {
          close(streams_[next].descriptor);
          streams_.erase(streams_.begin() + static_cast<ptrdiff_t>(next));
        }
        if (!streams_.empty()) pause_ns = interval_ns_ / static_cast<int64_t>(streams_.size());
      }
      sleep_ns(pause_ns);
    }
  }

 private:
  struct Trickle {
    int descriptor;
    uint64_t number;
  };
  std::mutex mutex_;
  std::vector<Trickle> streams_;
  int64_t interval_ns_ = 0;
};

// Pauses are random, so that no beat with the frames hides the long waits.
class Pauses {
 public:
  explicit Pauses(double mean_us) : mean_us_(mean_us) {}
  void rest() { sleep_ns(static_cast<int64_t>(1e3 * mean_us_ * (0.5 + random_(generator_)))); }

 private:
  double mean_us_;
  std::mt19937 generator_{1};
  std::uniform_real_distribution<double> random_{0.0, 1.0};
};

// At even intervals, so that whoever chose one that has no beat with its frames gets their every moment alike.
void run_stamps(int descriptor, double interval_us, uint64_t count) {
  const int64_t begin_ns = bench::wall_ns();
  for (uint64_t number = 0; number < count; ++number) {
    bench::sleep_until_ns(begin_ns + static_cast<int64_t>(1e3 * interval_us * static_cast<double>(number + 1)));
    if (!send_stamp(descriptor, number)) return;
  }
}

void run_echo(int descriptor, double interval_us, uint64_t count) {
  Pauses pauses(interval_us);
  std::vector<double> round_trips_us, after_tick_us;
  uint64_t in_frame = 0, right = 0;
  for (uint64_t number = 0; number < count; ++number) {
    pauses.rest();
    bench::EchoAnswer answer;
    if (!send_stamp(descriptor, number) || !receive_all(descriptor, &answer, sizeof(answer))) return;
    const int64_t now_ns = bench::wall_ns();
    right += answer.stamp.number == number;
    in_frame += now_ns < answer.next_frame_ns;
    round_trips_us.push_back(static_cast<double>(now_ns - answer.stamp.sent_ns) / 1e3);
    after_tick_us.push_back(static_cast<double>(now_ns - answer.tick_begin_ns) / 1e3);
  }
  const nlohmann::json report = {{"round_trip_us", bench::summary(round_trips_us)},
                                 {"after_tick_us", bench::summary(after_tick_us)},
                                 {"echoes", right},
                                 {"in_frame_percent", 100.0 * static_cast<double>(in_frame) / static_cast<double>(count)}};
  const bench::Stamp end = {0, right};
  send_all(descriptor, &end, sizeof(end));
  const std::string text = report.dump();
  send_all(descriptor, text.data(), text.size());
}

void finish(int descriptor) {
  shutdown(descriptor, SHUT_WR);
  char rest[256];
  while (recv(descriptor, rest, sizeof(rest), 0) > 0) {
  }
  close(descriptor);
}

void serve(int descriptor, Trickles& trickles) {
  bench::Order order(descriptor);
  std::istringstream words(order.next().value_or(""));
  std::string what;
  double interval_us = 0;
  uint64_t count = 0;
  words >> what >> interval_us >> count;
  if (what == "trickle") return trickles.add(descriptor, static_cast<int64_t>(interval_us));
  if (what == "firehose") run_firehose(descriptor);
  if (what == "stamps") run_stamps(descriptor, interval_us, count);
  if (what == "echo") run_echo(descriptor, interval_us, count);
  finish(descriptor);
}

}  // namespace

int main() {
  bench::raise_descriptor_limit(4096);
  const int listener = bench::tcp_listen("127.0.0.1", 0);
  bench::content();
  Trickles trickles;
  std::thread([&trickles] { trickles.run(); }).detach();
  bench::end_with_stdin();
  std::printf("{\"talker\":%u}\n", bench::local_port(listener));
  std::fflush(stdout);
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) bench::die_errno("accept");
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::thread([connection, &trickles] { serve(connection, trickles); }).detach();
  }
}
