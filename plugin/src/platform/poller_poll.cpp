// SPDX-License-Identifier: MIT
//
// poll() made to look edge-triggered: a reported direction is not asked for again until it is armed.
#if !defined(_WIN32)

#include <algorithm>
#include <new>

#include "platform/growable_array.h"
#include "platform/host.h"
#include "platform/poller.h"
#include "platform/posix.h"

namespace framepump {
namespace {

#if defined(POLLRDHUP)
constexpr short kPeerEnd = POLLRDHUP;
#else
constexpr short kPeerEnd = 0;
#endif
constexpr short kBroken = POLLHUP | POLLERR | POLLNVAL;
constexpr short kReadEvents = POLLIN | kPeerEnd;
constexpr short kWriteEvents = POLLOUT;

uint32_t readiness_of(short found) {
  uint32_t readiness = 0;
  if ((found & (kReadEvents | kBroken)) != 0) readiness |= kReadable;
  if ((found & (kWriteEvents | kBroken)) != 0) readiness |= kWritable;
  if ((found & (kPeerEnd | kBroken)) != 0) readiness |= kPeerEnded;
  return readiness;
}

short events_of(uint32_t directions) {
  const int read = (directions & kReadable) != 0 ? kReadEvents : 0;
  const int write = (directions & kWritable) != 0 ? kWriteEvents : 0;
  return static_cast<short>(read | write);
}

// poll() tells of a hang-up even when asked for nothing, so a descriptor with nothing armed goes in as its complement, which is
// negative and skipped.
int descriptor_in(const pollfd& entry) { return entry.fd < 0 ? ~entry.fd : entry.fd; }

void set_events(pollfd& entry, int events) {
  const int descriptor = descriptor_in(entry);
  entry.events = static_cast<short>(events);
  entry.fd = events == 0 ? ~descriptor : descriptor;
}

class PollWaitSet final : public WaitSet {
 public:
  explicit PollWaitSet(const Host& host) : entries(host) {}

  GrowableArray<pollfd> entries;  // the first is the wake descriptor's
  bool is_complete = false;       // false: there was no memory for all of them
};

class PollPoller final : public Poller {
 public:
  IoStatus add(Socket socket, void* key, uint32_t directions) override {
    const uint32_t descriptor = static_cast<uint32_t>(descriptor_of(socket));
    while (places_.size() <= descriptor) {
      if (!places_.push(kNowhere)) return IoStatus::out_of_memory;
    }
    if (places_[descriptor] != kNowhere) return IoStatus::failed;
    if (!keys_.push(key)) return IoStatus::out_of_memory;
    if (!entries_.push({descriptor_of(socket), events_of(kReadable | directions), 0})) {
      keys_.resize_down(entries_.size());
      return IoStatus::out_of_memory;
    }
    places_[descriptor] = entries_.size() - 1;
    return IoStatus::ok;
  }

  // The last one moves into the gap. A round of reports that is under way may leave it out then; it comes with the next one.
  void remove(Socket socket, void* key) override {
    const uint32_t place = place_of(socket, key);
    if (place == kNowhere) return;
    const uint32_t last = entries_.size() - 1;
    places_[static_cast<uint32_t>(descriptor_in(entries_[last]))] = place;
    places_[static_cast<uint32_t>(descriptor_of(socket))] = kNowhere;
    entries_[place] = entries_[last];
    keys_[place] = keys_[last];
    entries_.resize_down(last);
    keys_.resize_down(last);
    unreported_ = std::min(unreported_, last);
  }

  void arm(Socket socket, void* key, uint32_t directions) override {
    const uint32_t place = place_of(socket, key);
    if (place == kNowhere) return;
    set_events(entries_[place], entries_[place].events | events_of(directions));
  }

  // One poll() serves several harvests when more is ready than fits one, so that thousands cost one look at the set and each
  // has its turn before any has a second one.
  uint32_t harvest(std::span<PollEvent> events) override {
    if (unreported_ == 0 && poll_descriptors(entries_.data(), entries_.size(), 0) > 0) unreported_ = entries_.size();
    uint32_t count = 0;
    while (unreported_ > 0 && count < events.size()) {
      if (cursor_ >= entries_.size()) cursor_ = 0;
      if (take_report(cursor_, events[count])) ++count;
      ++cursor_;
      --unreported_;
    }
    return count;
  }

  WaitSet* make_wait_set() override { return new (std::nothrow) PollWaitSet(host_); }

  void prepare_wait(WaitSet& set) override {
    PollWaitSet& waiting = static_cast<PollWaitSet&>(set);
    waiting.entries.clear();
    waiting.is_complete = waiting.entries.push({-1, POLLIN, 0});
    for (const pollfd& entry : entries_.span()) {
      if (entry.fd >= 0 && waiting.is_complete) waiting.is_complete = waiting.entries.push({entry.fd, entry.events, 0});
    }
  }

  bool wait(WaitSet& set, WakeSignal& wake, int64_t timeout_us) override {
    PollWaitSet& waiting = static_cast<PollWaitSet&>(set);
    if (!waiting.is_complete) return wait_without_memory(wake, timeout_us);
    waiting.entries[0].fd = static_cast<int>(wake.read_descriptor());
    const bool is_ready = poll_descriptors(waiting.entries.data(), waiting.entries.size(), timeout_us) > 0;
    if (is_ready && waiting.entries[0].revents != 0) wake.clear();
    return is_ready;
  }

  const char* name() const override { return "poll"; }

 private:
  static constexpr uint32_t kNowhere = UINT32_MAX;

  uint32_t place_of(Socket socket, void* key) const {
    const uint32_t descriptor = static_cast<uint32_t>(descriptor_of(socket));
    if (!socket.is_open() || descriptor >= places_.size()) return kNowhere;
    const uint32_t place = places_[descriptor];
    return place != kNowhere && keys_[place] == key ? place : kNowhere;
  }

  // False: nothing that was asked for.
  bool take_report(uint32_t place, PollEvent& out) {
    pollfd& entry = entries_[place];
    const uint32_t readiness = readiness_of(entry.revents);
    entry.revents = 0;
    if (entry.fd < 0 || readiness == 0) return false;
    int events = entry.events;
    if ((readiness & kReadable) != 0) events &= ~kReadEvents;
    if ((readiness & kWritable) != 0) events &= ~kWriteEvents;
    set_events(entry, events);
    out = {keys_[place], readiness};
    return true;
  }

  // What could not be noted is looked at by the caller's next harvest, soon.
  static bool wait_without_memory(WakeSignal& wake, int64_t timeout_us) {
    constexpr int64_t kSoonUs = 10'000;
    wake.sleep(timeout_us < 0 ? kSoonUs : std::min(timeout_us, kSoonUs));
    return true;
  }

  Host host_;
  GrowableArray<pollfd> entries_{host_};
  GrowableArray<void*> keys_{host_};       // beside the entries, since poll() wants those in one piece
  GrowableArray<uint32_t> places_{host_};  // descriptor to place
  uint32_t cursor_ = 0;
  uint32_t unreported_ = 0;  // entries, from the cursor on, whose findings of the last poll() are not reported yet
};

}  // namespace

Poller* make_poll_poller() { return new (std::nothrow) PollPoller; }

}  // namespace framepump

#endif
