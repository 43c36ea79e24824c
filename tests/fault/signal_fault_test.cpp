// SPDX-License-Identifier: MIT
//
// Signals: none is raised, and those of others interrupt nothing.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <string>

#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

std::atomic<int> signals_seen{0};

// A handler of this signal that counts, without SA_RESTART so that system calls notice; put back at the end.
class CountSignals {
 public:
  explicit CountSignals(int signal) : signal_(signal) {
    signals_seen = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { ++signals_seen; };
    REQUIRE_EQ(sigaction(signal, &action, &before_), 0);
  }
  ~CountSignals() { sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_ = {};
};

class Timer {
 public:
  explicit Timer(int period_us) { set(period_us); }
  ~Timer() { set(0); }

 private:
  static void set(int period_us) {
    const itimerval timer = {{0, period_us}, {0, period_us}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
};

}  // namespace

TEST_CASE("writing to a peer that is gone raises no SIGPIPE") {
  CountSignals count(SIGPIPE);
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net, FRAMEPUMP_STREAM_HALF_OPEN);
    pair.peer.close();
    REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_PEER_HALF_CLOSED) != nullptr; }));
    // The first write is answered by a reset; one after that is what raises the signal elsewhere.
    CHECK(run_until({&net}, [&] {
      uint64_t taken = 0;
      api().write(pair.stream, "x", 1, &taken);
      return net.find(FRAMEPUMP_EVENT_CLOSED) != nullptr;
    }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED)->reason, FRAMEPUMP_REASON_RESET);
  });
  CHECK_EQ(signals_seen, 0);
}

TEST_CASE("a signal every half millisecond changes nothing in ticks and transfers") {
  CountSignals count(SIGALRM);
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    framepump_config config = default_config();
    config.backend = backend;
    TestNetwork net(config);
    Timer timer(500);
    const Pair pair = connect_pair(net, net);
    const std::string sent = pattern(21, 0, 5'000'000);
    uint64_t written = 0;
    std::string got;
    CHECK(run_until({&net}, [&] {
      if (written < sent.size()) written += net.write(pair.client, std::string_view(sent).substr(written));
      got += net.read_all(pair.server);
      return got.size() == sent.size();
    }));
    CHECK(got == sent);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 0);
  }
  CHECK_GT(signals_seen, 0);
}

TEST_CASE("wait_until waits to its end though signals keep coming, and pumps meanwhile") {
  CountSignals count(SIGALRM);
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainPair pair(net);
    Timer timer(500);
    pair.peer.send("in the wait");
    const int64_t deadline_us = now_us() + 100'000;
    CHECK_EQ(api().wait_until(net.handle(), deadline_us, FRAMEPUMP_WAIT_DEADLINE), FRAMEPUMP_OK);
    CHECK_GE(now_us(), deadline_us);
    CHECK(run_until({&net}, [&] { return net.available(pair.stream) == 11; }));
  });
  CHECK_GT(signals_seen, 20);
}
