// SPDX-License-Identifier: MIT
//
// When bytes came: what the pump wrote down of each read, in the frame's time.
#include <algorithm>
#include <cstring>

#include "network/network.h"

namespace framepump {

ArrivalLog* Network::arrival_log(const StreamGate& gate) const {
  const StreamExtension* const extension = gate.extension.load(std::memory_order_relaxed);
  return extension == nullptr ? nullptr : extension->arrivals.load(std::memory_order_relaxed);
}

// Made if it is not there yet; null: no memory.
StreamExtension* Network::extension_of(StreamGate& gate) {
  StreamExtension* extension = gate.extension.load(std::memory_order_acquire);
  if (extension != nullptr) return extension;
  StreamExtension* const made = host_.create<StreamExtension>(host_);
  if (made == nullptr || gate.extension.compare_exchange_strong(extension, made, std::memory_order_acq_rel)) return made;
  host_.destroy(made);  // the pump was first
  return extension;
}

ArrivalLog::FrameTime Network::frame_time() const {
  return {.frame_us = frame_now_us_, .realtime_ns = frame_realtime_ns_, .tick = static_cast<uint32_t>(tick_count_)};
}

uint32_t Network::watch_arrivals(framepump_handle handle, uint32_t on) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  if (on > 1) return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "watch_arrivals: on is %u, allowed are 0 and 1", on);
  StreamGate& gate = stream->gate;
  ArrivalLog* log = arrival_log(gate);
  if (on == 0) {
    if (log != nullptr) log->is_on.store(false, std::memory_order_release);
    return FRAMEPUMP_OK;
  }
  if (log == nullptr) {
    StreamExtension* const extension = extension_of(gate);
    log = extension == nullptr ? nullptr : host_.create<ArrivalLog>();
    if (log == nullptr) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "watch_arrivals: the allocator returned null");
    log->turn_on(frame_time());
    extension->arrivals.store(log, std::memory_order_release);
  } else if (!log->is_on.load(std::memory_order_relaxed)) {
    log->turn_on(frame_time());
  }
  gate.watched_turns.store(StreamGate::kWatchedTurns, std::memory_order_relaxed);
  command(*stream, kCommandRoom);  // a turn, in which it asks the kernel for stamps: only packets that come later have them
  return FRAMEPUMP_OK;
}

void Network::publish_arrivals(StreamGate& gate) {
  ArrivalLog* const log = arrival_log(gate);
  if (log == nullptr) return;
  log->publish(gate.published, frame_time(), [this](int64_t realtime_ns) { return ticks_since(realtime_ns); });
  log->forget(gate.received.consumed());
  if (!log->is_on.load(std::memory_order_relaxed)) return;
  gate.watched_turns.store(StreamGate::kWatchedTurns, std::memory_order_relaxed);  // the round trip is watched along with it
}

uint32_t Network::arrival(framepump_handle handle, uint64_t offset_bytes, framepump_arrival& out) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  ArrivalLog* const log = arrival_log(stream->gate);
  if (log == nullptr) return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "arrival: watch_arrivals was not called for this stream");
  if (offset_bytes >= stream->gate.available_bytes()) return FRAMEPUMP_ERROR_NOT_YET;
  const uint64_t consumed = stream->gate.received.consumed();
  const ArrivalLog::Arrival found = log->find(consumed + offset_bytes, consumed);
  framepump_arrival all = {};
  all.struct_size = out.struct_size;
  all.flags = found.flags;
  all.arrived_us = found.arrived_us;
  all.waited_us = std::max<int64_t>(frame_now_us_ - found.arrived_us, 0);
  all.waited_frames = static_cast<uint32_t>(tick_count_) - found.tick;
  std::memcpy(&out, &all, std::min<size_t>(out.struct_size, sizeof(all)));
  return FRAMEPUMP_OK;
}

}  // namespace framepump
