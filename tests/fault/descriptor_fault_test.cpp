// SPDX-License-Identifier: MIT
//
// Running out: of file descriptors, and of limits.streams.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/plain_pair.h"

using namespace framepump::test;

namespace {

// Takes all descriptors that this process may have; give_back lets some go again.
class DescriptorFamine {
 public:
  DescriptorFamine() {
    REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    // Above what is open now, so that every open descriptor stays within the limit.
    rlimit low = before_;
    const int highest = dup(0);
    REQUIRE_GE(highest, 0);
    close(highest);
    low.rlim_cur = static_cast<rlim_t>(highest) + 64;
    REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int taken = dup(0); taken >= 0; taken = dup(0)) taken_.push_back(taken);
  }
  ~DescriptorFamine() {
    give_back(taken_.size());
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  void give_back(size_t count) {
    for (; count > 0 && !taken_.empty(); --count) {
      close(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  rlimit before_ = {};
  std::vector<int> taken_;
};

uint32_t open_descriptors() {
  uint32_t count = 0;
  for (int i = 0; i < 4096; ++i) count += fcntl(i, F_GETFD) != -1;
  return count;
}

std::vector<PlainSocket> connect_clients(uint32_t count, uint32_t port) {
  std::vector<PlainSocket> clients;
  for (uint32_t i = 0; i < count; ++i) clients.push_back(PlainSocket::connect(port));
  return clients;
}

// Frames for this long; the turns of all of them, once what came before has settled.
uint32_t turns_in(TestNetwork& net, int milliseconds, uint32_t& frames) {
  for (int i = 0; i < 5; ++i) net.frame();
  uint32_t turns = 0;
  const int64_t end_us = now_us() + milliseconds * 1000;
  run_until({&net}, [&] {
    ++frames;
    turns += net.report().turns;
    return now_us() > end_us && frames > 100;
  });
  return turns;
}

}  // namespace

TEST_CASE("without descriptors a listener pauses and does not spin, others go on, and everybody is accepted in the end") {
  for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
    in_both_modes([backend](framepump_config config) {
      CAPTURE(backend);
      config.backend = backend;
      TestNetwork net(config);
      const Pair others = connect_pair(net, net);
      const framepump_handle listener = net.listen();
      net.frame();
      std::vector<PlainSocket> clients;
      for (int i = 0; i < 20; ++i) clients.push_back(PlainSocket::unconnected());
      // accept() reserves a descriptor before it looks whether anybody waits: the IO thread must be done with that.
      net.write(others.client, "?");
      REQUIRE(run_until({&net}, [&] { return net.available(others.server) == 1; }));
      net.forget_events();
      const int64_t begin_us = now_us();
      DescriptorFamine famine;
      for (PlainSocket& client : clients) client.connect_to(net.port_of(listener));
      uint32_t frames = 0;
      const uint32_t turns = turns_in(net, 250, frames);
      CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 0);
      const uint64_t pauses = net.totals().accept_pauses;
      CHECK_GE(pauses, 1);
      if (!is_sanitized()) {
        const uint64_t most = 3 + static_cast<uint64_t>(now_us() - begin_us) / 100'000;
        CHECK_LE(pauses, most);     // one each 100 ms
        CHECK_LE(turns, most + 4);  // of a listener with 20 connections waiting, in more than 100 frames
      }
      net.write(others.client, "we go on");
      CHECK(run_until({&net}, [&] { return net.available(others.server) == 9; }));
      CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 0);

      famine.give_back(30);
      CHECK(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 20; }));
      CHECK_EQ(net.count(FRAMEPUMP_EVENT_CLOSED), 0);
      for (PlainSocket& client : clients) client.send("!");
      CHECK(run_until({&net}, [&] { return net.readable().size() == 21; }));
    });
  }
}

TEST_CASE("a descriptor of ours that closes is enough for the next connection, without waiting for the retry") {
  TestNetwork net;
  const framepump_handle listener = net.listen();
  net.use_clock([] { return 1'000'000; });  // time stands still, so no timer is due
  PlainPair other(net);
  std::vector<PlainSocket> clients = connect_clients(2, net.port_of(listener));
  DescriptorFamine famine;
  for (int i = 0; i < 3; ++i) net.frame();
  REQUIRE_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 0);
  REQUIRE_EQ(api().abort(other.stream), FRAMEPUMP_OK);
  for (int i = 0; i < 3; ++i) net.frame();
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 1);
}

TEST_CASE("a connect without descriptors closes as descriptors exhausted, and the next one works") {
  in_both_modes([](const framepump_config& config) {
    TestNetwork net(config);
    PlainSocket listener = PlainSocket::listen();
    net.frame();
    framepump_handle stream = 0;
    {
      DescriptorFamine famine;
      stream = net.connect(listener.port());
      CHECK_EQ(reason_of_close(net, stream), FRAMEPUMP_REASON_DESCRIPTORS_EXHAUSTED);
    }
    CHECK(net.find(FRAMEPUMP_EVENT_CLOSED)->text.find("Too many open files") != std::string::npos);
    stream = net.connect(listener.port());
    CHECK(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }));
  });
}

TEST_CASE("a stream that would become hot while descriptors are out becomes hot once there is one") {
  TestNetwork net;
  // An accepted stream: for one that connects, what the system grants is asked before.
  PlainSocket peer = PlainSocket::connect(net.port_of(net.listen("127.0.0.1", 0, FRAMEPUMP_LISTEN_HOT)));
  REQUIRE(run_until({&net}, [&] { return net.find(FRAMEPUMP_EVENT_ACCEPTED) != nullptr; }));
  const framepump_handle stream = net.find(FRAMEPUMP_EVENT_ACCEPTED)->handle;
  const std::string sent(100'000, 'x');
  const auto busy_frames = [&] {
    for (int i = 0; i < 5; ++i) {
      peer.send(sent);
      REQUIRE(run_until({&net}, [&] { return net.available(stream) == sent.size(); }));
      net.read_all(stream);
    }
  };
  DescriptorFamine famine;
  busy_frames();
  CHECK_EQ(net.info(stream).window_bytes, 0);
  famine.give_back(30);
  busy_frames();
  CHECK_GT(net.info(stream).window_bytes, 0);
}

TEST_CASE("listen without descriptors is refused and says so") {
  TestNetwork net;
  DescriptorFamine famine;
  const framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", 0, 1, 0, nullptr};
  framepump_handle listener = 0;
  CHECK_EQ(api().listen(net.handle(), &endpoint, &listener), FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED);
  CHECK(net.last_error().find("Too many open files") != std::string::npos);
  famine.give_back(1);
  CHECK_EQ(api().listen(net.handle(), &endpoint, &listener), FRAMEPUMP_OK);
}

TEST_CASE("network_create with too few descriptors says so and leaves none behind") {
  in_both_modes([](const framepump_config& config) {
    const uint32_t open_before = open_descriptors();
    uint32_t needed = 0;
    for (uint32_t spare = 0; needed == 0; ++spare) {
      CAPTURE(spare);
      REQUIRE_LT(spare, 20);
      DescriptorFamine famine;
      famine.give_back(spare);
      framepump_message message = {};
      message.struct_size = sizeof(message);
      framepump_handle network = 1;
      const uint32_t error = api().network_create(&config, nullptr, &network, &message);
      if (error == FRAMEPUMP_OK) {
        needed = spare;
        CHECK_EQ(api().network_destroy(network), FRAMEPUMP_OK);
        continue;
      }
      CHECK_EQ(error, FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED);
      CHECK_EQ(message.code, error);
      CHECK(std::string(message.text).find("descriptor") != std::string::npos);
      CHECK_EQ(network, 0);
    }
    CHECK_GT(needed, 0);
    CHECK_EQ(open_descriptors(), open_before);
  });
}

TEST_CASE("a switch to threaded mode that finds no descriptor is refused by an event, and works later") {
  TestNetwork net;  // the guard's thread is not there
  net.frame();
  {
    DescriptorFamine famine;
    REQUIRE_EQ(api().set_mode(net.handle(), FRAMEPUMP_MODE_THREADED), FRAMEPUMP_OK);
    net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CONFIG_REFUSED), 1);
    CHECK_EQ(net.report().mode, FRAMEPUMP_MODE_FRAME_LOCKED);
    net.frame();
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_CONFIG_REFUSED), 1);
  }
  REQUIRE_EQ(api().set_mode(net.handle(), FRAMEPUMP_MODE_THREADED), FRAMEPUMP_OK);
  net.frame();
  CHECK_EQ(net.count(FRAMEPUMP_EVENT_MODE_SWITCHED), 1);
  CHECK_EQ(net.report().mode, FRAMEPUMP_MODE_THREADED);
}

TEST_CASE("beyond limits.streams connections wait in the backlog, and one is accepted for each stream that ends") {
  in_both_modes([](framepump_config config) {
    config.limit_streams = 4;
    TestNetwork net(config);
    const framepump_handle listener = net.listen();
    net.frame();
    std::vector<PlainSocket> clients = connect_clients(10, net.port_of(listener));
    REQUIRE(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 4; }));
    uint32_t frames = 0;
    const uint32_t turns = turns_in(net, 100, frames);
    if (!is_sanitized()) CHECK_LE(turns, 8);
    CHECK_EQ(net.count(FRAMEPUMP_EVENT_ACCEPTED), 4);
    const framepump_endpoint endpoint = {sizeof(endpoint), 0, "127.0.0.1", net.port_of(listener), 1, 0, nullptr};
    framepump_handle stream = 1;
    CHECK_EQ(api().connect(net.handle(), &endpoint, &stream), FRAMEPUMP_ERROR_LIMIT_REACHED);
    CHECK_EQ(stream, 0);
    CHECK(net.last_error().find("limits.streams is 4") != std::string::npos);

    for (uint32_t ended = 0; ended < 6; ++ended) {
      std::vector<framepump_handle> accepted;
      for (const SeenEvent& event : net.seen()) {
        if (event.kind == FRAMEPUMP_EVENT_ACCEPTED) accepted.push_back(event.handle);
      }
      REQUIRE_EQ(api().abort(accepted[ended]), FRAMEPUMP_OK);
      REQUIRE(run_until({&net}, [&] { return net.count(FRAMEPUMP_EVENT_ACCEPTED) == 5 + ended; }));
    }
    CHECK_EQ(net.totals().streams, 4);
  });
}
