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

bool is_realtime(const StreamGate& gate) {
  return gate.wanted_priority.load(std::memory_order_relaxed) == FRAMEPUMP_PRIORITY_REALTIME;
}

// Copies out of pieces, one after the other, as if they were one.
class PartReader {
 public:
  explicit PartReader(std::span<const framepump_part> parts) : parts_(parts) {}

  // No more than there is.
  void copy_to(std::byte* out, uint64_t size_bytes) {
    while (size_bytes > 0) {
      const framepump_part& part = parts_[index_];
      const uint64_t step = std::min(size_bytes, part.size_bytes - offset_);
      if (step > 0) std::memcpy(out, static_cast<const std::byte*>(part.bytes) + offset_, step);
      out += step;
      size_bytes -= step;
      offset_ += step;
      if (offset_ < part.size_bytes) continue;
      ++index_;
      offset_ = 0;
    }
  }

 private:
  std::span<const framepump_part> parts_;
  size_t index_ = 0;
  uint64_t offset_ = 0;
};

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

// How much of these free bytes one stream may queue: within its own limit a quarter of it (compare TcpStream::receive_room).
uint64_t Network::write_share(uint64_t free_bytes) const {
  const uint64_t allowed_bytes = std::min(settings_.send_limit_bytes.load(std::memory_order_relaxed), free_bytes / 4);
  return std::max<uint64_t>(allowed_bytes, kSmallPayloadBytes);  // the guaranteed block
}

// How many bytes this stream may queue now.
uint64_t Network::write_room(const TcpStream& stream) const {
  const uint64_t realtime_bytes = is_realtime(stream.gate) ? pool_.free_bytes(Account::realtime) : 0;
  const uint64_t allowed_bytes = write_share(pool_.free_bytes(Account::send) + realtime_bytes);
  return allowed_bytes - std::min(allowed_bytes, stream.gate.unsent.queued_bytes());
}

// How many it may queue at best: when nobody has anything queued.
uint64_t Network::largest_write(const TcpStream& stream) const {
  const uint64_t realtime_bytes = is_realtime(stream.gate) ? pool_.spendable_bytes(Account::realtime) : 0;
  return write_share(pool_.spendable_bytes(Account::send) + realtime_bytes);
}

Block* Network::take_send_block(TcpStream& stream, uint64_t wanted_bytes) {
  const StreamGate& gate = stream.gate;
  const bool may_take_guaranteed = !gate.unsent.guaranteed_in_use();
  Block* block = nullptr;
  if (wanted_bytes <= kSmallPayloadBytes && may_take_guaranteed) block = pool_.take_small(Account::guaranteed);
  if (block == nullptr) block = take_shared_send_block(gate, wanted_bytes);
  if (block == nullptr && may_take_guaranteed) block = pool_.take_small(Account::guaranteed);
  return block;
}

// Not the guaranteed block, of which there is one.
Block* Network::take_shared_send_block(const StreamGate& gate, uint64_t wanted_bytes) {
  const bool wants_large = wanted_bytes > kSmallPayloadBytes;
  Block* block = wants_large ? pool_.take_large(Account::send) : pool_.take_small(Account::send);
  if (block != nullptr || !is_realtime(gate)) return block;
  return wants_large ? pool_.take_large(Account::realtime) : pool_.take_small(Account::realtime);
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
  list_writer(stream.gate);
  command(stream, kCommandSend);
}

void Network::want_writable(StreamGate& gate, uint64_t refused_bytes) {
  gate.refused_bytes = static_cast<uint32_t>(std::min<uint64_t>(refused_bytes, UINT32_MAX));
  list_writer(gate);
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
  if (*taken < size_bytes) want_writable(stream->gate, 1);  // any room will do
  return FRAMEPUMP_OK;
}

uint32_t Network::write_all(framepump_handle handle, const void* bytes, uint64_t size_bytes) {
  const framepump_part part = {bytes, size_bytes};
  return write_bytes(handle, "write_all", {&part, 1}, size_bytes);
}

uint32_t Network::write_parts(framepump_handle handle, const framepump_part* parts, uint32_t count) {
  uint64_t size_bytes = 0;
  for (const framepump_part& part : std::span(parts, count)) {
    if (part.bytes == nullptr && part.size_bytes > 0) {
      const uint32_t number = static_cast<uint32_t>(&part - parts);
      return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "write_parts: bytes of part %u is null, allowed for a part of 0 bytes only", number);
    }
    size_bytes += std::min(part.size_bytes, UINT64_MAX - size_bytes);
  }
  return write_bytes(handle, "write_parts", {parts, count}, size_bytes);
}

uint32_t Network::write_bytes(framepump_handle handle, const char* what, std::span<const framepump_part> parts, uint64_t size_bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = check_writable(handle, stream); error != FRAMEPUMP_OK) return error;
  const uint64_t allowed_bytes = largest_write(*stream);
  if (size_bytes > allowed_bytes) {
    const bool is_own_limit = allowed_bytes == settings_.send_limit_bytes.load(std::memory_order_relaxed);
    return fail(FRAMEPUMP_ERROR_TOO_LARGE, "%s: size_bytes is %llu, allowed are at most %llu: %s; write() takes a part", what,
                static_cast<unsigned long long>(size_bytes), static_cast<unsigned long long>(allowed_bytes),
                is_own_limit ? "stream.send_limit_kib" : "a quarter of what memory.budget_kib leaves open streams for sending");
  }
  drop_reservation(stream->gate);
  if (size_bytes > write_room(*stream) || !write_everything(*stream, parts, size_bytes)) {
    want_writable(stream->gate, size_bytes);
    return fail(FRAMEPUMP_ERROR_NO_ROOM, "%s: no room for %llu bytes now; a writable event follows", what,
                static_cast<unsigned long long>(size_bytes));
  }
  if (size_bytes > 0) after_write(*stream);
  return FRAMEPUMP_OK;
}

// Every block is there before the first byte is queued.
bool Network::write_everything(TcpStream& stream, std::span<const framepump_part> parts, uint64_t size_bytes) {
  const uint64_t room_bytes = stream.gate.unsent.room().size();
  Block* list = nullptr;
  for (uint64_t capacity_bytes = room_bytes; capacity_bytes < size_bytes;) {
    const uint64_t missing_bytes = size_bytes - capacity_bytes;
    Block* block = list == nullptr && missing_bytes <= kSmallPayloadBytes ? take_send_block(stream, missing_bytes)
                                                                          : take_shared_send_block(stream.gate, missing_bytes);
    if (block == nullptr) {
      give_back_list(list);
      return false;
    }
    block->next.store(list, std::memory_order_relaxed);
    list = block;
    capacity_bytes += block->capacity;
  }
  PartReader reader(parts);
  ByteQueue& queue = stream.gate.unsent;
  uint64_t done = std::min<uint64_t>(room_bytes, size_bytes);
  reader.copy_to(queue.room().data(), done);
  if (done > 0) queue.produce(done);
  while (list != nullptr && done < size_bytes) {
    Block* block = list;
    list = block->next.load(std::memory_order_relaxed);
    block->next.store(nullptr, std::memory_order_relaxed);
    const uint32_t step = static_cast<uint32_t>(std::min<uint64_t>(block->capacity, size_bytes - done));
    reader.copy_to(block->data(), step);
    queue.append(0, block, step);
    done += step;
  }
  give_back_list(list);  // a small block in a large one's place can leave one over
  return true;
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
  const uint64_t allowed_bytes = std::min(kMaxReserveBytes, largest_write(*stream));
  if (size_bytes == 0 || size_bytes > allowed_bytes) {
    return fail(size_bytes == 0 ? FRAMEPUMP_ERROR_INVALID_ARGUMENT : FRAMEPUMP_ERROR_TOO_LARGE,
                "reserve: size_bytes is %llu, allowed is 1 to %llu%s", static_cast<unsigned long long>(size_bytes),
                static_cast<unsigned long long>(allowed_bytes),
                allowed_bytes < kMaxReserveBytes ? ", for lack of stream.send_limit_kib or memory.budget_kib" : "");
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
    want_writable(gate, size_bytes);
    return fail(FRAMEPUMP_ERROR_NO_ROOM, "reserve: no room for %llu bytes now; a writable event follows",
                static_cast<unsigned long long>(size_bytes));
  }
  gate.reserved_bytes = static_cast<uint16_t>(size_bytes);
  return FRAMEPUMP_OK;
}

uint32_t Network::commit(framepump_handle handle, uint64_t size_bytes) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = check_writable(handle, stream); error != FRAMEPUMP_OK) return error;
  StreamGate& gate = stream->gate;
  if (size_bytes > gate.reserved_bytes) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "commit: size_bytes is %llu, allowed are at most the %u bytes reserved",
                static_cast<unsigned long long>(size_bytes), unsigned{gate.reserved_bytes});
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
