// SPDX-License-Identifier: MIT
#include "demo/server/metrics_server.h"

#include <algorithm>

namespace demo {
namespace {

constexpr size_t kMostSessions = 16;
constexpr int64_t kRequestUs = 5'000'000;
constexpr std::string_view kPath = "/metrics";

}  // namespace

void MetricsServer::serve(int64_t now_us) {
  for (const framepump::Event& event : network_.events()) on_event(event, now_us);
  std::erase_if(sessions_, [&](const auto& entry) {
    const Session& session = entry.second;
    if (answer_request(session)) return true;
    if (now_us < session.end_us) return false;
    answer(session, HttpStatus::timed_out);
    return true;
  });
}

void MetricsServer::on_event(const framepump::Event& event, int64_t now_us) {
  if (event.what() == framepump::EventKind::accepted && event.other == listener_.value()) {
    const framepump::Stream stream = network_.stream(event.handle);
    if (sessions_.size() == kMostSessions) return (void)stream.abort();
    sessions_[event.handle] = {stream, now_us + kRequestUs};
  } else if (event.what() == framepump::EventKind::closed) {
    sessions_.erase(event.handle);
  } else if (event.what() == framepump::EventKind::peer_half_closed) {
    const auto session = sessions_.find(event.handle);
    if (session != sessions_.end()) session->second.end_us = now_us;  // what has come is all there will be
  }
}

bool MetricsServer::answer_request(const Session& session) {
  const uint64_t size_bytes = std::min<uint64_t>(session.stream.available(), kMostRequestBytes);
  if (size_bytes == 0) return false;
  const auto bytes = session.stream.peek(size_bytes);
  if (!bytes) return false;
  const HttpStatus status = judge_request({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, kPath);
  if (status == HttpStatus::incomplete) return false;
  answer(session, status);
  return true;
}

// A few KiB always fit a fresh stream, unless memory ran out: then it closes without.
void MetricsServer::answer(const Session& session, HttpStatus status) {
  (void)session.stream.write_all(http_response(status, status == HttpStatus::ok ? make_text_() : std::string()));
  (void)session.stream.close();
}

}  // namespace demo
