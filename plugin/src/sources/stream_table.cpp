// SPDX-License-Identifier: MIT
#include "sources/stream_table.h"

#include <algorithm>
#include <new>

namespace framepump {

bool StreamTable::open(Environment& environment, uint32_t limit) {
  environment_ = &environment;
  const uint32_t chunk_count = (limit + kChunkStreams - 1) / kChunkStreams;
  using Pointer = std::atomic<Chunk*>;
  chunks_ = static_cast<Pointer*>(host_.allocate(uint64_t{chunk_count} * sizeof(Pointer), alignof(Pointer)));
  if (chunks_ == nullptr) return false;
  chunk_count_ = chunk_count;
  limit_ = limit;
  for (uint32_t i = 0; i < chunk_count_; ++i) new (&chunks_[i]) Pointer(nullptr);
  return free_.open(host_, limit, AtomicBitmap::Fill::full);
}

void StreamTable::destroy_all() {
  for (uint32_t i = 0; i < chunk_count_; ++i) {
    Chunk* chunk = chunks_[i].load();
    if (chunk == nullptr) continue;
    for (uint32_t k = 0; k < kChunkStreams; ++k) {
      chunk->stream(k)->destroy_now();
      chunk->stream(k)->~TcpStream();
    }
    host_.destroy(chunk);
  }
  host_.release(chunks_, uint64_t{chunk_count_} * sizeof(std::atomic<Chunk*>), alignof(std::atomic<Chunk*>));
  chunks_ = nullptr;
  chunk_count_ = limit_ = 0;
}

StreamTable::Chunk* StreamTable::chunk_for(uint32_t index) {
  std::atomic<Chunk*>& place = chunks_[index / kChunkStreams];
  Chunk* chunk = place.load(std::memory_order_acquire);
  if (chunk != nullptr) return chunk;
  Chunk* made = host_.create<Chunk>();
  if (made == nullptr) return nullptr;
  for (uint32_t i = 0; i < kChunkStreams; ++i) new (made->storage[i]) TcpStream(*environment_);
  if (place.compare_exchange_strong(chunk, made, std::memory_order_acq_rel)) return made;
  for (uint32_t i = 0; i < kChunkStreams; ++i) made->stream(i)->~TcpStream();  // another thread was first
  host_.destroy(made);
  return chunk;
}

void StreamTable::warm(uint32_t count) {
  for (uint32_t index = 0; index < std::min(count, limit_); index += kChunkStreams) {
    if (chunk_for(index) == nullptr) return;  // what is missing now may be there when it is needed
  }
}

TcpStream* StreamTable::take(uint32_t& index) {
  index = free_.take();
  if (index == AtomicBitmap::kNone) return nullptr;
  Chunk* chunk = chunk_for(index);
  if (chunk == nullptr || !environment_->pool.reserve_stream()) {
    free_.insert(index);
    return nullptr;
  }
  environment_->counters.open_streams.fetch_add(1, std::memory_order_relaxed);
  chunk->stream(index % kChunkStreams)->gate.index = index;
  return chunk->stream(index % kChunkStreams);
}

void StreamTable::give_back(TcpStream& stream) {
  const uint32_t index = stream.gate.index;
  stream.destroy_now();
  stream.~TcpStream();
  new (&stream) TcpStream(*environment_);
  stream.gate.index = index;
  environment_->pool.release_stream();
  free_slot(index);
  environment_->memory_waiters.wake_all();  // a listener may wait for a slot
}

void StreamTable::put_back_unused(TcpStream& stream) {
  environment_->pool.put_back_unused_stream();
  free_slot(stream.gate.index);
}

void StreamTable::free_slot(uint32_t index) {
  environment_->counters.open_streams.fetch_sub(1, std::memory_order_relaxed);
  free_.insert(index);
}

}  // namespace framepump
