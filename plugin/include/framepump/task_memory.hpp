// SPDX-License-Identifier: MIT
//
// Where coroutines have their frames: memory of the network's own allocator, kept for the next frame of a like size.
#pragma once

#include <framepump/framepump.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names
namespace detail {

// Pieces of a few sizes, cut from chunks. A piece that was given back is the next one of its size, so a steady state allocates nothing;
// what is larger than the largest size comes from the allocator each time. Chunks go back all at once, in release_all.
class TaskMemory {
 public:
  TaskMemory() = default;
  TaskMemory(const TaskMemory&) = delete;
  TaskMemory& operator=(const TaskMemory&) = delete;

  void open(const framepump_api* api, framepump_handle network) {
    api_ = api;
    network_ = network;
  }
  // Aligned to 16 bytes. Null: the allocator returned null, or there is no network.
  void* take(size_t size_bytes) {
    if (network_ == 0) return nullptr;
    if (size_bytes > kLargestPieceBytes) return allocate(size_bytes);
    const Size size = size_of(size_bytes);
    void* piece = free_[size.index];
    if (piece != nullptr) {
      free_[size.index] = *static_cast<void**>(piece);
      return piece;
    }
    return cut(size.bytes);
  }
  void give_back(void* piece, size_t size_bytes) {
    if (size_bytes > kLargestPieceBytes) return release(piece, size_bytes);
    void*& first = free_[size_of(size_bytes).index];
    *static_cast<void**>(piece) = first;
    first = piece;
  }
  void release_all() {
    while (chunks_ != nullptr) {
      Chunk* next = chunks_->next;
      release(chunks_, chunks_->size_bytes);
      chunks_ = next;
    }
    cut_ = cut_end_ = nullptr;
    for (void*& first : free_) first = nullptr;
    network_ = 0;
  }

 private:
  static constexpr size_t kStepBytes = 64;
  static constexpr size_t kSteps = 16;                    // sizes of 64, 128 ... 1024 bytes
  static constexpr size_t kDoublings = 6;                 // and of 2, 4 ... 64 KiB
  static constexpr size_t kLargestPieceBytes = kStepBytes * kSteps << kDoublings;
  static constexpr size_t kChunkBytes = size_t{16} * 1024;  // room for a dozen to a hundred frames
  static constexpr uint64_t kAlignment = 16;

  struct Size {
    size_t index;
    size_t bytes;
  };
  struct alignas(kAlignment) Chunk {
    Chunk* next;
    size_t size_bytes;
  };

  static Size size_of(size_t size_bytes) {
    if (size_bytes <= kStepBytes * kSteps) {
      const size_t steps = size_bytes == 0 ? 1 : (size_bytes + kStepBytes - 1) / kStepBytes;
      return {steps - 1, steps * kStepBytes};
    }
    const size_t bytes = std::bit_ceil(size_bytes);
    return {kSteps - 1 + static_cast<size_t>(std::countr_zero(bytes) - std::countr_zero(kStepBytes * kSteps)), bytes};
  }
  void* cut(size_t piece_bytes) {
    if (piece_bytes > kChunkBytes / 4) return add_chunk(piece_bytes);  // or much of a chunk would be left over
    if (static_cast<size_t>(cut_end_ - cut_) < piece_bytes) {
      std::byte* chunk = add_chunk(kChunkBytes);
      if (chunk == nullptr) return nullptr;
      cut_ = chunk;
      cut_end_ = chunk + kChunkBytes;
    }
    void* piece = cut_;
    cut_ += piece_bytes;
    return piece;
  }
  std::byte* add_chunk(size_t room_bytes) {
    Chunk* chunk = static_cast<Chunk*>(allocate(sizeof(Chunk) + room_bytes));
    if (chunk == nullptr) return nullptr;
    chunk->next = chunks_;
    chunk->size_bytes = sizeof(Chunk) + room_bytes;
    chunks_ = chunk;
    return reinterpret_cast<std::byte*>(chunk + 1);
  }
  void* allocate(size_t size_bytes) {
    void* memory = nullptr;
    return api_->allocate(network_, size_bytes, kAlignment, &memory) == FRAMEPUMP_OK ? memory : nullptr;
  }
  void release(void* memory, size_t size_bytes) { api_->release(network_, memory, size_bytes, kAlignment); }

  const framepump_api* api_ = nullptr;
  framepump_handle network_ = 0;
  Chunk* chunks_ = nullptr;
  std::byte* cut_ = nullptr;
  std::byte* cut_end_ = nullptr;
  void* free_[kSteps + kDoublings] = {};
};

}  // namespace detail
}  // namespace v0
}  // namespace framepump
