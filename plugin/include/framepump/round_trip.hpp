// SPDX-License-Identifier: MIT
//
// Time without the frame in it: the round trip and the jitter of the way between two programs, whatever their frame rates are.
#pragma once

#include <framepump/message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

// How unevenly things arrive that were sent at known times: the interarrival jitter of RFC 3550, 6.4.1. The two clocks need
// not agree; times are microseconds.
class Jitter {
 public:
  void add(int64_t sent_us, int64_t arrived_us) {
    const int64_t transit_us = arrived_us - sent_us;
    if (has_one_) {
      const int64_t change_us = transit_us > transit_us_ ? transit_us - transit_us_ : transit_us_ - transit_us;
      scaled_us_ += change_us - ((scaled_us_ + 8) >> 4);  // as in its appendix A.8
    }
    transit_us_ = transit_us;
    has_one_ = true;
  }
  int64_t us() const { return scaled_us_ >> 4; }

 private:
  int64_t transit_us_ = 0;
  int64_t scaled_us_ = 0;  // 16 times the jitter
  bool has_one_ = false;
};

// Both sides send a report now and then, as a message or at the end of one; each says when it was sent, which report of the other side
// came last, and how long ago that was. What neither side held back is the way there and back (LSR and DLSR of RFC 3550, 6.4.1).
//
//   each frame, the last thing before net.flush():  fp::send_message(stream, framing, round_trip.report(now_us()));
//   for each report that comes:                     round_trip.take(*message);
//
// Times are of the frame's clock (framepump_frame.now_us), which must run on between ticks. A peer that lies about its times can make this
// report any round trip; nothing else.
class RoundTrip {
 public:
  static constexpr size_t kReportBytes = 24;
  using Report = std::array<std::byte, kReportBytes>;

  // To be sent at once: `now_us` is when it is handed to the kernel.
  Report report(int64_t now_us) {
    if (first_us_ == kNone) first_us_ = now_us;
    newest_sent_us_ = now_us - first_us_ + 1;  // 0 means none
    Report report;
    put(report, 0, newest_sent_us_);
    put(report, 1, peer_sent_us_);
    put(report, 2, peer_sent_us_ == 0 ? 0 : std::max<int64_t>(now_us - peer_arrived_us_, 0));
    return report;
  }
  // The other side's report, and when it came. False: these bytes are no report, or of an impossible time; they change nothing. A report
  // whose time is not its own (no FRAMEPUMP_ARRIVAL_EXACT) changes nothing either, and is counted by skipped().
  bool take(std::span<const std::byte> report, int64_t arrived_us, uint32_t arrival_flags) {
    if (report.size() != kReportBytes) return false;
    const int64_t sent_us = get(report, 0);
    const int64_t echo_us = get(report, 1);
    const int64_t held_us = get(report, 2);
    if (!is_time(sent_us) || sent_us == 0 || !is_time(echo_us) || !is_time(held_us) || echo_us > newest_sent_us_) return false;
    if ((arrival_flags & FRAMEPUMP_ARRIVAL_EXACT) == 0) {
      ++skipped_;
      return true;
    }
    is_stamped_ = (arrival_flags & FRAMEPUMP_ARRIVAL_STAMPED) != 0;
    if (sent_us > peer_sent_us_) jitter_.add(sent_us, arrived_us);
    peer_sent_us_ = std::max(peer_sent_us_, sent_us);
    peer_arrived_us_ = arrived_us;
    if (echo_us != 0) add_sample(arrived_us - first_us_ + 1 - echo_us - held_us);
    return true;
  }
  bool take(const Message& message) { return take(message.bytes, message.arrived_us, message.arrival_flags); }

  // The newest round trip; smoothed; and its mean deviation (both as in RFC 6298, 2). 0: none yet.
  int64_t newest_us() const { return newest_us_; }
  int64_t smoothed_us() const { return smoothed_us_; }
  int64_t deviation_us() const { return deviation_us_; }
  // Of the way here, from the peer's times of sending.
  int64_t arrival_jitter_us() const { return jitter_.us(); }
  uint64_t samples() const { return samples_; }
  uint64_t skipped() const { return skipped_; }
  // False: this system's kernel gives no times, so the newest round trip ends with the tick that read the report.
  bool is_stamped() const { return is_stamped_; }

 private:
  static constexpr int64_t kNone = INT64_MIN;

  // Far from where sums and differences overflow.
  static bool is_time(int64_t us) { return us >= 0 && us < int64_t{1} << 60; }
  static void put(Report& report, size_t place, int64_t value) {
    for (size_t i = 0; i < 8; ++i) report[place * 8 + i] = static_cast<std::byte>(static_cast<uint64_t>(value) >> (8 * i) & 0xff);
  }
  static int64_t get(std::span<const std::byte> report, size_t place) {
    uint64_t value = 0;
    for (size_t i = 0; i < 8; ++i) value |= static_cast<uint64_t>(report[place * 8 + i]) << (8 * i);
    return static_cast<int64_t>(value);
  }
  void add_sample(int64_t us) {
    newest_us_ = std::max<int64_t>(us, 0);  // two clocks were read for each of the four times
    const int64_t off_us = newest_us_ - smoothed_us_;
    deviation_us_ = samples_ == 0 ? newest_us_ / 2 : deviation_us_ + ((off_us < 0 ? -off_us : off_us) - deviation_us_) / 4;
    smoothed_us_ = samples_ == 0 ? newest_us_ : smoothed_us_ + off_us / 8;
    ++samples_;
  }

  int64_t first_us_ = kNone;       // of report(): times on the wire count from there
  int64_t newest_sent_us_ = 0;
  int64_t peer_sent_us_ = 0;
  int64_t peer_arrived_us_ = 0;
  int64_t newest_us_ = 0;
  int64_t smoothed_us_ = 0;
  int64_t deviation_us_ = 0;
  uint64_t samples_ = 0;
  uint64_t skipped_ = 0;
  Jitter jitter_;
  bool is_stamped_ = false;
};

}  // namespace v0
}  // namespace framepump
