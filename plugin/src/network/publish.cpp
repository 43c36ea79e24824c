// SPDX-License-Identifier: MIT
//
// Publication: what turns the pump's notices into events, readable bytes and room, and ends what the tick before had published.
#include <algorithm>

#include "network/network.h"

namespace framepump {
namespace {

constexpr uint32_t kNoticesPerLook = 64;    // about 6 us of publishing between looks at the clock
constexpr uint32_t kNoticesAtLeast = 256;   // progress even when the slice is used up
constexpr uint32_t kNoGrant = UINT32_MAX;

}  // namespace

void Network::end_last_frame() {
  release_closed();
  trim_readable();
  remove_finished_sources();
}

// A closed stream lives until its bytes are consumed or gameplay closes it; then its handle is stale.
void Network::release_closed() {
  uint32_t kept = 0;
  for (uint32_t index : closed_.span()) {
    TcpStream& stream = stream_at(index);
    StreamGate& gate = stream.gate;
    if (gate.available_bytes() > 0 && !gate.close_requested) {
      closed_[kept++] = index;
      continue;
    }
    StreamTable::Identity& identity = streams_.identity(index);
    ++identity.generation;
    identity.is_live = false;
    gate.state = 0;
    if (peek_grant_index_ == index) peek_grant_index_ = kNoGrant;
    const auto is_gone = [index](uint32_t other) { return other == index; };
    if (gate.is_listed_writer) writers_.remove_if(is_gone);
    if (gate.is_listed_peek) peeks_.remove_if(is_gone);
    if (gate.is_listed_readable) {
      readable_.remove_if([index](framepump_handle handle) { return unpack(handle).index == index; });
    }
    command(stream, kCommandRelease);
  }
  closed_.resize_down(kept);
}

// Views end here, and streams without unread bytes leave the list; their last block goes back to the pool.
void Network::trim_readable() {
  uint32_t kept = 0;
  for (framepump_handle handle : readable_.span()) {
    TcpStream& stream = stream_at(unpack(handle).index);
    StreamGate& gate = stream.gate;
    gate.received.free_retired(gate.retired, pool_);
    if (gate.available_bytes() > 0) {
      readable_[kept++] = handle;
      continue;
    }
    gate.is_listed_readable = false;
    command(stream, kCommandReclaim);
  }
  readable_.resize_down(kept);
}

void Network::publish(Slice& slice, RunReport& run) {
  Zone zone(host_, "framepump publish");
  slice.lap();
  for (uint32_t n = 1; HandoffLink* link = notice_reader_.next(); ++n) {
    StreamGate& gate = *static_cast<StreamGate*>(link);
    publish_stream(gate, link->open());
    if (n % kNoticesPerLook != 0) continue;
    run.phase(Phase::publish) += slice.lap();
    if (n >= kNoticesAtLeast && slice.is_over(0)) break;
  }
  serve_writers();
  serve_peeks();
}

// Bits are taken before the byte counter is read: everything that was received before the pump said "closed" is published with it.
void Network::publish_stream(StreamGate& gate, uint32_t bits) {
  if ((bits & kNoticeAccepted) != 0) {
    streams_.identity(gate.index).is_live = true;
    gate.state = FRAMEPUMP_STATE_OPEN;
    add_event(FRAMEPUMP_EVENT_ACCEPTED, handle_of(gate), gate.user_data).other = gate.listener;
  }
  const bool is_leaving = gate.state == FRAMEPUMP_STATE_CLOSING;  // gameplay wants to hear of the end only
  if ((bits & kNoticeConnected) != 0 && !is_leaving) {
    gate.state = FRAMEPUMP_STATE_OPEN;
    add_event(FRAMEPUMP_EVENT_CONNECTED, handle_of(gate), gate.user_data);
  }
  if (is_leaving) {
    gate.published = gate.received.arrived();
    gate.received.consume(gate.available_bytes(), pool_);
  } else {
    publish_bytes(gate);
  }
  if ((bits & kNoticePeerHalfClosed) != 0 && !is_leaving) {
    gate.state = FRAMEPUMP_STATE_PEER_HALF_CLOSED;
    add_event(FRAMEPUMP_EVENT_PEER_HALF_CLOSED, handle_of(gate), gate.user_data);
  }
  if ((bits & kNoticeClosed) != 0) publish_closed(gate);
}

void Network::publish_bytes(StreamGate& gate) {
  const uint64_t arrived = gate.received.arrived();
  if (arrived == gate.published) return;
  published_bytes_ += arrived - gate.published;
  gate.published = arrived;
  measure_dwell(gate);
  if (gate.is_listed_readable) return;
  gate.is_listed_readable = readable_.push(handle_of(gate));
}

// How long the oldest byte of this publication waited, and how many ticks began in between.
void Network::measure_dwell(StreamGate& gate) {
  const int64_t arrival_ns = gate.arrival_ns.exchange(0, std::memory_order_relaxed);
  if (arrival_ns == 0) return;
  const int64_t dwell_us = std::clamp<int64_t>((frame_realtime_ns_ - arrival_ns) / 1000, 0, INT32_MAX);
  uint8_t frames = 0;
  while (frames + 1u < kTickStarts && frames + 1u < tick_count_ && tick_starts_ns_[(tick_count_ - 1 - frames) % kTickStarts] > arrival_ns) {
    ++frames;
  }
  gate.dwell_us = static_cast<int32_t>(dwell_us);
  gate.dwell_max_us = std::max(gate.dwell_max_us, gate.dwell_us);
  gate.dwell_frames = frames;
}

void Network::publish_closed(StreamGate& gate) {
  gate.state = FRAMEPUMP_STATE_CLOSED;
  gate.refused_bytes = 0;
  drop_reservation(gate);
  closed_.push(gate.index);
  framepump_event& event = add_event(FRAMEPUMP_EVENT_CLOSED, handle_of(gate), gate.user_data);
  event.reason = gate.reason;
  char peer[kAddressTextBytes];
  format_address(gate.peer, peer);
  char reason[128] = "";
  if (gate.system_code != 0) system_message(gate.system_code, reason);
  event.text = events_.text("%s%s%s", peer, reason[0] != 0 ? ": " : "", reason);
}

// Streams with unsent bytes: whoever was told "no room" hears of room once half of the limit is free and what was refused fits, or can never
// fit, since more streams have been opened: the next try is told so. A queue that ran empty gives its last block back.
void Network::serve_writers() {
  uint32_t kept = 0;
  for (uint32_t index : writers_.span()) {
    TcpStream& stream = stream_at(index);
    StreamGate& gate = stream.gate;
    const uint64_t unsent_bytes = gate.unsent.queued_bytes();
    const uint64_t refused_bytes = gate.refused_bytes;
    if (refused_bytes > 0 && (write_room(stream) >= std::max(unsent_bytes, refused_bytes) || refused_bytes > largest_write(stream))) {
      gate.refused_bytes = 0;
      add_event(FRAMEPUMP_EVENT_WRITABLE, handle_of(gate), gate.user_data);
    }
    if (unsent_bytes == 0) gate.unsent.reclaim(pool_);
    if (unsent_bytes > 0 || gate.refused_bytes > 0) {
      writers_[kept++] = index;
    } else {
      gate.is_listed_writer = false;
    }
  }
  writers_.resize_down(kept);
}

// The oldest incomplete peek that cannot go on for lack of memory may finish from the reserve, one at a time: so however many streams wait for
// messages that do not all fit, each gets its own in the end.
void Network::serve_peeks() {
  uint32_t kept = 0;
  for (uint32_t index : peeks_.span()) {
    TcpStream& stream = stream_at(index);
    StreamGate& gate = stream.gate;
    const bool is_waiting = gate.peek_bytes > gate.available_bytes() && gate.state != FRAMEPUMP_STATE_CLOSED &&
                            gate.state != FRAMEPUMP_STATE_CLOSING;
    if (is_waiting) {
      peeks_[kept++] = index;
      if (peek_grant_index_ == kNoGrant && gate.receive_blocked.load()) {
        peek_grant_index_ = index;
        gate.peek_grant_bytes.store(gate.peek_bytes, std::memory_order_relaxed);
        command(stream, kCommandRoom);
      }
      continue;
    }
    gate.is_listed_peek = false;
    if (peek_grant_index_ != index) continue;
    gate.peek_grant_bytes.store(0, std::memory_order_relaxed);
    peek_grant_index_ = kNoGrant;
  }
  peeks_.resize_down(kept);
}

void Network::remove_finished_sources() {
  for (SourceSlot& slot : sources_.span()) {
    if (slot.source != nullptr && slot.source->is_finished()) close_source(slot);
  }
}

framepump_event& Network::add_event(uint32_t kind, framepump_handle handle, uint64_t user_data) {
  framepump_event& event = events_.add();
  event.kind = kind;
  event.handle = handle;
  event.user_data = user_data;
  event.frame = frame_number_;
  return event;
}

}  // namespace framepump
