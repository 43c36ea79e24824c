// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "bench/support/bytes.h"

namespace framepump::bench {

// Where contestants whose library reads into buffers keep a frame's bytes for gameplay, without a copy: as much as the bare drain
// loop has, in chunks. A chunk that comes free is the next one taken, so that it is still in the cache.
class FrameChunks {
 public:
  explicit FrameChunks(size_t chunk_bytes, size_t total_bytes = size_t{64} << 20)
      : chunk_bytes_(chunk_bytes), memory_(std::make_unique<char[]>(total_bytes)) {
    for (size_t at = total_bytes; at >= chunk_bytes; at -= chunk_bytes) free_.push_back(&memory_[at - chunk_bytes]);
    filled_.reserve(free_.size());
  }

  size_t chunk_bytes() const { return chunk_bytes_; }
  // Null when the frame has as much as it can hold.
  char* take() {
    if (free_.empty()) return nullptr;
    char* chunk = free_.back();
    free_.pop_back();
    return chunk;
  }
  void give_back(char* chunk) { free_.push_back(chunk); }
  void keep(char* chunk, size_t size_bytes) { filled_.push_back({chunk, size_bytes}); }
  size_t kept_chunks() const { return filled_.size(); }

  // Gameplay: looks at the frame's bytes in their order, and is done with them.
  void consume(ByteHash& hash) {
    for (const Filled& filled : filled_) hash.add(filled.chunk, filled.size_bytes);
    while (!filled_.empty()) {
      free_.push_back(filled_.back().chunk);
      filled_.pop_back();
    }
  }

 private:
  struct Filled {
    char* chunk;
    size_t size_bytes;
  };

  size_t chunk_bytes_;
  std::unique_ptr<char[]> memory_;
  std::vector<char*> free_;
  std::vector<Filled> filled_;
};

}  // namespace framepump::bench
