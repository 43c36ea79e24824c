// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "gate/atomic_bitmap.h"
#include "platform/host.h"
#include "sources/tcp_stream.h"

namespace framepump {

// The slots of all streams, made in chunks when first needed and kept. A connect takes one on the game thread, an accept on
// whichever thread pumps; neither waits for the other.
class StreamTable {
 public:
  explicit StreamTable(const Host& host) : host_(host) {}
  ~StreamTable() { destroy_all(); }
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  // `environment` must outlive the table. False: out of memory.
  bool open(Environment& environment, uint32_t limit);

  // While the pump and the other sources in its lists are still there; then the table is empty. Nobody may pump any more.
  void destroy_all();

  // Makes the first `count` slots now, for a crowd that may come: their memory is half of what accepting costs on top of the system
  // calls. Any thread.
  void warm(uint32_t count);

  // A slot nobody uses, with its memory reserved; null when limits.streams or the budget is reached. `index` is its place.
  TcpStream* take(uint32_t& index);
  // Nobody refers to it any more, and it is made anew. Its identity stays, for the next handle.
  void give_back(TcpStream& stream);
  // As give_back, for a slot that was not used after all.
  void put_back_unused(TcpStream& stream);

  // The slot at a place; null where none was ever made. Any thread.
  TcpStream* at(uint32_t index) const {
    Chunk* chunk = chunk_of(index);
    return chunk == nullptr ? nullptr : chunk->stream(index % kChunkStreams);
  }
  uint32_t limit() const { return limit_; }

  // What makes a handle stale. Gameplay's own, so it lies outside of the slot, which changes hands.
  struct Identity {
    uint32_t generation = 0;  // of the next or current user; within what a handle holds
    bool is_live = false;     // gameplay holds a handle to it
  };
  // Of a slot that was taken once.
  Identity& identity(uint32_t index) { return made_chunk(index).identities[index % kChunkStreams]; }
  TcpStream& slot(uint32_t index) { return *made_chunk(index).stream(index % kChunkStreams); }
  // The slot of a stream to which gameplay holds a handle; null: there is none of that generation. Gameplay's own.
  TcpStream* find_live(uint32_t index, uint32_t generation) const {
    Chunk* chunk = chunk_of(index);
    if (chunk == nullptr) return nullptr;
    const Identity& identity = chunk->identities[index % kChunkStreams];
    return identity.is_live && identity.generation == generation ? chunk->stream(index % kChunkStreams) : nullptr;
  }

 private:
  static constexpr uint32_t kChunkStreams = 64;
  struct Chunk {
    alignas(TcpStream) std::byte storage[kChunkStreams][sizeof(TcpStream)];
    Identity identities[kChunkStreams];

    Chunk() {}  // NOLINT(modernize-use-equals-default): that would write all of it twice
    TcpStream* stream(uint32_t i) { return std::launder(reinterpret_cast<TcpStream*>(storage[i])); }
  };

  // Null: not made yet, or beyond the limit.
  Chunk* chunk_of(uint32_t index) const {
    return index < limit_ ? chunks_[index / kChunkStreams].load(std::memory_order_acquire) : nullptr;
  }
  Chunk& made_chunk(uint32_t index) { return *chunks_[index / kChunkStreams].load(std::memory_order_acquire); }
  Chunk* chunk_for(uint32_t index);  // makes it; null: out of memory
  void free_slot(uint32_t index);

  const Host& host_;
  Environment* environment_ = nullptr;
  uint32_t limit_ = 0;
  uint32_t chunk_count_ = 0;
  std::atomic<Chunk*>* chunks_ = nullptr;
  AtomicBitmap free_;
};

}  // namespace framepump
