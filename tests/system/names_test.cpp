// SPDX-License-Identifier: MIT
//
// Names against a real name server, dnsmasq, and against one that never answers, while frames are counted.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "support/frames.h"
#include "support/named_network.h"
#include "support/plain_socket.h"
#include "support/test_network.h"

extern char** environ;

using namespace framepump::test;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

uint32_t free_port() {
  NameServer server;  // free for UDP and TCP alike
  return server.port();
}

// A dnsmasq that knows a few names and no other server. It dies with the test.
class Dnsmasq {
 public:
  explicit Dnsmasq(uint32_t port) {
    std::vector<std::string> words = {"dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
                                      "--listen-address=127.0.0.1", "--port=" + std::to_string(port), "--local=/example/", "--local-ttl=60",
                                      "--host-record=play.example,127.0.0.1", "--host-record=six.example,127.0.0.1,::1",
                                      "--cname=www.example,play.example", "--pid-file=", "--user=" + std::string(geteuid() == 0 ? "root" : "")};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    for (const char* program : {"/usr/sbin/dnsmasq", "/sbin/dnsmasq", "/usr/local/sbin/dnsmasq"}) {
      if (access(program, X_OK) == 0 && posix_spawn(&pid_, program, &actions, nullptr, arguments.data(), environ) == 0) break;
    }
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Dnsmasq() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Dnsmasq(const Dnsmasq&) = delete;
  Dnsmasq& operator=(const Dnsmasq&) = delete;

  bool is_started() const { return pid_ > 0; }
  void stop() const { kill(pid_, SIGSTOP); }
  void go_on() const { kill(pid_, SIGCONT); }

 private:
  pid_t pid_ = -1;
};

bool has_closed(const TestNetwork& net, framepump_handle stream) { return net.find(FRAMEPUMP_EVENT_CLOSED, stream) != nullptr; }
bool has_connected(const TestNetwork& net, framepump_handle stream) { return net.find(FRAMEPUMP_EVENT_CONNECTED, stream) != nullptr; }

}  // namespace

TEST_CASE("dnsmasq is asked for addresses, aliases and names that are none, and may stop and come back") {
  in_all_ways([](framepump_config config) {
    const uint32_t dns_port = free_port();
    const Dnsmasq dnsmasq(dns_port);
    if (!dnsmasq.is_started()) {
      std::puts("SKIP: needs dnsmasq");
      return;
    }
    config.names_timeout_ms = is_sanitized() ? 300 : 150;  // seven times that in all: dnsmasq may be away for a while
    config.names_tries = 3;
    config.names_cache_entries = 0;
    const NameFiles files("nameserver 127.0.0.1:" + std::to_string(dns_port) + "\nsearch example\n");
    TestNetwork net(config, files.services());
    const uint32_t port = net.port_of(net.listen());
    // dnsmasq may take a moment to be there.
    framepump_handle stream = 0;
    REQUIRE(run_until({&net}, [&] {
      if (stream == 0 || has_closed(net, stream)) stream = net.connect(port, "play.example");
      return has_connected(net, stream);
    }));
    for (const char* name : {"www.example", "play", "six.example"}) {
      CAPTURE(name);
      const framepump_handle one = net.connect(port, name);
      CHECK(run_until({&net}, [&] { return has_connected(net, one); }));
    }
    const framepump_handle nobody = net.connect(port, "nobody.example.");
    REQUIRE(run_until({&net}, [&] { return has_closed(net, nobody); }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, nobody)->reason, FRAMEPUMP_REASON_NAME_NOT_FOUND);
    CHECK(contains(net.find(FRAMEPUMP_EVENT_CLOSED, nobody)->text, "there is no address of nobody.example"));
    dnsmasq.stop();
    const framepump_handle silent = net.connect(port, "other.example");  // not one whose second family is still on its way
    REQUIRE(run_until({&net}, [&] { return has_closed(net, silent); }));
    CHECK_EQ(net.find(FRAMEPUMP_EVENT_CLOSED, silent)->reason, FRAMEPUMP_REASON_NAME_TIMED_OUT);
    dnsmasq.go_on();
    const framepump_handle again = net.connect(port, "play.example");
    CHECK(run_until({&net}, [&] { return has_connected(net, again); }));
  });
}

TEST_CASE("a thousand names at a server that never answers lengthen no tick, and established streams go on") {
  for (uint32_t threaded : {0u, 1u}) {
    CAPTURE(threaded);
    framepump_config config = default_config();
    config.threaded = threaded;
    config.names_timeout_ms = 50;
    config.names_tries = 2;
    config.names_parallel = 256;
    config.connect_timeout_ms = 1500;
    const NameServer black_hole;  // it takes what comes and nobody ever serves it
    const NameFiles files(black_hole.resolv_conf());
    TestNetwork net(config, files.services());
    const Pair pair = connect_pair(net, net);
    constexpr int kNames = 1000;
    for (int i = 0; i < kNames; ++i) net.connect(9, ("n" + std::to_string(i) + ".example").c_str());
    std::vector<int64_t> ticks_us;
    uint64_t echoed = 0;
    CHECK(run_until({&net}, [&] {
      const int64_t before_us = thread_time_us();
      net.tick();
      ticks_us.push_back(thread_time_us() - before_us);
      net.write(pair.client, "x");
      echoed += net.read_all(pair.server).size();
      return net.count(FRAMEPUMP_EVENT_CLOSED) == kNames;
    }, 20'000));
    CHECK(echoed >= ticks_us.size() / 2);
    std::sort(ticks_us.begin(), ticks_us.end());
    MESSAGE("threaded " << threaded << ": " << ticks_us.size() << " ticks, the longest took " << ticks_us.back() << " us of processor time, the median "
                        << ticks_us[ticks_us.size() / 2]);
    if (!is_sanitized()) CHECK(ticks_us.back() < 8'000);  // the slice is 2 ms; a look-up that waits would take 50 at least
    for (const SeenEvent& event : net.seen()) {
      if (event.kind != FRAMEPUMP_EVENT_CLOSED) continue;
      CHECK_EQ(event.reason, FRAMEPUMP_REASON_NAME_TIMED_OUT);
      CHECK(contains(event.text, ".example: "));
    }
  }
}
