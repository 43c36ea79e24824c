// SPDX-License-Identifier: MIT
//
// A thousand coroutines that talk with a thousand others through real sockets, and a host that loads the plugin and runs some.
#include <doctest/doctest.h>

#include <cstring>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/task_stage.h"

using namespace framepump::test;

namespace {

constexpr uint32_t kClients = 1'000;
constexpr uint32_t kRounds = 5;

// Four bytes of size, and the message.
std::string frame_of(const std::string& message) {
  const uint32_t size_bytes = static_cast<uint32_t>(message.size());
  std::string out(sizeof(size_bytes), 0);
  std::memcpy(out.data(), &size_bytes, sizeof(size_bytes));
  return out + message;
}

fp::Task<fp::Result<std::string>> read_frame(fp::TaskStream& stream) {
  const fp::Result<std::span<const std::byte>> head = co_await stream.read_exactly(sizeof(uint32_t));
  if (!head) co_return head.error();
  uint32_t size_bytes = 0;
  std::memcpy(&size_bytes, head->data(), sizeof(size_bytes));
  const fp::Result<std::span<const std::byte>> body = co_await stream.read_exactly(size_bytes);
  if (!body) co_return body.error();
  co_return std::string(reinterpret_cast<const char*>(body->data()), body->size());
}

struct Server {
  TaskStage& stage;
  fp::TaskListener listener;
  uint32_t ended = 0;

  fp::Tasks& tasks() { return stage.tasks; }
  fp::Task<> serve() {
    while (true) {
      fp::Result<fp::TaskStream> stream = co_await listener.accept();
      if (!stream) co_return;
      stage.tasks.start(echo(std::move(*stream)));
    }
  }
  fp::Task<> echo(fp::TaskStream stream) {
    while (true) {
      const fp::Result<std::string> message = co_await read_frame(stream);
      if (!message) {
        ended += message.error().reason() == fp::Reason::closed_by_peer;
        co_return;
      }
      const std::string answer = frame_of(*message);
      if (!co_await stream.write_all(answer)) co_return;
    }
  }
};

struct Clients {
  TaskStage& stage;
  uint16_t port;
  uint32_t right = 0;
  uint32_t wrong = 0;

  fp::Tasks& tasks() { return stage.tasks; }
  fp::Task<> run(uint32_t seed) {
    fp::Result<fp::TaskStream> stream = co_await stage.tasks.connect("127.0.0.1", port);
    if (!stream) {
      ++wrong;
      co_return;
    }
    for (uint32_t round = 0; round < kRounds; ++round) {
      const std::string message = pattern(seed, round, 1 + (seed * 977 + round * 4'111) % 9'000);
      const std::string sent = frame_of(message);
      if (!co_await stream->write_all(sent)) ++wrong;
      const fp::Result<std::string> answer = co_await read_frame(*stream);
      (answer && *answer == message ? right : wrong)++;
      if (seed % 3 == 0) co_await fp::next_frame();
    }
  }
};

}  // namespace

TEST_CASE("a thousand coroutine clients and a coroutine server echo messages through real sockets, in both modes and over both pollers") {
  for (uint32_t threaded : {0u, 1u}) {
    for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
      CAPTURE(threaded);
      CAPTURE(backend);
      fp::Config config;
      config.threaded = threaded;
      config.backend = backend;
      config.connect_timeout_ms = 0;  // the time of the stage passes much faster than that of the IO threads
      TaskStage near(config);
      TaskStage far(config);
      fp::Result<fp::TaskListener> listener = far.tasks.listen("127.0.0.1", 0);
      REQUIRE(bool(listener));
      const uint16_t port = listener->port();
      Server server = {far, std::move(*listener)};
      Clients clients = {near, port};
      REQUIRE(bool(far.tasks.start(server.serve())));
      for (uint32_t i = 0; i < kClients; ++i) REQUIRE(bool(near.tasks.start(clients.run(i))));
      REQUIRE(near.run_until([&] {
        far.tick();
        return near.tasks.count() == 0 && server.ended == kClients;
      }, 60'000));
      CHECK_EQ(clients.right, kClients * kRounds);
      CHECK_EQ(clients.wrong, 0);
      CHECK_EQ(far.tasks.count(), 1);
    }
  }
}

TEST_CASE("a host without exceptions and RTTI that loads the plugin runs coroutines over it") {
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::string command = (folder / "coroutine_host").string() + " " + (folder / "libframepump_plugin.so").string();
  CHECK_EQ(std::system(command.c_str()), 0);
}
