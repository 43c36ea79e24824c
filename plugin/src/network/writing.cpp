// SPDX-License-Identifier: MIT
//
// What gameplay writes.
#include <algorithm>
#include <cstring>
#include <span>

#include "network/network.h"

namespace framepump {
namespace {

// What framepump.h promises; a block has room for that on every platform.
constexpr uint64_t kMaxReserveBytes = 65472;
static_assert(kMaxReserveBytes <= kLargePayloadBytes);

}  // namespace

uint32_t Network::check_writable(framepump_handle handle, TcpStream*& stream) {
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  const StreamGate& gate = stream->gate;
  if (gate.write_shut) return fail(FRAMEPUMP_ERROR_CLOSED, "write: shutdown_write was called on this stream");
  if (gate.state == FRAMEPUMP_STATE_CLOSING || gate.state == FRAMEPUMP_STATE_CLOSED) {
    return fail(FRAMEPUMP_ERROR_CLOSED, "write: the stream is closed");
  }
  return FRAMEPUMP_OK;
}

// How many bytes this stream may queue now: within its own limit and a quarter of what is free (see TcpStream::receive_room).
uint64_t Network::write_room(const TcpStream& stream) const {
  const bool is_realtime = stream.gate.wanted_priority.load(std::memory_order_relaxed) == FRAMEPUMP_PRIORITY_REALTIME;
  const uint64_t free_bytes = pool_.free_bytes(Account::send) + (is_realtime ? pool_.free_bytes(Account::realtime) : 0);
  uint64_t allowed_bytes = std::min(settings_.send_limit_bytes.load(std::memory_order_relaxed), free_bytes / 4);
  allowed_bytes = std::max<uint64_t>(allowed_bytes, kSmallPayloadBytes);  // the guaranteed block
  const uint64_t unsent_bytes = stream.gate.unsent.queued_bytes();
  return allowed_bytes - std::min(allowed_bytes, unsent_bytes);
}

Block* Network::take_send_block(TcpStream& stream, uint64_t wanted_bytes) {
  const StreamGate& gate = stream.gate;
  const bool wants_large = wanted_bytes > kSmallPayloadBytes;
  const bool is_realtime = gate.wanted_priority.load(std::memory_order_relaxed) == FRAMEPUMP_PRIORITY_REALTIME;
  Block* block = nullptr;
  if (!wants_large && !gate.unsent.guaranteed_in_use()) block = pool_.take_small(Account::guaranteed);
  if (block == nullptr) block = wants_large ? pool_.take_large(Account::send) : pool_.take_small(Account::send);
  if (block == nullptr && is_realtime) block = wants_large ? pool_.take_large(Account::realtime) : pool_.take_small(Account::realtime);
  if (block == nullptr && !gate.unsent.guaranteed_in_use()) block = pool_.take_small(Account::guaranteed);
  return block;
}

// Queues as much as there is memory for, within `size_bytes`.
uint64_t Network::write_some(TcpStream& stream, const void* bytes, uint64_t size_bytes) {
  ByteQueue& queue = stream.gate.unsent;
  const std::byte* from = static_cast<const std::byte*>(bytes);
  uint64_t done = 0;
  while (done < size_bytes) {
    const std::span<std::byte> room = queue.room();
    if (!room.empty()) {
      const uint64_t step = std::min<uint64_t>(room.size(), size_bytes - done);
      std::memcpy(room.data(), from + done, step);
      queue.produce(step);
      done += step;
      continue;
    }
    Block* block = take_send_block(stream, size_bytes - done);
    if (block == nullptr) break;
    const uint32_t step = static_cast<uint32_t>(std::min<uint64_t>(block->capacity, size_bytes - done));
    std::memcpy(block->data(), from + done, step);
    queue.append(0, block, step);
    done += step;
  }
  return done;
}

void Network::after_write(TcpStream& stream) {
  StreamGate& gate = stream.gate;
  if (!gate.is_listed_writer) gate.is_listed_writer = writers_.push(gate.index);
  command(stream, kCommandSend);
}

void Network::want_writable(StreamGate& gate) {
  gate.wants_writable = true;
  if (!gate.is_listed_writer) gate.is_listed_writer = writers_.push(gate.index);
}

void Network::drop_reservation(StreamGate& gate) {
  if (gate.reserved != nullptr) pool_.give_back(gate.reserved);
  gate.reserved = nullptr;
  gate.reserved_bytes = 0;
}

uint32_t Network::write(framepump_handle handle, const void* bytes, uint64_t size_bytes, uint64_t* taken) {
  TcpStream* stream = nullptr;
  *taken = 0;
  if (const uint32_t error = check_writable(handle, stream); error != FRAMEPUMP_OK) return error;
  drop_reservation(stream->gate);
  *taken = write_some(*stream, bytes, std::min(size_bytes, write_room(*stream)));
  if (*taken > 0) after_write(*stream);
  if (*taken < size_bytes) want_writable(stream->gate);
  return FRAMEPUMP_OK;
}

uint32_t Network::write_all(framepump_handle handle, const void* bytes, uint64_t size_bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = check_writable(handle, stream); error != FRAMEPUMP_OK) return error;
  const uint64_t limit_bytes = settings_.send_limit_bytes.load(std::memory_order_relaxed);
  if (size_bytes > limit_bytes || size_bytes > pool_.budget_bytes() / 32) {
    return fail(FRAMEPUMP_ERROR_TOO_LARGE,
                "write_all: size_bytes is %llu, allowed are at most %llu: the lesser of stream.send_limit_kib and a thirty-second of "
                "memory.budget_kib; write() takes a part",
                static_cast<unsigned long long>(size_bytes),
                static_cast<unsigned long long>(std::min(limit_bytes, pool_.budget_bytes() / 32)));
  }
  drop_reservation(stream->gate);
  if (size_bytes > write_room(*stream) || !write_everything(*stream, bytes, size_bytes)) {
    want_writable(stream->gate);
    return fail(FRAMEPUMP_ERROR_NO_ROOM, "write_all: no room for %llu bytes now; a writable event follows",
                static_cast<unsigned long long>(size_bytes));
  }
  if (size_bytes > 0) after_write(*stream);
  return FRAMEPUMP_OK;
}

// Every block is there before the first byte is queued.
bool Network::write_everything(TcpStream& stream, const void* bytes, uint64_t size_bytes) {
  const uint64_t room_bytes = stream.gate.unsent.room().size();
  Block* list = nullptr;
  for (uint64_t capacity_bytes = room_bytes; capacity_bytes < size_bytes;) {
    const uint64_t missing_bytes = size_bytes - capacity_bytes;
    // take_send_block may hand out the guaranteed block, of which there is one: so only where it is the only block.
    Block* block = list == nullptr && missing_bytes <= kSmallPayloadBytes ? take_send_block(stream, missing_bytes)
                                                                          : pool_.take_large(Account::send);
    if (block == nullptr) {
      give_back_list(list);
      return false;
    }
    block->next.store(list, std::memory_order_relaxed);
    list = block;
    capacity_bytes += block->capacity;
  }
  fill_and_queue(stream.gate.unsent, bytes, size_bytes, list);
  return true;
}

void Network::fill_and_queue(ByteQueue& queue, const void* bytes, uint64_t size_bytes, Block* list) {
  const std::byte* from = static_cast<const std::byte*>(bytes);
  const std::span<std::byte> room = queue.room();
  uint64_t done = std::min<uint64_t>(room.size(), size_bytes);
  std::copy_n(from, done, room.data());
  if (done > 0) queue.produce(done);
  while (list != nullptr && done < size_bytes) {
    Block* block = list;
    list = block->next.load(std::memory_order_relaxed);
    block->next.store(nullptr, std::memory_order_relaxed);
    const uint32_t step = static_cast<uint32_t>(std::min<uint64_t>(block->capacity, size_bytes - done));
    std::memcpy(block->data(), from + done, step);
    queue.append(0, block, step);
    done += step;
  }
  give_back_list(list);  // a small block in a large one's place can leave one over
}

void Network::give_back_list(Block* list) {
  while (list != nullptr) {
    Block* next = list->next.load(std::memory_order_relaxed);
    pool_.give_back(list);
    list = next;
  }
}

uint32_t Network::reserve(framepump_handle handle, uint64_t size_bytes, void** room) {
  TcpStream* stream = nullptr;
  *room = nullptr;
  if (const uint32_t error = check_writable(handle, stream); error != FRAMEPUMP_OK) return error;
  StreamGate& gate = stream->gate;
  drop_reservation(gate);
  if (size_bytes == 0 || size_bytes > kMaxReserveBytes) {
    return fail(size_bytes == 0 ? FRAMEPUMP_ERROR_INVALID_ARGUMENT : FRAMEPUMP_ERROR_TOO_LARGE,
                "reserve: size_bytes is %llu, allowed is 1 to %llu", static_cast<unsigned long long>(size_bytes),
                static_cast<unsigned long long>(kMaxReserveBytes));
  }
  const std::span<std::byte> tail = gate.unsent.room();
  const bool has_room = size_bytes <= write_room(*stream);
  if (has_room && tail.size() >= size_bytes) {
    *room = tail.data();
  } else if (has_room) {
    gate.reserved = take_send_block(*stream, size_bytes);
    if (gate.reserved != nullptr && gate.reserved->capacity < size_bytes) drop_reservation(gate);
    if (gate.reserved != nullptr) *room = gate.reserved->data();
  }
  if (*room == nullptr) {
    want_writable(gate);
    return fail(FRAMEPUMP_ERROR_NO_ROOM, "reserve: no room for %llu bytes now; a writable event follows",
                static_cast<unsigned long long>(size_bytes));
  }
  gate.reserved_bytes = static_cast<uint32_t>(size_bytes);
  return FRAMEPUMP_OK;
}

uint32_t Network::commit(framepump_handle handle, uint64_t size_bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = check_writable(handle, stream); error != FRAMEPUMP_OK) return error;
  StreamGate& gate = stream->gate;
  if (size_bytes > gate.reserved_bytes) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "commit: size_bytes is %llu, allowed are at most the %u bytes reserved",
                static_cast<unsigned long long>(size_bytes), gate.reserved_bytes);
  }
  if (size_bytes == 0) {
    drop_reservation(gate);
    return FRAMEPUMP_OK;
  }
  if (gate.reserved != nullptr) {
    gate.unsent.append(0, gate.reserved, static_cast<uint32_t>(size_bytes));
  } else {
    gate.unsent.produce(size_bytes);
  }
  gate.reserved = nullptr;
  gate.reserved_bytes = 0;
  after_write(*stream);
  return FRAMEPUMP_OK;
}

}  // namespace framepump
