// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "demo/protocol/update_bytes.h"
#include "demo/server/certificate.h"
#include "demo/server/file_server.h"
#include "support/task_stage.h"

namespace framepump::test {

// The demo's files over HTTPS on a network of their own, in frames of a millisecond on virtual time.
struct ServedFiles {
  explicit ServedFiles(const demo::Certificate& certificate, const fp::Config& config = {}, uint16_t wanted_port = 0) : net(make_network(config)) {
    const fp::Result<uint16_t> chosen = server.open("127.0.0.1", wanted_port, certificate.tls());
    REQUIRE(bool(chosen));
    port = *chosen;
  }
  void frame(int64_t step_us = 1'000) {
    now_us += step_us;
    net.tick({.frame = ++number, .now_us = now_us});
    net.flush();
  }

  int64_t now_us = 0;
  uint64_t number = 0;
  fp::Network net;
  demo::UpdatesBySeed by_seed;
  demo::FileServer server{net, by_seed};
  uint16_t port = 0;
};

// They, and a network whose frames take turns with theirs.
struct FileStage {
  explicit FileStage(const fp::Config& wanted = {}) : config(wanted), client(make_network(wanted)) {
    std::string error;
    certificate = demo::Certificate::make("127.0.0.1", error);
    INFO(error);
    REQUIRE(certificate.has_value());
    start();
  }
  // Connections and all.
  void stop() {
    port = files->port;
    files.reset();
  }
  void start() { files = std::make_unique<ServedFiles>(*certificate, config, port); }

  void frame() {
    if (files != nullptr) files->frame();
    client.tick({.frame = ++number, .now_us = test::now_us()});
    client.flush();
  }
  bool run_until(const std::function<bool()>& condition, int limit_ms = 20'000) {
    const int64_t end_us = test::now_us() + int64_t{limit_ms} * 1000;
    while (!condition()) {
      if (test::now_us() > end_us) return false;
      frame();
      client.wait_until(test::now_us() + 200, fp::Until::first_data);
    }
    return true;
  }
  fp::Stream connect() {
    const fp::Tls tls = {.server_name = "localhost", .ca_file = certificate->file().c_str()};
    return client.connect("127.0.0.1", files->port, tls).value();
  }
  // What is answered, to the end of the connection.
  std::string ask(const std::string& request) {
    const fp::Stream stream = connect();
    REQUIRE(bool(stream.write_all(request)));
    std::string answer;
    REQUIRE(run_until([&] { return take(stream, answer); }));
    return answer;
  }
  // True: it has ended.
  bool take(fp::Stream stream, std::string& answer) {
    for (std::span<const std::byte> run = stream.front(); !run.empty(); run = stream.front()) {
      answer.append(reinterpret_cast<const char*>(run.data()), run.size());
      (void)stream.consume(run.size());
    }
    for (const fp::Event& event : client.events()) {
      if (event.handle == stream.value() && event.what() == fp::EventKind::closed) return true;
    }
    return false;
  }
  std::string url(const std::string& query) const { return "https://127.0.0.1:" + std::to_string(files->port) + "/update.bin" + query; }

  fp::Config config;
  std::optional<demo::Certificate> certificate;
  uint16_t port = 0;
  std::unique_ptr<ServedFiles> files;
  fp::Network client;
  uint64_t number = 0;
};

inline std::string update_bytes(uint64_t seed, uint64_t begin, uint64_t end) {
  std::string bytes(end - begin, '\0');
  demo::UpdateBytes(seed).fill(begin, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

inline std::string body_of(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

}  // namespace framepump::test
