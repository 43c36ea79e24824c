// SPDX-License-Identifier: MIT
//
// Publication: what turns the pump's notices into events, readable bytes and room, and ends what the tick before had published.
#include <algorithm>
#include <cstdio>
#include <span>
#include <utility>

#include "network/network.h"
#include "sources/stream_extension.h"

namespace framepump {
namespace {

constexpr uint32_t kNoticesPerLook = 64;    // about 6 us of publishing between looks at the clock
constexpr uint32_t kNoticesAtLeast = 512;   // progress even when the slice is used up
constexpr uint32_t kNoGrant = UINT32_MAX;
constexpr uint32_t kQuietTicks = 8;         // a peer that sends is heard of in fewer

}  // namespace

void Network::end_last_frame() {
  release_datagrams();
  list_missing();
  release_closed();
  trim_readable();
  release_silent_blocks();
  remove_finished_sources();
}

// There was no memory to put a stream on a list, and nothing else would bring it there: its bytes would stay unread, its place taken,
// or its writer waiting.
void Network::list_missing() {
  if (!std::exchange(is_stream_missing_, false)) return;
  for (uint32_t index = 0; index < streams_.limit(); ++index) {
    if (streams_.at(index) == nullptr || !streams_.identity(index).is_live) continue;
    StreamGate& gate = stream_at(index).gate;
    if (gate.available_bytes() > 0) list_readable(gate);
    if (gate.refused_bytes > 0 || gate.unsent.queued_bytes() > 0) list_writer(gate);
    const std::span<uint32_t> closed = closed_.span();
    const bool is_closed = gate.state == FRAMEPUMP_STATE_CLOSED;
    if (is_closed && std::find(closed.begin(), closed.end(), index) == closed.end()) list_closed(gate);
  }
}

void Network::list_readable(StreamGate& gate) {
  if (!gate.is_listed_readable) gate.is_listed_readable = readable_.push(handle_of(gate));
  is_stream_missing_ |= !gate.is_listed_readable;
}

void Network::list_writer(StreamGate& gate) {
  if (!gate.is_listed_writer) gate.is_listed_writer = writers_.push(gate.index);
  is_stream_missing_ |= !gate.is_listed_writer;
}

void Network::list_closed(StreamGate& gate) { is_stream_missing_ |= !closed_.push(gate.index); }

// A closed stream lives until its bytes are consumed or gameplay closes it; then its handle is stale.
void Network::release_closed() {
  uint32_t kept = 0;
  for (uint32_t& index : closed_.span()) {
    const StreamGate& gate = stream_at(index).gate;
    if (gate.available_bytes() > 0 && !gate.close_requested) std::swap(index, closed_[kept++]);
  }
  const std::span<uint32_t> released = closed_.span().subspan(kept);
  if (released.empty()) return;
  for (uint32_t index : released) {
    StreamTable::Identity& identity = streams_.identity(index);
    identity.generation = (identity.generation + 1) & kGenerationMask;
    identity.is_live = false;
    stream_at(index).gate.state = 0;
    if (peek_grant_index_ == index) peek_grant_index_ = kNoGrant;
  }
  // Once for all of them: many may end in one tick.
  const auto is_gone = [this](uint32_t index) { return stream_at(index).gate.state == 0; };
  writers_.remove_if(is_gone);
  peeks_.remove_if(is_gone);
  readable_.remove_if([&](framepump_handle handle) { return is_gone(unpack(handle).index); });
  for (uint32_t index : released) command(stream_at(index), kCommandRelease);
  closed_.resize_down(kept);
}

void Network::publish(Slice& slice, RunReport& run) {
  Zone zone(host_, "framepump publish");
  slice.lap();
  publish_began_us_ = slice.now_us();
  for (uint32_t n = 1; HandoffLink* link = notice_reader_.next(); ++n) {
    StreamGate& gate = *static_cast<StreamGate*>(link);
    publish_stream(gate, link->open());
    if (n % kNoticesPerLook != 0) continue;
    parts_.pump->charge(Phase::publish, slice, run);
    if (n >= kNoticesAtLeast && slice.is_over(0)) break;
  }
  publish_datagrams(slice, run);
  publish_downloads(slice, run);
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

// The stamp is taken before the counter is read: the bytes that it belongs to are then counted, in this tick or already in the last one,
// where they came too early for it.
void Network::publish_bytes(StreamGate& gate) {
  int64_t arrival_ns = gate.arrival_ns.load(std::memory_order_relaxed);
  if (arrival_ns != 0) arrival_ns = gate.arrival_ns.exchange(0, std::memory_order_acquire);
  const uint64_t arrived = gate.received.arrived();
  if (arrived == gate.published) return;
  gate.received.prefetch_front();
  const uint64_t new_bytes = arrived - gate.published;
  published_bytes_ += new_bytes;
  gate.published = arrived;
  if (gate.extension.load(std::memory_order_relaxed) != nullptr) publish_arrivals(gate);
  if (arrival_ns != 0) measure_dwell(gate, arrival_ns, new_bytes);
  list_readable(gate);
}

// How long the oldest byte of this publication waited, and how many ticks began in between.
void Network::measure_dwell(StreamGate& gate, int64_t arrival_ns, uint64_t new_bytes) {
  const int64_t dwell_us = std::clamp<int64_t>((frame_realtime_ns_ - arrival_ns) / 1000, 0, INT32_MAX);
  const uint32_t frames = ticks_since(arrival_ns);
  gate.dwell_us = static_cast<int32_t>(dwell_us);
  gate.dwell_max_us = std::max(gate.dwell_max_us, gate.dwell_us);
  gate.dwell_frames = static_cast<uint8_t>(frames);
  if (!host_.is_traced()) return;
  gate.watched_turns.store(StreamGate::kWatchedTurns, std::memory_order_relaxed);  // a trace goes on looking
  trace_published(handle_of(gate), tick_began_us_ - (frame_realtime_ns_ - arrival_ns) / 1000, new_bytes, frames);
}

// How many ticks began since then, this one not counted; as far back as they are remembered.
uint32_t Network::ticks_since(int64_t realtime_ns) const {
  uint32_t ticks = 0;
  while (ticks + 1 < kTickStarts && ticks + 1 < tick_count_ && tick_starts_ns_[(tick_count_ - 1 - ticks) % kTickStarts] > realtime_ns) {
    ++ticks;
  }
  return ticks;
}

void Network::trace_published(framepump_handle handle, int64_t arrived_us, uint64_t bytes, uint32_t frames) const {
  framepump_trace_event event = {};
  event.kind = FRAMEPUMP_TRACE_PUBLISHED;
  event.handle = handle;
  event.duration_us = std::max<int64_t>(publish_began_us_ - arrived_us, 0);
  event.begin_us = publish_began_us_ - event.duration_us;
  event.bytes = bytes;
  event.value = frames;
  host_.trace(event);
}

// What was said of it, or the peer and the system's reason.
const char* Network::closing_text(const StreamGate& gate) {
  const StreamExtension* const extension = gate.extension.load(std::memory_order_acquire);
  const bool is_aborted = extension != nullptr && extension->abort_reason != 0;
  // The slot is released in the next tick at the earliest.
  if (!is_aborted && extension != nullptr && extension->closing_text != nullptr) return extension->closing_text;
  char peer[kAddressTextBytes];
  format_address(gate.peer, peer);
  char reason[128] = "";
  if (gate.system_code != 0) system_message(gate.system_code, reason);
  const char* const why = is_aborted ? extension->abort_text : reason;
  return events_.text("%s%s%s", peer, why[0] != 0 ? ": " : "", why);
}

// An accepted stream whose handshake failed: gameplay has never heard of it. Whoever runs the server is told, but not more often than he can
// read.
void Network::drop_unannounced(StreamGate& gate) {
  constexpr int64_t kLogEveryUs = 1'000'000;
  streams_.identity(gate.index).is_live = true;  // so that it goes the way of the others
  gate.state = FRAMEPUMP_STATE_CLOSED;
  list_closed(gate);
  ++untold_refused_;
  if (told_refused_us_ != INT64_MIN && frame_now_us_ - told_refused_us_ < kLogEveryUs) return;
  const char* text = closing_text(gate);
  char line[512];
  std::snprintf(line, sizeof(line), "a TLS handshake failed (%llu since the last such line): %s",
                static_cast<unsigned long long>(untold_refused_), text != nullptr ? text : "");
  host_.log(FRAMEPUMP_LOG_INFO, line);
  told_refused_us_ = frame_now_us_;
  untold_refused_ = 0;
}

void Network::publish_closed(StreamGate& gate) {
  if (!streams_.identity(gate.index).is_live) return drop_unannounced(gate);
  gate.state = FRAMEPUMP_STATE_CLOSED;
  gate.refused_bytes = 0;
  drop_reservation(gate);
  list_closed(gate);
  framepump_event& event = add_event(FRAMEPUMP_EVENT_CLOSED, handle_of(gate), gate.user_data);
  event.reason = gate.reason;
  const StreamExtension* const extension = gate.extension.load(std::memory_order_acquire);
  if (extension != nullptr && extension->abort_reason != 0) event.reason = extension->abort_reason;  // also if its end came first, by chance
  event.text = closing_text(gate);
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
    const bool is_reserved = gate.reserved_bytes > 0;  // perhaps in the last block
    if (unsent_bytes == 0 && !is_reserved) gate.unsent.reclaim(pool_);
    if (unsent_bytes > 0 || is_reserved || gate.refused_bytes > 0) {
      writers_[kept++] = index;
    } else {
      gate.is_listed_writer = false;
    }
  }
  writers_.resize_down(kept);
}

// The oldest incomplete peek that cannot go on for lack of memory may finish from the reserve, one at a time: so however many streams wait for
// messages that do not all fit, each gets its own in the end.
//
// Nobody lacks memory while nobody is blocked: then the list is left as it is, which is most of the time. It names a stream at most once.
void Network::serve_peeks() {
  if (counters_.blocked.load(std::memory_order_relaxed) == 0 && peek_grant_index_ == kNoGrant) return;
  uint32_t kept = 0;
  for (uint32_t index : peeks_.span()) {
    StreamGate& gate = stream_at(index).gate;
    const bool is_waiting = gate.peek_bytes > gate.available_bytes() && gate.state != FRAMEPUMP_STATE_CLOSED &&
                            gate.state != FRAMEPUMP_STATE_CLOSING;
    gate.is_listed_peek = is_waiting;
    if (is_waiting) {
      peeks_[kept++] = index;
    } else if (peek_grant_index_ == index) {
      end_peek_grant();
    }
  }
  peeks_.resize_down(kept);
  watch_peek_grant();
  for (uint32_t index : peeks_.span()) {
    if (peek_grant_index_ != kNoGrant) break;
    StreamGate& gate = stream_at(index).gate;
    if (gate.receive_blocked.load() && fits_into_reserve(gate)) grant_peek(index);
  }
}

// What a slow peer's message holds of the reserve stays with it, so there may be too little left for another.
bool Network::fits_into_reserve(const StreamGate& gate) const {
  const uint64_t missing_bytes = gate.peek_bytes - std::min<uint64_t>(gate.peek_bytes, gate.received.queued_bytes());
  // Small blocks hold a 21st less than they are accounted with, and the last may be filled in part.
  return pool_.free_bytes(Account::peek_reserve) >= missing_bytes + missing_bytes / 20 + kSmallBlockBytes;
}

void Network::grant_peek(uint32_t index) {
  StreamGate& gate = stream_at(index).gate;
  peek_grant_index_ = index;
  peek_grant_arrived_ = gate.received.arrived();
  peek_grant_quiet_ticks_ = 0;
  gate.peek_grant_bytes.store(gate.peek_bytes, std::memory_order_relaxed);
  command(stream_at(index), kCommandRoom);
}

void Network::end_peek_grant() {
  stream_at(peek_grant_index_).gate.peek_grant_bytes.store(0, std::memory_order_relaxed);
  peek_grant_index_ = kNoGrant;
}

// Gameplay may have asked for more meanwhile; and a peer that sends nothing must not keep the others from their messages.
void Network::watch_peek_grant() {
  if (peek_grant_index_ == kNoGrant) return;
  const StreamGate& gate = stream_at(peek_grant_index_).gate;
  if (gate.peek_bytes != gate.peek_grant_bytes.load(std::memory_order_relaxed)) return grant_peek(peek_grant_index_);
  const uint64_t arrived = gate.received.arrived();
  const bool is_quiet = arrived == peek_grant_arrived_;
  peek_grant_arrived_ = arrived;
  peek_grant_quiet_ticks_ = is_quiet ? peek_grant_quiet_ticks_ + 1 : 0;
  if (peek_grant_quiet_ticks_ >= kQuietTicks) end_peek_grant();
}

void Network::remove_finished_sources() {
  for (uint32_t index = 0; index < sources_.size(); ++index) {  // what they call in the end may add some
    if (sources_[index].source != nullptr && sources_[index].source->is_finished()) close_source(index);
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
