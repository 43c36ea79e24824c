// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/plain_socket.h"

namespace framepump::test {

// A web server that does what a test says, right or wrong, on a thread of its own: one connection after the other, one request on each,
// and the connection closes when the script returns.
class ScriptedServer {
 public:
  // `request` is the header of what was asked, from the request line to the empty line; `number` counts from 0.
  struct Exchange {
    uint32_t number;
    const std::string& request;
    PlainSocket& peer;
  };
  explicit ScriptedServer(std::function<void(Exchange)> script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  uint32_t port() const { return port_; }
  std::string url(const std::string& path = "/file", const std::string& host = "127.0.0.1") const;
  std::vector<std::string> requests() const;  // so far

 private:
  void serve();

  std::function<void(Exchange)> script_;
  PlainSocket listener_;
  uint32_t port_ = 0;
  mutable std::mutex lock_;
  std::vector<std::string> requests_;
  bool is_over_ = false;
  std::thread thread_;
};

// The value of a request's field, "" when it has none.
std::string field_of(const std::string& request, std::string_view name);

// "HTTP/1.1 200 OK" and so on, with Content-Length and what else is said.
std::string response(std::string_view status, std::string_view body, const std::string& fields = "");

}  // namespace framepump::test
