// SPDX-License-Identifier: MIT
//
// What the overlay knows: the newest ticks, the streams and peers, the overruns. Without a word of drawing, in memory that is taken once.
#pragma once

#include <framepump/framepump.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace framepump::extras {

// What a tick's time went into, in the order in which bars are stacked. Receive and send are those of streams; `other` is what no source
// took: commands, publication, and what the phases leave of the tick.
enum class TickPart : uint32_t { poll, receive, accept, enet, source, send, other };
constexpr size_t kTickParts = 7;
const char* name_of(TickPart part);

struct TickSample {
  uint64_t frame = 0;
  int64_t at_us = 0;  // the frame's time
  float tick_us = 0;
  float slice_us = 0;
  std::array<float, kTickParts> part_us = {};
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  bool is_threaded = false;
  bool is_overrun = false;
};

// Parts add up to tick_us, or to more where the phases do.
TickSample sample_of(const framepump_tick_report& report, uint64_t frame, int64_t now_us);

// The newest ticks; the oldest makes room.
class TickHistory {
 public:
  static constexpr size_t kCapacity = 300;  // 5 s at 60 frames a second

  void add(const TickSample& sample) { samples_[count_++ % kCapacity] = sample; }
  size_t size() const { return count_ < kCapacity ? static_cast<size_t>(count_) : kCapacity; }
  // 0 is the oldest.
  const TickSample& at(size_t index) const { return samples_[(count_ - size() + index) % kCapacity]; }
  const TickSample& newest() const { return at(size() - 1); }
  float longest_us() const;
  // Bytes a second, over the frames of the quarter of a second that ends with the sample at `index`.
  double received_per_s(size_t index) const { return rate(index, &TickSample::received_bytes); }
  double sent_per_s(size_t index) const { return rate(index, &TickSample::sent_bytes); }
  // Both, of all samples in one walk. Returns those of the size() first places.
  struct Rates {
    double received_per_s = 0;
    double sent_per_s = 0;
  };
  std::span<const Rates> rates(std::array<Rates, kCapacity>& places) const;

 private:
  double rate(size_t index, uint64_t TickSample::*bytes) const;

  std::array<TickSample, kCapacity> samples_ = {};
  uint64_t count_ = 0;
};

// ---- who is served ----

enum class SourceKind : uint32_t { unknown, stream, peer, host, other };

struct SourceRow {
  framepump_handle handle = 0;
  SourceKind kind = SourceKind::unknown;
  bool is_named = false;
  bool is_closed = false;      // its end was announced; it stays until its bytes are read
  char name[64] = "";          // as the game calls it; else the address of the peer
  StreamInfo stream;           // of a stream
  PeerInfo peer;               // of a peer
  HostInfo host;               // of a host
  int64_t looked_at_us = 0;    // when these figures were taken; 0: not yet
  double received_per_s = 0;   // of the last quarter of a second
  double sent_per_s = 0;
  int64_t rated_at_us = 0;     // since when the next rates are counted
  uint64_t rated_received_bytes = 0;
  uint64_t rated_sent_bytes = 0;
  int64_t pressed_at_us = 0;   // when its back-pressure was last seen to grow; 0: never

  // Stopped reading just now, or within the last second.
  bool is_pressed(int64_t now_us) const;
};

// Streams, peers and hosts, as the game names them and as they show up in what ticks publish. Those beyond the capacity are not looked at.
class SourceTable {
 public:
  static constexpr size_t kCapacity = 192;
  // Looks at sources in a frame: each costs a call, and the streams among them measure their waits from then on.
  static constexpr size_t kLooksPerFrame = 32;

  explicit SourceTable(const framepump_api& api);

  // Null forgets the name of one that is here.
  void set_name(framepump_handle handle, const char* name);
  // Those whom events speak of: whoever comes has a row; whoever goes loses it, but at the next call, so that the frame of the end
  // still knows the name. Cheap: for frames in which nobody looks.
  void take_events(const Network& network);
  // One that shows up in another way; what it is gets asked for at once.
  void meet(framepump_handle handle, int64_t now_us);
  // Also those that have bytes or messages; and looks at the next few.
  void look(const Network& network, int64_t now_us);

  std::span<const SourceRow> rows() const { return {rows_.get(), count_}; }
  const SourceRow* find(framepump_handle handle) const;
  // Whom the table had no place for. The same one counts each time that it shows up. 0 again once all streams have rows.
  uint64_t passed_over() const { return passed_over_; }

 private:
  SourceRow* add(framepump_handle handle);
  SourceRow* find_row(framepump_handle handle);
  void remove(size_t index);
  void mark_closed(SourceRow& row);
  void remove_closed();
  bool has_all_streams(const Network& network) const;
  bool renew(SourceRow& row, int64_t now_us);

  const framepump_api& api_;
  std::unique_ptr<SourceRow[]> rows_;  // in the order in which they came
  size_t count_ = 0;
  size_t closed_ = 0;  // rows that are marked so
  size_t next_look_ = 0;
  uint64_t passed_over_ = 0;
};

// ---- overruns ----

struct Overrun {
  uint64_t frame = 0;
  int64_t tick_us = 0;
  int64_t slice_us = 0;
  TickPart part = TickPart::other;  // the longest one
  int64_t part_us = 0;
  char culprit[64] = "";            // empty: FramePump's own work
  int64_t culprit_us = 0;
  uint64_t culprit_bytes = 0;
};

// The newest overruns; the oldest makes room.
class OverrunList {
 public:
  static constexpr size_t kCapacity = 64;

  void add(const TickSample& sample, const framepump_tick_report& report, const SourceTable& sources);
  size_t size() const { return count_ < kCapacity ? static_cast<size_t>(count_) : kCapacity; }
  uint64_t count() const { return count_; }  // ever
  // 0 is the newest.
  const Overrun& at(size_t index) const { return overruns_[(count_ - 1 - index) % kCapacity]; }
  void clear() { count_ = 0; }

 private:
  std::array<Overrun, kCapacity> overruns_ = {};
  uint64_t count_ = 0;
};

}  // namespace framepump::extras
