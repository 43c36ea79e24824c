// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "platform/host.h"
#include "platform/prefetch.h"

namespace framepump {

class EnetHost;

// What a message counts besides its bytes. One of up to kSmallBytes takes a Datagram and no more, 192 bytes; a larger one about 280 besides its
// bytes: a Datagram, the library's packet, and their headers in malloc.
constexpr uint64_t kMessageOverheadBytes = 128;

enum class DatagramKind : uint8_t {
  // pump to gameplay
  message,
  accepted,
  connected,
  peer_closed,
  host_closed,
  // gameplay to pump
  send,
  broadcast,
  connect,
  close_peer,
  abort_peer,
  close_host,
  abort_host,
};

// One thing that a datagram host and gameplay tell each other. A large message's packet is carried along, not copied. A small one is
// copied, so that its packet goes back to malloc at once, out of a warm cache and to be used again by the next: to free it a frame later
// costs more than the copy (measured).
struct alignas(kCacheLineBytes) Datagram {
  static constexpr uint32_t kSmallBytes = 128;

  enum class State : uint8_t { queued, taken, dropped };

  // The first cache line is all there is besides a small one's bytes, and all that is looked at to give it back.
  Datagram* next = nullptr;            // in a stack or chain
  Datagram* next_droppable = nullptr;  // the pump's: the next unreliable message of the same peer
  void* packet = nullptr;              // the library's; null: it is small
  const void* payload = nullptr;
  EnetHost* host = nullptr;
  int64_t since_us = 0;                // monotonic: it came after this
  union {
    uint32_t size_bytes = 0;           // of a message
    uint32_t value;                    // connect data, or a host's reason
  };
  uint32_t peer = 0;                   // its place in the host's table
  uint32_t serial = 0;                 // which connection (to gameplay) or which handle's generation (to the pump) is meant
  DatagramKind kind = DatagramKind::message;
  uint8_t channel = 0;
  uint8_t delivery = 0;
  // Gameplay takes a queued message, or the pump drops it: whoever is first.
  std::atomic<State> state{State::queued};
  alignas(kCacheLineBytes) std::byte small[kSmallBytes];

  uint64_t charged_bytes() const { return uint64_t{size_bytes} + kMessageOverheadBytes; }
  bool change_state(State to) {
    State expected = State::queued;
    return state.compare_exchange_strong(expected, to, std::memory_order_acq_rel);
  }
};
static_assert(sizeof(Datagram) == kCacheLineBytes + Datagram::kSmallBytes);

// From one thread to another, in order and without a lock: a Treiber stack of which only the whole is taken.
class DatagramStack {
 public:
  DatagramStack() = default;
  DatagramStack(const DatagramStack&) = delete;
  DatagramStack& operator=(const DatagramStack&) = delete;

  void push(Datagram& datagram) { push_chain(datagram, datagram); }
  // A chain linked from the newest to the oldest.
  void push_chain(Datagram& newest, Datagram& oldest) {
    Datagram* top = top_.load(std::memory_order_relaxed);
    do {
      oldest.next = top;
    } while (!top_.compare_exchange_weak(top, &newest, std::memory_order_release, std::memory_order_relaxed));
  }
  // Everything pushed so far, linked from the oldest to the newest; null when there is nothing.
  Datagram* take_all() {
    if (is_empty()) return nullptr;
    Datagram* newest = top_.exchange(nullptr, std::memory_order_acquire);
    Datagram* oldest = nullptr;
    while (newest != nullptr) {
      Datagram* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    return oldest;
  }
  bool is_empty() const { return top_.load(std::memory_order_acquire) == nullptr; }

 private:
  std::atomic<Datagram*> top_{nullptr};
};

// Several, collected by one thread before they are handed over in one step.
class DatagramChain {
 public:
  void add(Datagram& datagram) {
    datagram.next = newest_;
    newest_ = &datagram;
    if (oldest_ == nullptr) oldest_ = &datagram;
  }
  void hand_over(DatagramStack& to) {
    if (newest_ != nullptr) to.push_chain(*newest_, *oldest_);
    newest_ = oldest_ = nullptr;
  }

 private:
  Datagram* newest_ = nullptr;
  Datagram* oldest_ = nullptr;
};

// Datagrams of one thread, made in chunks and kept, so that a steady state allocates none. How many are out is bounded by the
// queues' limits, each message counting its overhead.
class DatagramPool {
 public:
  explicit DatagramPool(const Host& host) : host_(host) {}
  ~DatagramPool() {
    while (chunks_ != nullptr) {
      Chunk* next = chunks_->next;
      host_.destroy(chunks_);
      chunks_ = next;
    }
  }
  DatagramPool(const DatagramPool&) = delete;
  DatagramPool& operator=(const DatagramPool&) = delete;

  // False: no memory for as many.
  bool has_one() { return free_ != nullptr || add_chunk(); }
  bool has_two() { return (free_ != nullptr && free_->next != nullptr) || add_chunk(); }
  // Made anew; null: no memory.
  Datagram* take() {
    if (!has_one()) return nullptr;
    Datagram* datagram = free_;
    free_ = datagram->next;
    prefetch_to_write(free_, kWrittenBytes);
    datagram->~Datagram();
    return new (datagram) Datagram;
  }
  void put_back(Datagram& datagram) {
    datagram.next = free_;
    free_ = &datagram;
  }

 private:
  static constexpr size_t kWrittenBytes = 2 * kCacheLineBytes;  // of the next one, with a few bytes in it
  static constexpr uint32_t kChunkDatagrams = 64;  // 12 KiB: what a small client ever needs
  struct Chunk {
    Chunk* next = nullptr;
    Datagram datagrams[kChunkDatagrams];
  };

  bool add_chunk() {
    Chunk* chunk = host_.create<Chunk>();
    if (chunk == nullptr) return false;
    chunk->next = chunks_;
    chunks_ = chunk;
    for (Datagram& datagram : chunk->datagrams) put_back(datagram);
    return true;
  }

  const Host& host_;
  Chunk* chunks_ = nullptr;
  Datagram* free_ = nullptr;
};

// What passes between gameplay and all datagram hosts of a network. Commands have a stack in each host.
struct DatagramGate {
  explicit DatagramGate(const Host& host) : arrival_pool(host), command_pool(host) {}

  DatagramStack arrivals;           // pump to gameplay
  DatagramStack arrivals_done;      // gameplay is done with these
  DatagramStack commands_done;      // the pump is done with these
  DatagramPool arrival_pool;        // the token holder's
  DatagramPool command_pool;        // gameplay's
};

}  // namespace framepump
