// SPDX-License-Identifier: MIT
#include "demo/server/swarm_server.h"

#include <algorithm>

namespace demo {
namespace {

constexpr int64_t kStepUs = 1'000'000 / kSnapshotHz;
constexpr int64_t kMostBehindUs = 5 * kStepUs;  // after a halt the swarm goes on where it was

}  // namespace

void SwarmServer::serve(int64_t now_us) {
  for (const framepump::Event& event : network_.events()) {
    if (event.what() == framepump::EventKind::accepted && event.other == host_.value()) on_accepted(event, now_us);
  }
  // The tick that publishes a member's end also has its last words, which come before it.
  for (const framepump::Received& message : network_.messages()) {
    if (message.host == host_.value()) on_message(message);
  }
  for (const framepump::Event& event : network_.events()) {
    if (event.what() == framepump::EventKind::closed) on_closed(event);
  }
  if (members_.empty()) return;
  next_step_us_ = std::max(next_step_us_, now_us - kMostBehindUs);
  for (; next_step_us_ <= now_us; next_step_us_ += kStepUs) {
    swarm_.step();
    send_snapshot();
  }
}

void SwarmServer::on_accepted(const framepump::Event& event, int64_t now_us) {
  if (members_.empty()) next_step_us_ = now_us;
  members_[event.handle].peer = network_.peer(event.handle);
}

void SwarmServer::on_closed(const framepump::Event& event) {
  const auto found = members_.find(event.handle);
  if (found == members_.end()) return;
  const uint16_t id = found->second.id;
  members_.erase(found);
  if (id == 0) return;
  swarm_.remove_client(id);
  tell_all({TalkKind::left, id, ""});
}

void SwarmServer::on_message(const framepump::Received& message) {
  const auto found = members_.find(message.peer);
  if (found == members_.end()) return;
  Member& member = found->second;
  if (message.channel == kTalkChannel) {
    const std::optional<Talk> talk = decode_talk(message.bytes());
    if (!talk) return (void)member.peer.abort();  // not one of ours
    return on_talk(member, *talk);
  }
  const std::optional<Steer> steer = decode_steer(message.bytes());
  if (steer && member.id != 0) swarm_.steer(member.id, *steer);
}

void SwarmServer::on_talk(Member& member, const Talk& talk) {
  if (talk.kind == TalkKind::hello && member.id == 0) return welcome(member, talk.text);
  if (talk.kind == TalkKind::chat && member.id != 0) tell_all({TalkKind::chat, member.id, talk.text});
}

void SwarmServer::welcome(Member& member, const std::string& name) {
  member.id = swarm_.add_client();
  if (member.id == 0) return (void)member.peer.close();
  member.name = name.empty() ? "guest " + std::to_string(member.id) : name;
  tell(member, {TalkKind::welcome, member.id, member.name});
  for (const auto& [handle, other] : members_) {
    if (other.id != 0 && other.id != member.id) tell(member, {TalkKind::joined, other.id, other.name});
  }
  tell_all({TalkKind::joined, member.id, member.name});
}

void SwarmServer::tell(const Member& member, const Talk& talk) {
  encode(talk, bytes_);
  (void)member.peer.send(bytes_, framepump::Delivery::reliable, kTalkChannel);
}

void SwarmServer::tell_all(const Talk& talk) {
  for (const auto& [handle, member] : members_) {
    if (member.id != 0) tell(member, talk);
  }
}

void SwarmServer::send_snapshot() {
  ++snapshot_.number;
  swarm_.fill(snapshot_);
  encode(snapshot_, bytes_);
  (void)host_.broadcast(bytes_, framepump::Delivery::unreliable, kSnapshotChannel);
}

double SwarmServer::loss() const {
  if (members_.empty()) return 0;
  double sum = 0;
  for (const auto& [handle, member] : members_) {
    const framepump::Result<framepump::PeerInfo> info = member.peer.info();
    if (info) sum += info->loss_permille / 1000.0;
  }
  return sum / static_cast<double>(members_.size());
}

void SwarmServer::stop() {
  tell_all({TalkKind::goodbye, 0, ""});
  (void)host_.close();
}

}  // namespace demo
