// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "platform/growable_array.h"
#include "platform/socket.h"
#include "pump/pump.h"
#include "sources/environment.h"

namespace framepump {

// A stream's part in the receive-window rule.
struct HotMember {
  static constexpr uint32_t kCold = UINT32_MAX;

  Socket socket;                          // the stream's
  std::atomic<uint32_t> window_bytes{0};  // for statistics, any thread: the mark while hot, else 0
  uint32_t tick_bytes = 0;      // drained in the tick `tick_serial`
  uint32_t charged_bytes = 0;   // of memory.kernel_window_kib; stays until the stream closes, as the kernel's buffer does
  uint32_t mark_bytes = 0;
  uint32_t tick_serial = 0;
  uint32_t busy_serial = 0;     // the newest tick that drained at least kHotBytes
  uint32_t index = kCold;       // place in the set
  bool is_allowed = true;
  uint8_t talk_turns = 0;       // that read little: of the acknowledgement rule (tcp_receive.cpp); here because there is room
};

// The receive-window rule. A reader that comes once per frame keeps the kernel's auto-tuning from ever opening the window, because it
// can take only one window per frame. Setting SO_RCVLOWAT opens it at once, and keeps acknowledgements prompt while data waits.
// So: a stream is hot once a tick drained at least 24 KiB from it; its mark then goes to the kernel's cap or to what is left of
// memory.kernel_window_kib. Since the mark holds readiness back, hot streams are tried in every tick without asking
// the poller. Marks are down whenever somebody waits on the poller (threaded, guarded, wait_until).
//
// That first busy tick comes when a sender's slow start has already met the kernel's first window. So a stream of ours is given a larger
// one when it is connected, unless we are threaded, and no mark: it is not known yet whether it will be busy.
//
// Belongs to the holder of the pump token.
class HotSet {
 public:
  HotSet(const Host& host, Pump& pump, LiveSettings& settings, Counters& counters)
      : pump_(pump), settings_(settings), counters_(counters), places_(host) {}

  // A frame-locked tick begins: cools who was quiet, marks the others ready.
  void begin_tick(uint32_t tick_serial);
  // Bytes were drained by the member's source in this frame-locked tick.
  void count(HotMember& member, Source& source, uint64_t bytes, uint32_t tick_serial);
  // The member's stream is connected, which we opened.
  void welcome(HotMember& member);
  // The stream closes.
  void remove(HotMember& member);

  void raise_marks();
  // Every member is tried once more afterwards, since data below a mark announced nothing.
  void lower_marks();

  uint64_t charged_bytes() const { return charged_bytes_.load(std::memory_order_relaxed); }
  uint32_t size() const { return places_.size(); }

 private:
  struct Place {
    HotMember* member;
    Source* source;
  };
  void warm(HotMember& member, Source& source);
  bool may_raise_marks();
  bool promise(HotMember& member);
  void charge(HotMember& member, uint64_t bytes);
  void cool(HotMember& member);
  void lower(const Place& place);
  void hint(uint32_t bit) { counters_.hints.fetch_or(bit, std::memory_order_relaxed); }

  Pump& pump_;
  LiveSettings& settings_;
  Counters& counters_;
  GrowableArray<Place> places_;
  std::atomic<uint64_t> charged_bytes_{0};
  uint64_t largest_mark_bytes_ = 0;  // 0: not known yet
  bool marks_are_up_ = false;
};

}  // namespace framepump
