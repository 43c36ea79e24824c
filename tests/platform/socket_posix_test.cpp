// SPDX-License-Identifier: MIT
//
// What POSIX systems and Linux add to the sockets: descriptors, signals, limits, and what can be provoked with them.
#if !defined(_WIN32)

#include "platform/socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "platform/loopback.h"
#include "platform/posix.h"

using namespace framepump;
using namespace framepump::test;

namespace {

// From now on it hears nothing, as if the cable had been cut.
void make_deaf(const OwnedSocket& socket) {
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program = {1, &drop_all};
  REQUIRE(setsockopt(socket.descriptor(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
}

class LoweredDescriptorLimit {
 public:
  explicit LoweredDescriptorLimit(rlim_t limit) {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit lowered = {limit, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  }
  ~LoweredDescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  LoweredDescriptorLimit(const LoweredDescriptorLimit&) = delete;
  LoweredDescriptorLimit& operator=(const LoweredDescriptorLimit&) = delete;

  const rlimit& before() const { return before_; }

 private:
  rlimit before_ = {};
};

std::atomic<int> signals_seen{0};
void count_signal(int) { ++signals_seen; }

class SignalHandler {
 public:
  SignalHandler(int signal, void (*handler)(int)) : signal_(signal) {
    struct sigaction action = {};
    action.sa_handler = handler;  // and no SA_RESTART: calls return with EINTR
    sigaction(signal, &action, &before_);
    signals_seen = 0;
  }
  ~SignalHandler() { sigaction(signal_, &before_, nullptr); }
  SignalHandler(const SignalHandler&) = delete;
  SignalHandler& operator=(const SignalHandler&) = delete;

 private:
  int signal_;
  struct sigaction before_ = {};
};

}  // namespace

TEST_CASE("every descriptor is non-blocking and close-on-exec") {
  const TestListener listener;
  const OwnedSocket client = begin_connect(listener.address);
  const OwnedSocket server = listener.accept();
  for (const int descriptor : {listener.owned.descriptor(), client.descriptor(), server.descriptor()}) {
    CHECK((fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("what arrives carries the time of its arrival, and none unless stamps were asked for") {
  const SocketPair pair;
  int64_t arrival_ns = -1;
  char bytes[16];
  const ReceiveBuffer room = {bytes, sizeof(bytes)};
  set_arrival_stamps(pair.server.socket);
  CHECK(receive_stamped(pair.server.socket, {&room, 1}, arrival_ns).status == IoStatus::would_block);
  CHECK(arrival_ns == 0);
  // The kernel begins to stamp a little after the first socket of the whole machine asked for it, so the first may have none.
  int64_t before_ns = 0;
  REQUIRE(becomes_true([&] {
    before_ns = realtime_ns();
    return send_text(pair.client, "now").status == IoStatus::ok &&
           becomes_true([&] { return receive_stamped(pair.server.socket, {&room, 1}, arrival_ns).status == IoStatus::ok; }) &&
           arrival_ns != 0;
  }));
  CHECK(arrival_ns >= before_ns);
  CHECK(arrival_ns <= realtime_ns());

  const SocketPair plain;
  REQUIRE(send_text(plain.client, "now").status == IoStatus::ok);
  REQUIRE(becomes_true([&] { return receive_stamped(plain.server.socket, {&room, 1}, arrival_ns).status == IoStatus::ok; }));
  CHECK(arrival_ns == 0);
}

TEST_CASE("what arrived before a reset can be read before it is told") {
  SocketPair pair;
  REQUIRE(send_text(pair.client, "last words").status == IoStatus::ok);
  abort_socket(pair.client.socket);
  std::string text;
  CHECK(receive_to_the_end(pair.server, text).status == IoStatus::reset);
  CHECK(text == "last words");
}

TEST_CASE("sending to a peer that is gone is a reset and raises no SIGPIPE") {
  const SignalHandler handler(SIGPIPE, count_signal);
  SocketPair pair;
  abort_socket(pair.client.socket);
  IoResult result;
  CHECK(becomes_true([&] {
    result = send_text(pair.server, "x");
    return result.status != IoStatus::ok;
  }));
  CHECK(result.status == IoStatus::reset);
  CHECK(send_text(pair.server, "x").status == IoStatus::reset);
  CHECK(send_text(pair.server, "x").system_code == EPIPE);
  CHECK(signals_seen == 0);
}

TEST_CASE("a connect that nobody answers is under way, and then timed out") {
  // A queue that is full drops what asks for a place in it.
  ListenOptions options;
  options.backlog = 0;
  const TestListener listener(AddressFamily::ipv4, options);
  const OwnedSocket in_queue = begin_connect(listener.address);
  REQUIRE(outcome_of(in_queue).status == IoStatus::ok);
  StreamOptions impatient;
  impatient.dead_after_s = 1;
  std::vector<OwnedSocket> unanswered;
  for (int i = 0; i < 3; ++i) unanswered.push_back(begin_connect(listener.address, impatient));
  const OwnedSocket& last = unanswered.back();
  CHECK(finish_connect(last.socket).status == IoStatus::would_block);
  CHECK(outcome_of(last).status == IoStatus::timed_out);
}

TEST_CASE("a peer that falls silent is timed out, with data under way and without, and a quiet living one is not") {
  StreamOptions options;
  options.keepalive_s = 1;
  options.dead_after_s = 2;
  const SocketPair busy(AddressFamily::ipv4, options);
  const SocketPair idle(AddressFamily::ipv4, options);
  const SocketPair living(AddressFamily::ipv4, options);
  make_deaf(busy.server);
  make_deaf(idle.server);
  const int64_t start_us = monotonic_us();
  REQUIRE(send_text(busy.client, "anybody there?").status == IoStatus::ok);
  std::string text;
  CHECK(receive_to_the_end(busy.client, text).status == IoStatus::timed_out);
  CHECK(receive_to_the_end(idle.client, text).status == IoStatus::timed_out);
  // keepalive_s + dead_after_s, and time for the kernel's timers and a loaded machine.
  CHECK(monotonic_us() - start_us < 8'000'000);
  CHECK(monotonic_us() - start_us > 1'500'000);
  CHECK(receive_once(living.client, text).status == IoStatus::would_block);
  CHECK(text.empty());
}

TEST_CASE("an address without a route is unreachable") {
  SocketAddress nowhere;
  REQUIRE(parse_address("224.0.0.1", 9, nowhere));  // no TCP to a group
  OwnedSocket client;
  REQUIRE(open_stream(nowhere.family, {}, client.socket).status == IoStatus::ok);
  CHECK(start_connect(client.socket, nowhere).status == IoStatus::unreachable);
}

TEST_CASE("a port that needs privileges is permission denied without them") {
  int lowest_free_port = 1024;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> lowest_free_port;
  if (lowest_free_port <= 1) {
    std::printf("SKIP: every port is free to everybody here\n");
    return;
  }
  const int status = in_child([] {
    if (geteuid() == 0 && setuid(65534) != 0) return 100;
    OwnedSocket socket;
    return static_cast<int>(open_listener(loopback(AddressFamily::ipv4, 1), {}, socket.socket).status);
  });
  CHECK(status == static_cast<int>(IoStatus::permission_denied));
}

TEST_CASE("without descriptors a connection stays in the queue until there is one") {
  const TestListener listener;
  const OwnedSocket client = begin_connect(listener.address);
  REQUIRE(outcome_of(client).status == IoStatus::ok);
  OwnedSocket accepted;
  SocketAddress peer;
  {
    const LoweredDescriptorLimit limit(3);
    CHECK(accept_stream(listener.owned.socket, {}, accepted.socket, peer).status == IoStatus::descriptors_exhausted);
    OwnedSocket other;
    CHECK(open_stream(AddressFamily::ipv4, {}, other.socket).status == IoStatus::descriptors_exhausted);
    CHECK(open_listener(loopback(AddressFamily::ipv4), {}, other.socket).status == IoStatus::descriptors_exhausted);
  }
  CHECK_FALSE(accepted.socket.is_open());
  CHECK(accept_stream(listener.owned.socket, {}, accepted.socket, peer).status == IoStatus::ok);
}

TEST_CASE("the descriptor limit can be raised to its most") {
  const LoweredDescriptorLimit limit(64);
  CHECK(raise_descriptor_limit() == limit.before().rlim_max);
  rlimit now = {};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == limit.before().rlim_max);
}

TEST_CASE("a reserved table of descriptors has room for as many, and costs none of them") {
  const auto table_size = [] {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word && word != "FDSize:") {
    }
    uint64_t size = 0;
    status >> size;
    return size;
  };
  raise_descriptor_limit();
  rlimit limit = {};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  constexpr uint64_t kWanted = 2048;
  REQUIRE(limit.rlim_cur >= kWanted);
  // A table does not shrink, but a new process begins with a small one.
  const pid_t child = fork();
  if (child == 0) {
    const bool was_small = table_size() < kWanted;
    reserve_descriptors(kWanted);
    const bool is_large = table_size() >= kWanted;
    const bool is_free = fcntl(static_cast<int>(kWanted) - 1, F_GETFD) == -1;
    _exit((was_small ? 0 : 1) + (is_large ? 0 : 2) + (is_free ? 0 : 4));
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST_CASE("a transfer under a storm of signals loses and changes nothing") {
  const SignalHandler handler(SIGALRM, count_signal);
  const SocketPair pair;
  std::string sent;
  for (uint32_t i = 0; sent.size() < 8u << 20; ++i) sent += std::to_string(i * 2654435761u);
  itimerval every_100_us = {{0, 100}, {0, 100}};
  setitimer(ITIMER_REAL, &every_100_us, nullptr);
  std::string received;
  size_t sent_bytes = 0;
  const bool is_complete = becomes_true([&] {
    if (sent_bytes < sent.size()) sent_bytes += send_text(pair.client, std::string_view(sent).substr(sent_bytes)).size_bytes;
    while (receive_once(pair.server, received).status == IoStatus::ok) {
    }
    return received.size() == sent.size();
  });
  setitimer(ITIMER_REAL, nullptr, nullptr);
  CHECK(is_complete);
  CHECK(received == sent);
  CHECK(signals_seen > 0);
}

TEST_CASE("each code of the system has its status") {
  struct Expected {
    int code;
    IoStatus status;
  };
  const Expected all[] = {
      {0, IoStatus::ok},
      {EAGAIN, IoStatus::would_block},
      {EINPROGRESS, IoStatus::would_block},
      {EALREADY, IoStatus::would_block},
      {ECONNREFUSED, IoStatus::refused},
      {ECONNRESET, IoStatus::reset},
      {ECONNABORTED, IoStatus::reset},
      {EPIPE, IoStatus::reset},
      {ETIMEDOUT, IoStatus::timed_out},
      {ENETUNREACH, IoStatus::unreachable},
      {EHOSTUNREACH, IoStatus::unreachable},
      {EADDRINUSE, IoStatus::address_in_use},
      {EADDRNOTAVAIL, IoStatus::address_not_available},
      {EACCES, IoStatus::permission_denied},
      {EPERM, IoStatus::permission_denied},
      {EMFILE, IoStatus::descriptors_exhausted},
      {ENFILE, IoStatus::descriptors_exhausted},
      {ENOBUFS, IoStatus::out_of_memory},
      {ENOMEM, IoStatus::out_of_memory},
      {EAFNOSUPPORT, IoStatus::unsupported},
      {EBADF, IoStatus::failed},
  };
  for (const Expected& expected : all) {
    CAPTURE(expected.code);
    CHECK(status_of(expected.code) == expected.status);
  }
}

TEST_CASE("a system code has a text, cut to the room there is") {
  char text[64];
  system_message(ECONNREFUSED, text);
  CHECK(std::string(text) == "Connection refused");
  char small[5];
  system_message(ECONNREFUSED, small);
  CHECK(std::string(small) == "Conn");
  system_message(ECONNREFUSED, {});
  system_message(123456, text);
  CHECK(std::string(text) == "Unknown error 123456");
}

#endif
