// SPDX-License-Identifier: MIT
//
// What every poller backend promises. Each test runs once for each, and says so to the runner.
#include "platform/poller.h"

#include <doctest/doctest.h>
#if defined(_WIN32)
#include <winsock2.h>
#else
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

#include "platform/features.h"
#include "platform/interruptions.h"
#include "platform/loopback.h"

using namespace framepump;
using namespace framepump::test;

namespace {

struct Epoll {
  static Poller* make() { return make_epoll_poller(); }
  static constexpr const char* kName = "epoll";
};
struct Poll {
  static Poller* make() { return make_poll_poller(); }
#if defined(_WIN32)
  static constexpr const char* kName = "WSAPoll";
#else
  static constexpr const char* kName = "poll";
#endif
};

// Where the end is told with the data before it. Elsewhere it is found by reading on, since levels are told again when a stream is armed.
#if defined(FRAMEPUMP_LINUX)
constexpr uint32_t kEndIsTold = kReadable | kPeerEnded;
#else
constexpr uint32_t kEndIsTold = kReadable;
#endif

template <typename Backend>
struct Fixture {
  std::unique_ptr<Poller> poller{Backend::make()};
  std::unique_ptr<WaitSet> wait_set;
  WakeSignal wake;

  Fixture() {
    REQUIRE(poller != nullptr);
    REQUIRE(std::string(poller->name()) == Backend::kName);
    wait_set.reset(poller->make_wait_set());
    REQUIRE(wait_set != nullptr);
    REQUIRE(wake.open());
    std::printf("COUNT: poller %s 1\n", Backend::kName);
  }

  void add(OwnedSocket& socket, uint32_t directions = kReadable | kWritable) {
    REQUIRE(poller->add(socket.socket, &socket, directions) == IoStatus::ok);
  }
  void remove(OwnedSocket& socket) { poller->remove(socket.socket, &socket); }
  void arm(OwnedSocket& socket, uint32_t directions) { poller->arm(socket.socket, &socket, directions); }

  // What is pending for a key now, all events together; 0: nothing.
  uint32_t readiness(const void* key) {
    uint32_t readiness = 0;
    PollEvent events[16];
    for (uint32_t i = 0, count = poller->harvest(events); i < count; ++i) {
      REQUIRE(events[i].key == key);
      readiness |= events[i].readiness;
    }
    return readiness;
  }
  bool reports(const void* key, uint32_t expected) {
    uint32_t seen = 0;
    const bool is_complete = becomes_true([&] { return ((seen |= readiness(key)) & expected) == expected; });
    INFO("seen " << seen << ", expected " << expected);
    CHECK(is_complete);
    return is_complete;
  }
  bool wait(int64_t timeout_us) {
    poller->prepare_wait(*wait_set);
    return poller->wait(*wait_set, wake, timeout_us);
  }
  // Not writable news any more, so that what comes next is news.
  void add_quietly(OwnedSocket& socket) {
    add(socket);
    REQUIRE(reports(&socket, kWritable));
  }
  void drain(OwnedSocket& socket) {
    std::string text;
    while (receive_once(socket, text).status == IoStatus::ok) {
    }
    arm(socket, kReadable);
  }
};

bool has_unread(const OwnedSocket& socket, int size_bytes) {
  return becomes_true([&] {
#if defined(_WIN32)
    u_long count = 0;
    ioctlsocket(static_cast<SOCKET>(socket.socket.value), static_cast<long>(FIONREAD), &count);
    return count >= static_cast<u_long>(size_bytes);
#else
    int count = 0;
    ioctl(socket.descriptor(), FIONREAD, &count);
    return count >= size_bytes;
#endif
  });
}

void send_urgent_byte(const OwnedSocket& socket) {
#if defined(_WIN32)
  REQUIRE(::send(static_cast<SOCKET>(socket.socket.value), "!", 1, MSG_OOB) == 1);
#else
  REQUIRE(::send(socket.descriptor(), "!", 1, MSG_OOB) == 1);
#endif
}

void fill(const OwnedSocket& socket) {
  const std::string chunk(1 << 18, 'x');
  while (send_text(socket, chunk).status == IoStatus::ok) {
  }
}

}  // namespace

#if defined(FRAMEPUMP_LINUX)
#define EACH_BACKEND(name) TEST_CASE_TEMPLATE(name, Backend, Epoll, Poll)
#else
#define EACH_BACKEND(name) TEST_CASE_TEMPLATE(name, Backend, Poll)
#endif

EACH_BACKEND("a new stream is reported writable once and not again") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add(pair.server);
  CHECK(f.readiness(&pair.server) == kWritable);
  CHECK(f.readiness(&pair.server) == 0);
  CHECK(f.readiness(&pair.server) == 0);
}

EACH_BACKEND("a stream that is added for reading is not reported writable before it is armed for that") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add(pair.server, kReadable);
  CHECK(f.readiness(&pair.server) == 0);
  for (int round = 0; round < 2; ++round) {
    f.arm(pair.server, kWritable);
    CHECK(f.readiness(&pair.server) == kWritable);
    CHECK(f.readiness(&pair.server) == 0);
  }
}

EACH_BACKEND("arriving data is reported once until it is drained and armed, and then the next data is") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(send_text(pair.client, "news").status == IoStatus::ok);
    CHECK(f.reports(&pair.server, kReadable));
    CHECK(f.readiness(&pair.server) == 0);
    f.drain(pair.server);
    CHECK(f.readiness(&pair.server) == 0);
  }
}

EACH_BACKEND("data that was there before the stream was added is reported") {
  Fixture<Backend> f;
  SocketPair pair;
  REQUIRE(send_text(pair.client, "early").status == IoStatus::ok);
  REQUIRE(has_unread(pair.server, 5));
  f.add(pair.server);
  CHECK(f.readiness(&pair.server) == (kReadable | kWritable));
}

EACH_BACKEND("data that comes between the drain and the arming is not lost") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  REQUIRE(send_text(pair.client, "one").status == IoStatus::ok);
  CHECK(f.reports(&pair.server, kReadable));
  std::string text;
  REQUIRE(receive_exactly(pair.server, text, 3));
  REQUIRE(receive_once(pair.server, text).status == IoStatus::would_block);
  REQUIRE(send_text(pair.client, "two").status == IoStatus::ok);
  REQUIRE(has_unread(pair.server, 3));
  f.arm(pair.server, kReadable);
  CHECK(f.reports(&pair.server, kReadable));
}

EACH_BACKEND("an urgent byte, which nobody reads, does not make a stream readable for ever") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  send_urgent_byte(pair.client);
  REQUIRE(send_text(pair.client, "news").status == IoStatus::ok);
  CHECK(f.reports(&pair.server, kReadable));
  for (int round = 0; round < 3; ++round) {
    f.drain(pair.server);
    f.wait(1'000);
  }
  CHECK(f.readiness(&pair.server) == 0);
  REQUIRE(send_text(pair.client, "more").status == IoStatus::ok);
  CHECK(f.reports(&pair.server, kReadable));
}

EACH_BACKEND("a writer that met would_block is told when there is room") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.client);
  fill(pair.client);
  f.arm(pair.client, kWritable);
  CHECK(f.readiness(&pair.client) == 0);
  std::string text;
  uint32_t seen = 0;
  CHECK(becomes_true([&] {
    while (receive_once(pair.server, text, 1 << 20).status == IoStatus::ok) {
    }
    return ((seen |= f.readiness(&pair.client)) & kWritable) != 0;
  }));
}

EACH_BACKEND("the end of a stream is announced, with data before it and without") {
  for (const char* last_words : {"", "last words"}) {
    Fixture<Backend> f;
    SocketPair pair;
    f.add_quietly(pair.server);
    if (*last_words != '\0') REQUIRE(send_text(pair.client, last_words).status == IoStatus::ok);
    shutdown_write(pair.client.socket);
    CHECK(f.reports(&pair.server, kEndIsTold));
    std::string text;
    CHECK(receive_to_the_end(pair.server, text).status == IoStatus::end_of_stream);
    CHECK(text == last_words);
  }
}

EACH_BACKEND("data alone does not announce an end") {
  Fixture<Backend> f;
  SocketPair pair;
  REQUIRE(send_text(pair.client, "news").status == IoStatus::ok);
  REQUIRE(has_unread(pair.server, 4));
  f.add(pair.server);
  CHECK(f.readiness(&pair.server) == (kReadable | kWritable));
}

EACH_BACKEND("a reset is reported to reader and writer") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  fill(pair.server);
  f.arm(pair.server, kWritable);
  abort_socket(pair.client.socket);
  CHECK(f.reports(&pair.server, kReadable | kWritable | kPeerEnded));
  std::string text;
  CHECK(receive_to_the_end(pair.server, text).status == IoStatus::reset);
}

EACH_BACKEND("a connect that succeeds and one that is refused are reported writable") {
  Fixture<Backend> f;
  const TestListener listener;
  OwnedSocket good = begin_connect(listener.address);
  f.add(good);
  CHECK(f.reports(&good, kWritable));
  CHECK(finish_connect(good.socket).status == IoStatus::ok);
  f.remove(good);

  SocketAddress nobody;
  {
    const TestListener gone;
    nobody = gone.address;
  }
  OwnedSocket refused = begin_connect(nobody);
  f.add(refused);
  CHECK(f.reports(&refused, kWritable));
  CHECK(finish_connect(refused.socket).status == IoStatus::refused);
}

EACH_BACKEND("a listener is reported for each connection after its queue was emptied") {
  Fixture<Backend> f;
  TestListener listener;
  f.add(listener.owned);
  for (int round = 0; round < 3; ++round) {
    const OwnedSocket client = begin_connect(listener.address);
    CHECK(f.reports(&listener.owned, kReadable));
    OwnedSocket accepted;
    SocketAddress peer;
    while (accept_stream(listener.owned.socket, {}, accepted.socket, peer).status == IoStatus::ok) close_socket(accepted.socket);
    f.arm(listener.owned, kReadable);
  }
}

EACH_BACKEND("a removed stream is not reported, and its number can be another stream's") {
  Fixture<Backend> f;
  SocketPair first;
  f.add_quietly(first.server);
  REQUIRE(send_text(first.client, "news").status == IoStatus::ok);
  REQUIRE(has_unread(first.server, 4));
  f.remove(first.server);
  CHECK(f.readiness(nullptr) == 0);
  f.arm(first.server, kReadable | kWritable);
  CHECK(f.readiness(nullptr) == 0);
  const int number = first.server.descriptor();
  close_socket(first.server.socket);

  SocketPair second;
  for (OwnedSocket* socket : {&second.server, &second.client}) {
    if (socket->descriptor() == number) {
      f.add(*socket);
      CHECK(f.readiness(socket) == kWritable);
      f.remove(*socket);
    }
  }
  // Twice does no harm.
  f.remove(second.server);
  f.remove(second.server);
}

EACH_BACKEND("a stream is not added twice, nor is a closed one") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add(pair.server);
  CHECK(f.poller->add(pair.server.socket, &pair.client, kReadable) != IoStatus::ok);
  CHECK(f.readiness(&pair.server) == kWritable);
}

EACH_BACKEND("700 ready streams are harvested in portions of 256, each once, also when some are removed on the way") {
  constexpr size_t kStreams = 700;
  if (raise_descriptor_limit() < 2 * kStreams + 100) {
    std::printf("SKIP: needs %zu descriptors\n", 2 * kStreams + 100);
    return;
  }
  Fixture<Backend> f;
  const TestListener listener;
  std::vector<OwnedSocket> clients;
  std::vector<OwnedSocket> servers;
  for (size_t i = 0; i < kStreams; ++i) {
    clients.push_back(begin_connect(listener.address));
    servers.push_back(listener.accept());
  }
  for (OwnedSocket& server : servers) f.add(server);
  PollEvent events[256];
  constexpr int kRemovingRound = 2;
  for (int round = 0; round < 4; ++round) {
    REQUIRE(becomes_true([&] { return f.poller->harvest(events) == 0; }));
    for (const OwnedSocket& client : clients) REQUIRE(send_text(client, "x").status == IoStatus::ok);
    for (const OwnedSocket& server : servers) REQUIRE(has_unread(server, 1));
    std::map<const void*, int> reports;
    std::vector<size_t> portions;
    const size_t removed = round >= kRemovingRound ? 100 : 0;
    while (const uint32_t count = f.poller->harvest(events)) {
      portions.push_back(count);
      for (uint32_t i = 0; i < count; ++i) {
        REQUIRE((events[i].readiness & kReadable) != 0);  // epoll also says that it is still writable
        ++reports[events[i].key];
      }
      // The first ones, so that others take their places in an array.
      if (round == kRemovingRound && portions.size() == 1) {
        for (size_t i = 0; i < removed; ++i) f.remove(servers[i]);
      }
    }
    CHECK(portions.front() == 256);
    if (removed == 0) CHECK(portions == std::vector<size_t>{256, 256, kStreams - 512});
    for (size_t i = 0; i < kStreams; ++i) {
      CAPTURE(i);
      const bool may_be_silent = round == kRemovingRound && i < removed;
      const int expected = i < removed && round > kRemovingRound ? 0 : 1;
      if (may_be_silent) {
        CHECK(reports[&servers[i]] <= 1);
      } else {
        CHECK(reports[&servers[i]] == expected);
      }
    }
    for (size_t i = removed; i < kStreams; ++i) f.drain(servers[i]);
  }
}

EACH_BACKEND("removing every stream in the middle of a round of reports ends the round") {
  Fixture<Backend> f;
  std::vector<SocketPair> pairs(5);
  for (SocketPair& pair : pairs) f.add(pair.server);
  PollEvent event[1];
  REQUIRE(f.poller->harvest(event) == 1);
  for (SocketPair& pair : pairs) f.remove(pair.server);
  CHECK(f.poller->harvest(event) == 0);
}

EACH_BACKEND("with room for one event every busy stream has its turn") {
  Fixture<Backend> f;
  std::vector<SocketPair> pairs(5);
  for (SocketPair& pair : pairs) f.add(pair.server);
  PollEvent event[1];
  for (int i = 0; i < 5; ++i) REQUIRE(f.poller->harvest(event) == 1);
  for (int i = 0; i < 5; ++i) {
    for (const SocketPair& pair : pairs) REQUIRE(send_text(pair.client, "x").status == IoStatus::ok);
  }
  for (const SocketPair& pair : pairs) REQUIRE(has_unread(pair.server, 5));
  std::map<void*, int> turns;
  for (int i = 0; i < 15; ++i) {
    REQUIRE(f.poller->harvest(event) == 1);
    ++turns[event[0].key];
    // Busy: it is drained, and has news again at once.
    OwnedSocket& server = *static_cast<OwnedSocket*>(event[0].key);
    f.drain(server);
    for (const SocketPair& pair : pairs) {
      if (&pair.server == &server) REQUIRE(send_text(pair.client, "x").status == IoStatus::ok);
    }
    REQUIRE(has_unread(server, 1));
  }
  for (const SocketPair& pair : pairs) CHECK(turns[const_cast<OwnedSocket*>(&pair.server)] == 3);
}

EACH_BACKEND("a wait ends when a stream is ready, and leaves its event for the harvest") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  REQUIRE(send_text(pair.client, "news").status == IoStatus::ok);
  CHECK(f.wait(kLimitUs));
  CHECK(f.wait(kLimitUs));
  CHECK((f.readiness(&pair.server) & kReadable) != 0);
  CHECK_FALSE(f.wait(0));
  CHECK_FALSE(f.wait(10'000));
}

EACH_BACKEND("a wait that began earlier ends when a stream becomes ready") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  f.poller->prepare_wait(*f.wait_set);
  std::atomic<bool> is_over{false};
  std::atomic<bool> is_ready{false};
  std::thread waiter([&] {
    is_ready = f.poller->wait(*f.wait_set, f.wake, kLimitUs);
    is_over = true;
  });
  REQUIRE(send_text(pair.client, "news").status == IoStatus::ok);
  CHECK(becomes_true([&] { return is_over.load(); }));
  waiter.join();
  CHECK(is_ready);
}

EACH_BACKEND("a wait ends when it is woken, from another thread and beforehand, and the wake is used up") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  f.wake.raise();
  CHECK(f.wait(-1));
  CHECK_FALSE(f.wait(0));
  f.poller->prepare_wait(*f.wait_set);
  std::atomic<bool> is_over{false};
  std::thread waiter([&] {
    f.poller->wait(*f.wait_set, f.wake, -1);
    is_over = true;
  });
  f.wake.raise();
  CHECK(becomes_true([&] { return is_over.load(); }));
  waiter.join();
}

#if !defined(_WIN32)  // which has no signals
EACH_BACKEND("a wait with nothing to wait for ends after its time and not before, whatever signals come") {
  Fixture<Backend> f;
  f.poller->prepare_wait(*f.wait_set);
  constexpr int64_t kWaitUs = 30'000;
  check_signals_change_nothing(kWaitUs, [&] { return f.poller->wait(*f.wait_set, f.wake, kWaitUs); });
}
#endif

EACH_BACKEND("streams that hung up and were reported do not keep a wait from sleeping") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  f.arm(pair.server, kWritable);
  f.readiness(&pair.server);
  abort_socket(pair.client.socket);
  CHECK(f.reports(&pair.server, kReadable | kPeerEnded));
  CHECK_FALSE(f.wait(10'000));
  CHECK(f.readiness(&pair.server) == 0);
}

EACH_BACKEND("a wait set serves any number of waits, with more streams and with fewer") {
  Fixture<Backend> f;
  std::vector<SocketPair> pairs(100);
  for (size_t count : {size_t{100}, size_t{3}, size_t{50}}) {
    PollEvent events[256];
    for (size_t i = 0; i < count; ++i) f.add(pairs[i].server);
    REQUIRE(becomes_true([&] { return f.poller->harvest(events) == 0; }));
    CHECK_FALSE(f.wait(0));
    REQUIRE(send_text(pairs[count - 1].client, "x").status == IoStatus::ok);
    CHECK(f.wait(kLimitUs));
    for (size_t i = 0; i < count; ++i) f.remove(pairs[i].server);
    CHECK_FALSE(f.wait(0));
  }
}

#if defined(FRAMEPUMP_LINUX)  // receive marks are Linux's
EACH_BACKEND("data below a receive mark raises no event, can be taken all the same, and lowering the mark tells of it") {
  Fixture<Backend> f;
  SocketPair pair;
  f.add_quietly(pair.server);
  REQUIRE(set_receive_mark(pair.server.socket, 1 << 20).mark_bytes == 1 << 20);
  REQUIRE(send_text(pair.client, "few").status == IoStatus::ok);
  REQUIRE(has_unread(pair.server, 3));
  CHECK(f.readiness(&pair.server) == 0);
  CHECK_FALSE(f.wait(10'000));
  set_receive_mark(pair.server.socket, kLowestReceiveMark);
  CHECK(f.reports(&pair.server, kReadable));
  std::string text;
  CHECK(receive_exactly(pair.server, text, 3));
}

EACH_BACKEND("the end and a reset are reported while the mark is high, behind data too") {
  for (const char* last_words : {"", "few"}) {
    Fixture<Backend> f;
    SocketPair ended;
    f.add_quietly(ended.server);
    set_receive_mark(ended.server.socket, 1 << 20);
    if (*last_words != '\0') REQUIRE(send_text(ended.client, last_words).status == IoStatus::ok);
    shutdown_write(ended.client.socket);
    CHECK(f.reports(&ended.server, kReadable | kPeerEnded));
    std::string text;
    CHECK(receive_to_the_end(ended.server, text).status == IoStatus::end_of_stream);
    CHECK(text == last_words);
    f.remove(ended.server);

    SocketPair reset;
    f.add_quietly(reset.server);
    set_receive_mark(reset.server.socket, 1 << 20);
    if (*last_words != '\0') REQUIRE(send_text(reset.client, last_words).status == IoStatus::ok);
    abort_socket(reset.client.socket);
    CHECK(f.reports(&reset.server, kReadable | kPeerEnded));
    text.clear();
    CHECK(receive_to_the_end(reset.server, text).status == IoStatus::reset);
    CHECK(text == last_words);
  }
}
#endif

#if !defined(_WIN32)  // which has no limit for them
EACH_BACKEND("making a poller without descriptors fails and does not crash") {
  rlimit before = {};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none = {3, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const std::unique_ptr<Poller> poller(Backend::make());
  WakeSignal wake;
  const bool is_open = wake.open();
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK((poller == nullptr) == (std::string(Backend::kName) == "epoll"));  // poll() needs none
  CHECK_FALSE(is_open);
}
#endif
