// SPDX-License-Identifier: MIT
//
// Server and clients of the swarm against each other, each with a network of its own.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "demo/client/swarm_client.h"
#include "demo/server/swarm_server.h"
#include "support/test_network.h"

using namespace demo;
using framepump::test::now_us;

namespace {

// Threaded, so that what comes while nobody ticks is published by one tick.
framepump::Network threaded_network() {
  framepump::Config config;
  config.threaded = 1;
  return framepump::Network::create(framepump::Api::linked(), config).value();
}

struct Server {
  framepump::Network network = threaded_network();
  framepump::Host host = network.open_host(options()).value();
  SwarmServer swarm{network, host};
  uint64_t frame_number = 0;

  static framepump::HostOptions options() {
    framepump::HostOptions all("127.0.0.1", 0);
    all.channels = kSwarmChannels;
    return all;
  }
  void frame() {
    network.tick({.frame = ++frame_number, .now_us = now_us()});
    swarm.serve(now_us());
    network.flush();
  }
};

struct Client {
  framepump::Network network = threaded_network();
  framepump::Api api = framepump::Api::linked();
  SwarmClient swarm;
  uint64_t frame_number = 0;

  Client(Server& server, const std::string& name)
      : swarm(network, *api.table(), HostPort{"127.0.0.1", server.host.port()}, name) {}
  void frame() {
    network.tick({.frame = ++frame_number, .now_us = now_us()});
    swarm.update(now_us());
    network.flush();
  }
  bool heard(const std::string& line) const { return std::ranges::find(swarm.chat(), line) != swarm.chat().end(); }
};

bool happens(const std::function<void()>& frame, const std::function<bool()>& state) {
  const int64_t end_us = now_us() + 10'000'000;
  for (; !state() && now_us() < end_us; std::this_thread::sleep_for(std::chrono::milliseconds(5))) frame();
  return state();
}

}  // namespace

TEST_CASE("a client hears that the server stops, also when the goodbye and the end come in one tick") {
  Server server;
  Client client(server, "Ada");
  REQUIRE(happens([&] { server.frame(); client.frame(); }, [&] { return client.swarm.is_connected(); }));
  server.swarm.stop();
  REQUIRE(happens([&] { server.frame(); }, [&] { return !server.host.info(); }));
  REQUIRE(happens([&] { client.frame(); }, [&] { return !client.swarm.is_connected(); }));
  CHECK(client.heard("the server stops"));
}

TEST_CASE("what a client says before it leaves reaches the others, also when both come in one tick") {
  Server server;
  Client stays(server, "Ada");
  auto leaves = std::make_unique<Client>(server, "Bob");
  REQUIRE(happens([&] { server.frame(); stays.frame(); leaves->frame(); },
                  [&] { return stays.swarm.is_connected() && leaves->swarm.is_connected() && stays.heard("Bob joined"); }));
  const uint64_t received = server.host.info()->received_messages;
  leaves->swarm.say("bye");
  leaves->network.flush();
  // The server's thread has it, and its gameplay has not.
  REQUIRE(happens([&] { stays.frame(); }, [&] { return server.host.info()->received_messages > received; }));
  leaves.reset();
  REQUIRE(happens([] {}, [&] { return server.host.info()->peers == 1; }));
  REQUIRE(happens([&] { server.frame(); stays.frame(); }, [&] { return stays.heard("Bob left"); }));
  CHECK(stays.heard("Bob: bye"));
}
