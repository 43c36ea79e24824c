// SPDX-License-Identifier: MIT
//
// What becomes of the block of a stream whose bytes gameplay has read.
#include <span>

#include "network/network.h"
#include "platform/prefetch.h"

namespace framepump {
namespace {

constexpr size_t kStreamsAhead = 4;  // how early a stream is asked for that is not in the cache
constexpr uint32_t kTicksARound = 32;

}  // namespace

// Views end here, and streams without unread bytes leave the list.
void Network::trim_readable() {
  if (readable_.size() == 0) return;
  const bool has_token = mode_ == FRAMEPUMP_MODE_FRAME_LOCKED && token_.try_acquire_in_passing();
  uint32_t kept = 0;
  const std::span<const framepump_handle> handles = readable_.span();
  for (size_t i = 0; i < handles.size(); ++i) {
    if (i + kStreamsAhead < handles.size()) {
      const StreamGate& ahead = stream_at(unpack(handles[i + kStreamsAhead]).index).gate;
      prefetch_to_write(&ahead, StreamGate::kMessageBytes);
    }
    const framepump_handle handle = handles[i];
    TcpStream& stream = stream_at(unpack(handle).index);
    StreamGate& gate = stream.gate;
    gate.received.free_retired(gate.retired, pool_);
    if (gate.available_bytes() > 0) {
      readable_[kept++] = handle;
      continue;
    }
    gate.is_listed_readable = false;
    if (!keep_last_block(gate)) release_last_block(stream, has_token);
  }
  readable_.resize_down(kept);
  if (has_token) token_.release();
}

// A thousand streams that talk in every frame would give a thousand blocks back and take them anew: a third of what their messages cost
// beyond the system calls. So the block that is paid for while the stream is open stays, until the stream was silent for a round.
bool Network::keep_last_block(StreamGate& gate) {
  if (!gate.received.guaranteed_in_use()) return false;
  if (!gate.is_listed_emptied && emptied_.size() < emptied_limit_) gate.is_listed_emptied = emptied_.push(handle_of(gate));
  gate.was_emptied = gate.is_listed_emptied;
  return gate.is_listed_emptied;
}

// At once where nobody else pumps, since to come back to a stream for that costs more than the rest of it.
void Network::release_last_block(TcpStream& stream, bool has_token) {
  if (has_token) {
    stream.gate.received.reclaim(pool_);
  } else {
    command(stream, kCommandReclaim);
  }
}

// The clock algorithm (Corbato 1968): in a round the hand passes every stream that was listed when it began, and takes the block of those
// that have not talked since the round before.
void Network::release_silent_blocks() {
  emptied_way_ += emptied_.size();
  uint32_t passes = emptied_way_ / kTicksARound;
  emptied_way_ %= kTicksARound;
  if (passes == 0) return;
  const bool has_token = mode_ == FRAMEPUMP_MODE_FRAME_LOCKED && token_.try_acquire_in_passing();
  for (; passes > 0 && emptied_.size() > 0; --passes) {
    if (emptied_hand_ >= emptied_.size()) emptied_hand_ = 0;
    TcpStream* stream = live_stream(unpack(emptied_[emptied_hand_]));
    if (stream != nullptr && stream->gate.was_emptied) {
      stream->gate.was_emptied = false;
      ++emptied_hand_;
      continue;
    }
    if (stream != nullptr) {
      stream->gate.is_listed_emptied = false;
      // One with unread bytes is listed again when they are read.
      if (!stream->gate.is_listed_readable) release_last_block(*stream, has_token);
    }
    emptied_[emptied_hand_] = emptied_[emptied_.size() - 1];
    emptied_.resize_down(emptied_.size() - 1);
  }
  if (has_token) token_.release();
}

}  // namespace framepump
