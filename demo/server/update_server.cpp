// SPDX-License-Identifier: MIT
#include "demo/server/update_server.h"

#include <algorithm>
#include <cstdio>

namespace demo {
namespace {

constexpr uint64_t kPieceBytes = 65472;  // the most that reserve() gives in one piece
constexpr size_t kMostClients = 256;     // each may name a seed of its own, which costs 256 KiB

std::string peer_of(framepump::Stream stream) {
  auto info = stream.info();
  return info ? info->peer_address : "a client that is gone";
}

}  // namespace

void UpdateServer::serve() {
  for (const framepump::Event& event : network_.events()) on_event(event);
  for (framepump::Stream stream : network_.readable()) {
    const auto session = sessions_.find(stream.value());
    if (session != sessions_.end()) read_request(session->second);
  }
  is_busy_ = false;
  for (auto& [handle, session] : sessions_) {
    send_more(session);
    is_busy_ = is_busy_ || session.offset < session.end;
  }
}

void UpdateServer::on_event(const framepump::Event& event) {
  const framepump::Stream stream = network_.stream(event.handle);
  if (event.what() == framepump::EventKind::accepted && event.other == listener_.value()) {
    welcome(stream);
  } else if (event.what() == framepump::EventKind::closed) {
    sessions_.erase(event.handle);
  } else if (event.what() == framepump::EventKind::config_refused) {
    std::fprintf(stderr, "demo_server: config refused: %s\n", event.words());
  }
}

void UpdateServer::welcome(framepump::Stream stream) {
  if (sessions_.size() < kMostClients) {
    sessions_[stream.value()].stream = stream;
    return;
  }
  std::fprintf(stderr, "demo_server: %s: %zu clients are being served, which is the most there can be; closing it\n",
               peer_of(stream).c_str(), sessions_.size());
  (void)stream.close();
}

void UpdateServer::read_request(Session& session) {
  if (session.bytes != nullptr) {  // a request was all it had to say
    return refuse(session, "bytes after the request");
  }
  const auto bytes = session.stream.peek(kRequestBytes);
  if (!bytes) return;
  std::string error;
  const std::optional<UpdateRequest> request = decode_request(*bytes, error);
  (void)session.stream.consume(kRequestBytes);
  if (!request) return refuse(session, error);
  session.bytes = updates_.get(request->seed);
  session.offset = request->offset;
  session.end = request->size_bytes;
  (void)session.stream.write_all(encode(UpdateResponse{UpdateStatus::ok, session.offset, session.end}));
}

void UpdateServer::refuse(Session& session, const std::string& why) {
  std::fprintf(stderr, "demo_server: %s: %s; closing it\n", peer_of(session.stream).c_str(), why.c_str());
  if (session.bytes == nullptr) (void)session.stream.write_all(encode(UpdateResponse{UpdateStatus::bad_request, 0, 0}));
  session.offset = session.end = 0;
  (void)session.stream.close();
}

void UpdateServer::send_more(Session& session) {
  while (session.bytes != nullptr && session.offset < session.end) {
    const std::span<std::byte> room = session.stream.reserve(std::min(kPieceBytes, session.end - session.offset));
    if (room.empty()) return;  // full: goes on in a later frame
    session.bytes->fill(session.offset, room);
    if (!session.stream.commit(room.size())) return;
    session.offset += room.size();
  }
}

}  // namespace demo
