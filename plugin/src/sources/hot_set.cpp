// SPDX-License-Identifier: MIT
#include "sources/hot_set.h"

#include <algorithm>

namespace framepump {
namespace {

// The second burst of a sender's slow start brings 20 segments (RFC 6928), 28 KiB: it has more to send, and the window that the kernel
// starts with (half of tcp_rmem[1], 64 KiB) does not hold the next two bursts until this reader comes again. Each frame that the sender
// has to wait then is also one in which it learns that the path is slow.
constexpr uint64_t kHotBytes = 24 * 1024;
// A second at 30 Hz: a download that pauses for disk or server does not lose its window.
constexpr uint32_t kQuietTicks = 30;
// Below this a mark would not open the window beyond what the kernel starts with (tcp_rmem[1], 128 KiB, half of it window).
constexpr uint64_t kLowestUsefulMark = 64 * 1024;
// What a sender's slow start brings over 10 ms until a reader at 30 Hz comes for the first time: 14 KiB, and twice as much in each round
// trip. The window that the kernel starts with ends it half-way, and the kernel puts acknowledgements off when half of that is unread.
constexpr uint64_t kFirstWindow = 256 * 1024;
// Most streams stay quiet, but are charged until they close: beyond this part of memory.kernel_window_kib nobody gets a first window.
constexpr uint64_t kFirstWindowsShare = 4;
// The kernel books about twice the window, since it also counts its own overhead per packet.
constexpr uint64_t kBufferPerMark = 2;

}  // namespace

void HotSet::begin_tick(uint32_t tick_serial) {
  const bool is_off = settings_.kernel_window_bytes.load(std::memory_order_relaxed) == 0;
  for (uint32_t i = places_.size(); i-- > 0;) {
    HotMember& member = *places_[i].member;
    pump_.make_ready(*places_[i].source);
    if (is_off || tick_serial - member.busy_serial > kQuietTicks) cool(member);
  }
  raise_marks();
}

void HotSet::count(HotMember& member, Source& source, uint64_t bytes, uint32_t tick_serial) {
  if (member.tick_serial != tick_serial) {
    member.tick_serial = tick_serial;
    member.tick_bytes = 0;
  }
  member.tick_bytes += static_cast<uint32_t>(bytes);
  if (member.tick_bytes < kHotBytes) return;
  member.busy_serial = tick_serial;
  if (member.index == HotMember::kCold && member.is_allowed) warm(member, source);
}

void HotSet::welcome(HotMember& member) {
  if (!settings_.is_frame_locked.load(std::memory_order_relaxed) || !may_raise_marks()) return;
  const uint64_t limit_bytes = settings_.kernel_window_bytes.load(std::memory_order_relaxed);
  if (charged_bytes() + kFirstWindow * kBufferPerMark > limit_bytes / kFirstWindowsShare) return;
  const uint64_t own_bytes = set_receive_mark(member.socket, kLowestReceiveMark).buffer_bytes;
  const uint64_t granted_bytes = set_receive_mark(member.socket, std::min(kFirstWindow, largest_mark_bytes_)).buffer_bytes;
  set_receive_mark(member.socket, kLowestReceiveMark);  // the window stays
  if (granted_bytes > own_bytes) charge(member, granted_bytes);
}

void HotSet::warm(HotMember& member, Source& source) {
  if (!may_raise_marks() || !places_.make_room()) return;
  if (member.mark_bytes == 0 && !promise(member)) return;
  places_.push({&member, &source});
  member.index = places_.size() - 1;
  member.window_bytes.store(member.mark_bytes, std::memory_order_relaxed);
  if (!marks_are_up_) return;
  const ReceiveMark granted = set_receive_mark(member.socket, member.mark_bytes);
  if (granted.mark_bytes <= kLowestReceiveMark) hint(kHintNoWindowRule);
  charge(member, std::max(member.mark_bytes * kBufferPerMark, granted.buffer_bytes));
}

// False: the rule is turned off, has no effect here, or there was no descriptor to find that out with.
bool HotSet::may_raise_marks() {
  if (settings_.kernel_window_bytes.load(std::memory_order_relaxed) == 0) return false;
  if (largest_mark_bytes_ == 0) largest_mark_bytes_ = largest_receive_mark();
  if (largest_mark_bytes_ == kLowestReceiveMark) hint(kHintNoWindowRule);
  return largest_mark_bytes_ > kLowestReceiveMark;
}

// The largest mark for which memory.kernel_window_kib has room. False: that would be of no use.
bool HotSet::promise(HotMember& member) {
  const uint64_t limit_bytes = settings_.kernel_window_bytes.load(std::memory_order_relaxed);
  const uint64_t others_bytes = charged_bytes() - member.charged_bytes;
  const uint64_t left_bytes = limit_bytes - std::min(limit_bytes, others_bytes);
  if (left_bytes / kBufferPerMark < largest_mark_bytes_) hint(kHintKernelWindow);
  const uint64_t mark_bytes = std::min({largest_mark_bytes_, left_bytes / kBufferPerMark, uint64_t{UINT32_MAX / 4}});
  if (mark_bytes < kLowestUsefulMark) return false;
  member.mark_bytes = static_cast<uint32_t>(mark_bytes);
  return true;
}

void HotSet::charge(HotMember& member, uint64_t bytes) {
  if (bytes <= member.charged_bytes) return;
  add<uint64_t>(charged_bytes_, bytes - member.charged_bytes);
  member.charged_bytes = static_cast<uint32_t>(bytes);
}

void HotSet::lower(const Place& place) {
  set_receive_mark(place.member->socket, kLowestReceiveMark);
  pump_.make_ready(*place.source);
}

void HotSet::cool(HotMember& member) {
  if (marks_are_up_) lower(places_[member.index]);
  const Place last = places_[places_.size() - 1];
  places_[member.index] = last;
  last.member->index = member.index;
  places_.resize_down(places_.size() - 1);
  member.index = HotMember::kCold;
  member.window_bytes.store(0, std::memory_order_relaxed);
}

void HotSet::remove(HotMember& member) {
  if (member.index != HotMember::kCold) cool(member);
  add(charged_bytes_, uint64_t{0} - member.charged_bytes);
  member.charged_bytes = 0;
  member.mark_bytes = 0;
}

void HotSet::raise_marks() {
  if (marks_are_up_) return;
  marks_are_up_ = true;
  for (const Place& place : places_.span()) set_receive_mark(place.member->socket, place.member->mark_bytes);
}

void HotSet::lower_marks() {
  if (!marks_are_up_) return;
  marks_are_up_ = false;
  for (const Place& place : places_.span()) lower(place);
}

}  // namespace framepump
