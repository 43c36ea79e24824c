// SPDX-License-Identifier: MIT
#pragma once

#include <framepump/framepump.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "demo/server/http_request.h"

namespace demo {

// Answers GET /metrics over the network that it tells of: one answer for each connection. Data from the wire is never trusted: a request has
// 4 KiB and 5 seconds, and of connections there are at most 16.
class MetricsServer {
 public:
  using MakeText = std::function<std::string()>;

  MetricsServer(framepump::Network& network, framepump::Listener listener, MakeText make_text)
      : network_(network), listener_(listener), make_text_(std::move(make_text)) {}

  // After tick.
  void serve(int64_t now_us);

 private:
  struct Session {
    framepump::Stream stream;
    int64_t end_us = 0;
  };

  void on_event(const framepump::Event& event, int64_t now_us);
  // True: it was answered, and the session is over.
  bool answer_request(const Session& session);
  void answer(const Session& session, HttpStatus status);

  framepump::Network& network_;
  framepump::Listener listener_;
  MakeText make_text_;
  std::map<framepump_handle, Session> sessions_;
};

}  // namespace demo
