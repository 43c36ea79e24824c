// SPDX-License-Identifier: MIT
#include "demo/client/swarm_client.h"

#include <algorithm>
#include <utility>

namespace demo {
namespace {

constexpr int64_t kRetryUs = 1'000'000;
constexpr size_t kChatLines = 6;

uint16_t to_wire(float position) { return static_cast<uint16_t>(std::clamp(position, 0.0f, 1.0f) * 65535.0f + 0.5f); }

}  // namespace

SwarmClient::SwarmClient(framepump::Network& network, const framepump_api& api, HostPort server, std::string name)
    : network_(network), api_(api), server_(std::move(server)), name_(std::move(name)) {
  framepump::HostOptions options;
  options.peers = 1;
  options.channels = kSwarmChannels;
  framepump::Result<framepump::Host> host = network_.open_host(options);
  if (host) {
    host_ = *host;
  } else {
    status_ = host.error().text();
  }
}

void SwarmClient::update(int64_t now_us) {
  const auto is_ours = [this](framepump_handle peer) { return peer_ && peer == peer_.value(); };
  for (const framepump::Event& event : network_.events()) {
    if (is_ours(event.handle) && event.what() == framepump::EventKind::connected) on_connected();
  }
  // The tick that publishes the end also has the last words, which come before it.
  for (const framepump::Received& message : network_.messages()) {
    if (is_ours(message.peer)) on_message(message, now_us);
  }
  for (const framepump::Event& event : network_.events()) {
    if (is_ours(event.handle) && event.what() == framepump::EventKind::closed) on_closed(event, now_us);
  }
  if (host_ && !peer_ && now_us >= retry_at_us_) connect(now_us);
}

void SwarmClient::connect(int64_t now_us) {
  retry_at_us_ = now_us + kRetryUs;
  framepump::Result<framepump::Peer> peer = host_.connect(server_.host.c_str(), server_.port);
  if (peer) {
    peer_ = *peer;
  } else {
    status_ = peer.error().text();
  }
}

void SwarmClient::on_connected() {
  view_.begin_again();
  send({TalkKind::hello, 0, name_});
}

void SwarmClient::on_closed(const framepump::Event& event, int64_t now_us) {
  if (own_id_ != 0) ++drops_;
  status_ = own_id_ != 0 ? std::string("dropped by server: ") + api_.reason_name(event.reason) : api_.reason_name(event.reason);
  own_id_ = 0;
  peer_ = {};
  names_.clear();
  retry_at_us_ = now_us + kRetryUs;
}

void SwarmClient::on_message(const framepump::Received& message, int64_t now_us) {
  if (message.channel == kTalkChannel) {
    if (const std::optional<Talk> talk = decode_talk(message.bytes())) on_talk(*talk);
  } else if (decode(message.bytes(), snapshot_)) {
    view_.add(snapshot_, now_us);
  }
}

void SwarmClient::on_talk(const Talk& talk) {
  switch (talk.kind) {
    case TalkKind::welcome:
      own_id_ = talk.id;
      names_[talk.id] = talk.text;
      status_ = "in the swarm as " + talk.text;
      return;
    case TalkKind::joined:
      names_[talk.id] = talk.text;
      return add_line(talk.text + " joined");
    case TalkKind::left:
      add_line(name_of(talk.id) + " left");
      names_.erase(talk.id);
      return;
    case TalkKind::chat: return add_line(name_of(talk.id) + ": " + talk.text);
    case TalkKind::goodbye: return add_line("the server stops");
    default: return;
  }
}

void SwarmClient::add_line(const std::string& line) {
  chat_.push_back(line);
  if (chat_.size() > kChatLines) chat_.pop_front();
}

void SwarmClient::send(const Talk& talk) {
  encode(talk, bytes_);
  (void)peer_.send(bytes_, framepump::Delivery::reliable, kTalkChannel);
}

void SwarmClient::steer(float x, float y) {
  if (own_id_ == 0) return;
  encode(Steer{++steer_number_, to_wire(x), to_wire(y)}, bytes_);
  (void)peer_.send(bytes_, framepump::Delivery::unreliable, kSnapshotChannel);
}

void SwarmClient::say(const std::string& text) {
  if (own_id_ != 0 && !text.empty()) send({TalkKind::chat, own_id_, text});
}

const std::string& SwarmClient::name_of(uint16_t id) const {
  static const std::string kNobody;
  const auto found = names_.find(id);
  return found == names_.end() ? kNobody : found->second;
}

uint64_t SwarmClient::dropped() const {
  const framepump::Result<framepump::HostInfo> info = host_.info();
  return info ? info->queue_drops + info->kernel_drops : 0;
}

}  // namespace demo
