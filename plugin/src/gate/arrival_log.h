// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace framepump {

// When the bytes of one stream reached the kernel: one entry for each read, written by the pump before it counts the bytes as queued,
// so that whoever sees the bytes finds their entry. A ring of fixed size; when so many reads lie unread, what comes then has none.
class ArrivalLog {
 public:
  static constexpr uint32_t kEntries = 256;  // a power of two

  // Where the frame's clock stands, for what the pump knows in the clock of stamps only.
  struct FrameTime {
    int64_t frame_us = 0;
    int64_t realtime_ns = 0;
    uint32_t tick = 0;  // counts ticks
  };
  struct Arrival {
    int64_t arrived_us = 0;  // of the frame's clock
    uint32_t tick = 0;       // the first that began afterwards
    uint32_t flags = 0;      // FRAMEPUMP_ARRIVAL_*
  };

  // ---- both sides ----
  std::atomic<bool> is_on{false};
  std::atomic<uint32_t> rtt_jitter_us{0};

  // ---- the pump ----

  // The bytes from position `begin` to `end` were read; they came at `arrival_ns`, of the realtime clock.
  void note(uint64_t begin, uint64_t end, int64_t arrival_ns, uint32_t flags);

  // ---- gameplay ----

  void turn_on(const FrameTime& now);
  // What is published up to `published` gets its time of the frame's clock. `ticks_since(ns)`: how many ticks began since then, the
  // newest one not counted.
  template <typename TicksSince>
  void publish(uint64_t published, const FrameTime& now, TicksSince ticks_since) {
    const uint32_t written = written_.load(std::memory_order_acquire);
    while (published_ != written && at(published_).end <= published) {
      Entry& entry = at(published_++);
      entry.arrival = entry.arrival_ns == 0 ? unknown_ : in_frame_time(entry, now, now.tick - ticks_since(entry.arrival_ns));
    }
  }
  // Of the byte at this position, which is published. What lies before `consumed` is forgotten.
  Arrival find(uint64_t position, uint64_t consumed);
  void forget(uint64_t consumed);
  int64_t jitter_us() const { return scaled_jitter_us_ >> kGainBits; }

 private:
  static constexpr uint32_t kGainBits = 4;
  struct Entry {
    uint64_t end = 0;        // position behind the last byte
    int64_t arrival_ns = 0;  // 0: not known
    Arrival arrival;         // gameplay's own; the pump presets its flags
  };
  Entry& at(uint32_t index) { return entries_[index % kEntries]; }
  bool push(uint64_t end, int64_t arrival_ns, uint32_t flags);
  Arrival in_frame_time(const Entry& entry, const FrameTime& now, uint32_t tick);
  void add_interval(int64_t arrival_ns);

  Entry entries_[kEntries];
  // the pump's
  std::atomic<uint32_t> written_{0};
  uint64_t noted_ = 0;       // position up to which there are entries
  int64_t skipped_ns_ = 0;   // arrival of the first read that found no room; 0: none did
  // gameplay's
  std::atomic<uint32_t> kept_{0};  // entries before it are the pump's again
  uint32_t published_ = 0;
  Arrival unknown_;                // for what came before the log was on
  Arrival newest_;
  int64_t newest_ns_ = 0;
  int64_t mean_interval_us_ = -1;
  int64_t scaled_jitter_us_ = 0;   // 16 times the jitter
};

}  // namespace framepump
