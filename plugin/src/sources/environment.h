// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "gate/block_pool.h"
#include "platform/growable_array.h"
#include "gate/handoff_list.h"
#include "platform/host.h"
#include "pump/pump.h"

namespace framepump {

class HotSet;
class Resolver;
class StreamTable;
class TcpListener;
class TcpStream;

// The live settings that sources look at. Written by the game thread, read by whoever pumps.
struct LiveSettings {
  std::atomic<uint64_t> quantum_bytes{0};
  std::atomic<uint64_t> receive_limit_bytes{0};  // in force: also within memory.budget_kib
  std::atomic<uint64_t> send_limit_bytes{0};
  std::atomic<uint64_t> kernel_window_bytes{0};
  std::atomic<int64_t> idle_timeout_us{0};
  std::atomic<int64_t> linger_us{0};
  std::atomic<int64_t> connect_timeout_us{0};
  std::atomic<int64_t> datagram_timeout_ms{0};
  std::atomic<uint32_t> keepalive_s{0};
  std::atomic<uint32_t> dead_after_s{0};
  std::atomic<uint32_t> names_timeout_ms{0};
  std::atomic<uint32_t> names_tries{0};
  std::atomic<uint32_t> names_parallel{0};
  std::atomic<uint32_t> names_cache_entries{0};
  std::atomic<uint32_t> names_ttl_max_s{0};
  std::atomic<int64_t> names_attempt_delay_us{0};
  std::atomic<bool> no_delay{true};
  std::atomic<bool> delayed_acks{true};
  std::atomic<bool> is_frame_locked{true};
};

// Told once each by a report's `notice`.
enum HintBit : uint32_t {
  kHintReceiveLimit = 1,
  kHintBudget = 2,
  kHintKernelWindow = 4,
  kHintNoWindowRule = 8,
};

// Sums that sources keep. One writer at a time (the token's holder), any reader.
struct Counters {
  std::atomic<uint64_t> received_bytes{0};
  std::atomic<uint64_t> sent_bytes{0};
  std::atomic<uint64_t> accepts{0};
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> closes{0};
  std::atomic<uint64_t> accept_pauses{0};
  std::atomic<uint32_t> blocked{0};
  std::atomic<uint32_t> open_streams{0};
  std::atomic<uint32_t> hints{0};
  std::atomic<uint64_t> tls_handshakes{0};
  std::atomic<uint64_t> tls_failures{0};
};

// A single writer needs no locked add.
template <typename T>
void add(std::atomic<T>& counter, T amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// Sources that cannot go on before memory or a descriptor comes free, wherever it comes from.
class WaitingRoom {
 public:
  // Makes room for a few, so that the first who waits does not allocate in a tick.
  WaitingRoom(const Host& host, Pump& pump) : pump_(pump), waiting_(host) { (void)waiting_.make_room(); }

  // `place` is the source's place in here, kNowhere when it is not.
  static constexpr uint32_t kNowhere = UINT32_MAX;
  struct Entry {
    Source* source;
    uint32_t* place;
  };
  void enter(Source& source, uint32_t& place) {
    if (place != kNowhere) return;
    if (!waiting_.push({&source, &place})) {
      pump_.make_ready(source);  // no memory even for this: keep asking
      return;
    }
    place = waiting_.size() - 1;
    count_.store(waiting_.size(), std::memory_order_relaxed);
  }
  void leave(uint32_t& place) {
    if (place == kNowhere) return;
    waiting_[place] = waiting_[waiting_.size() - 1];
    *waiting_[place].place = place;
    waiting_.resize_down(waiting_.size() - 1);
    place = kNowhere;
    count_.store(waiting_.size(), std::memory_order_relaxed);
  }
  void wake_all() {
    for (Entry& entry : waiting_.span()) {
      *entry.place = kNowhere;
      pump_.make_ready(*entry.source);
    }
    waiting_.clear();
    count_.store(0, std::memory_order_relaxed);
  }
  // Any thread.
  bool is_empty() const { return count_.load(std::memory_order_relaxed) == 0; }

 private:
  Pump& pump_;
  GrowableArray<Entry> waiting_;
  std::atomic<uint32_t> count_{0};
};

// What every socket source of one network shares.
struct Environment {
  const Host& host;
  Pump& pump;
  BlockPool& pool;
  HandoffList& notices;
  HotSet& hot;
  StreamTable& streams;
  WaitingRoom& memory_waiters;
  WaitingRoom& descriptor_waiters;
  LiveSettings& settings;
  Counters& counters;
  Resolver* resolver;  // null: names are not looked up
  std::byte* scratch;  // kLargeBlockBytes, for input that is thrown away, and to put a TLS record together; the token's holder's
  WaitingRoom& tls_waiters;  // for their certificates and authorities, which the file thread loads
};

}  // namespace framepump
