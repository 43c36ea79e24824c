// SPDX-License-Identifier: MIT
//
// WSAPoll() made to look edge-triggered, as poller_poll.cpp does it with poll(). Two things are different here, and both are mended by
// asking select() about the few sockets that they can concern, every 20 ms while there are any:
//   - before Windows 10 2004 it does not tell of a connect that fails;
//   - it says "hung up" for a peer that only ended its side, again and again, also to whoever waits for room to send.
#if defined(_WIN32)

#include <algorithm>
#include <iterator>
#include <new>

#include "platform/clock.h"
#include "platform/growable_array.h"
#include "platform/host.h"
#include "platform/poller.h"
#include "platform/windows_sockets.h"

namespace framepump {
namespace {

constexpr int64_t kLookEveryUs = 20'000;  // a fraction of a frame and of what a refused connect takes on Windows, two seconds

struct Entry {
  SOCKET socket;
  void* key;
  short armed;          // POLLRDNORM, POLLOUT; POLLIN would say that urgent data waits, which nobody reads
  short found;          // by the last look
  bool is_connecting;   // perhaps: it was added for writing, and has not been writable yet
  bool is_end_told;     // of a peer that hung up
};

// For WSAPoll; the others have nothing armed, or would be reported as hung up for ever.
bool is_polled(const Entry& entry) { return entry.armed != 0 && !(entry.is_end_told && (entry.armed & POLLRDNORM) == 0); }
// For select.
bool is_watched(const Entry& entry) { return (entry.armed & POLLOUT) != 0 && (entry.is_connecting || !is_polled(entry)); }

short events_of(uint32_t directions) {
  return static_cast<short>(((directions & kReadable) != 0 ? POLLRDNORM : 0) | ((directions & kWritable) != 0 ? POLLOUT : 0));
}

uint32_t readiness_of(const Entry& entry) {
  constexpr short kBroken = POLLERR | POLLNVAL;
  uint32_t readiness = 0;
  if ((entry.found & POLLRDNORM) != 0) readiness |= kReadable;
  if ((entry.found & POLLOUT) != 0) readiness |= kWritable;
  if ((entry.found & POLLHUP) != 0 && (!entry.is_end_told || (entry.armed & POLLRDNORM) != 0)) readiness |= kReadable | kPeerEnded;
  if ((entry.found & kBroken) != 0) readiness |= kReadable | kWritable | kPeerEnded;
  return readiness;
}

class WsaWaitSet final : public WaitSet {
 public:
  explicit WsaWaitSet(const Host& host) : entries(host) {}

  GrowableArray<WSAPOLLFD> entries;  // the first is the wake signal's
  bool is_complete = false;          // false: there was no memory for all of them
  bool has_watched = false;
};

class WsaPoller final : public Poller {
 public:
  IoStatus add(Socket socket, void* key, uint32_t directions) override {
    const uint32_t number = number_of(socket);
    if (number == kNowhere) return IoStatus::failed;
    while (places_.size() <= number) {
      if (!places_.push(kNowhere)) return IoStatus::out_of_memory;
    }
    if (places_[number] != kNowhere) return IoStatus::failed;
    const uint32_t count = entries_.size();
    const bool is_for_writing = (directions & kWritable) != 0;
    // Room to look at all of them comes now, so that a look needs none.
    const bool has_room = polled_.push({}) && polled_places_.push(0) &&
                          entries_.push({system_socket(socket), key, events_of(kReadable | directions), 0, is_for_writing, false});
    if (!has_room) {
      polled_.resize_down(count);
      polled_places_.resize_down(count);
      return IoStatus::out_of_memory;
    }
    places_[number] = count;
    return IoStatus::ok;
  }

  // The last one moves into the gap. A round of reports that is under way may leave it out then; it comes with the next one.
  void remove(Socket socket, void* key) override {
    const uint32_t place = place_of(socket, key);
    if (place == kNowhere) return;
    const uint32_t last = entries_.size() - 1;
    places_[number_of({static_cast<intptr_t>(entries_[last].socket)})] = place;
    places_[number_of(socket)] = kNowhere;
    entries_[place] = entries_[last];
    entries_.resize_down(last);
    polled_.resize_down(last);
    polled_places_.resize_down(last);
    unreported_ = std::min(unreported_, last);
  }

  void arm(Socket socket, void* key, uint32_t directions) override {
    const uint32_t place = place_of(socket, key);
    if (place != kNowhere) entries_[place].armed |= events_of(directions);
  }

  // One look serves several harvests when more is ready than fits one.
  uint32_t harvest(std::span<PollEvent> events) override {
    if (unreported_ == 0) look();
    uint32_t count = 0;
    while (unreported_ > 0 && count < events.size()) {
      if (cursor_ >= entries_.size()) cursor_ = 0;
      if (take_report(entries_[cursor_], events[count])) ++count;
      ++cursor_;
      --unreported_;
    }
    return count;
  }

  WaitSet* make_wait_set() override { return new (std::nothrow) WsaWaitSet(host_); }

  void prepare_wait(WaitSet& set) override {
    WsaWaitSet& waiting = static_cast<WsaWaitSet&>(set);
    waiting.entries.clear();
    waiting.has_watched = false;
    waiting.is_complete = waiting.entries.push({INVALID_SOCKET, POLLRDNORM, 0});
    for (const Entry& entry : entries_.span()) {
      if (is_watched(entry)) waiting.has_watched = true;
      if (is_polled(entry) && waiting.is_complete) waiting.is_complete = waiting.entries.push({entry.socket, entry.armed, 0});
    }
  }

  // While select has to be asked, the caller's next harvest does so, soon.
  bool wait(WaitSet& set, WakeSignal& wake, int64_t timeout_us) override {
    WsaWaitSet& waiting = static_cast<WsaWaitSet&>(set);
    const bool is_cut = (waiting.has_watched || !waiting.is_complete) && (timeout_us < 0 || timeout_us > kLookEveryUs);
    const int64_t limit_us = is_cut ? kLookEveryUs : timeout_us;
    if (!waiting.is_complete) {
      wake.sleep(limit_us);
      return true;
    }
    waiting.entries[0].fd = static_cast<SOCKET>(wake.read_descriptor());
    const bool is_ready = poll_sockets(waiting.entries.data(), waiting.entries.size(), limit_us) > 0;
    if (is_ready && waiting.entries[0].revents != 0) wake.clear();
    return is_ready || is_cut;
  }

  const char* name() const override { return "WSAPoll"; }

 private:
  static constexpr uint32_t kNowhere = UINT32_MAX;

  // Sockets are handles: multiples of four, of which a process has 16 million at most. Anything else is none.
  static uint32_t number_of(Socket socket) {
    constexpr intptr_t kMaxHandles = intptr_t{1} << 24;
    return socket.value >= 0 && socket.value / 4 < kMaxHandles ? static_cast<uint32_t>(socket.value / 4) : kNowhere;
  }

  uint32_t place_of(Socket socket, void* key) const {
    const uint32_t number = number_of(socket);
    if (number >= places_.size()) return kNowhere;
    const uint32_t place = places_[number];
    const bool is_it = place != kNowhere && entries_[place].key == key && entries_[place].socket == system_socket(socket);
    return is_it ? place : kNowhere;
  }

  void look() {
    uint32_t count = 0;
    bool has_watched = false;
    for (uint32_t place = 0; place < entries_.size(); ++place) {
      Entry& entry = entries_[place];
      entry.found = 0;
      has_watched = has_watched || is_watched(entry);
      if (!is_polled(entry)) continue;
      polled_[count] = {entry.socket, entry.armed, 0};
      polled_places_[count++] = place;
    }
    bool has_found = poll_sockets(polled_.data(), count, 0) > 0;
    for (uint32_t i = 0; i < count; ++i) entries_[polled_places_[i]].found = polled_[i].revents;
    if (has_watched && monotonic_us() >= next_look_us_) has_found = look_at_watched() || has_found;
    if (has_found) unreported_ = entries_.size();
  }

  bool look_at_watched() {
    next_look_us_ = monotonic_us() + kLookEveryUs;
    bool has_found = false;
    Entry* group[FD_SETSIZE];
    uint32_t count = 0;
    for (Entry& entry : entries_.span()) {
      if (!is_watched(entry)) continue;
      group[count++] = &entry;
      if (count < std::size(group)) continue;
      has_found = ask_select({group, count}) || has_found;
      count = 0;
    }
    return (count > 0 && ask_select({group, count})) || has_found;
  }

  static bool ask_select(std::span<Entry* const> group) {
    fd_set writable = {};
    for (const Entry* entry : group) writable.fd_array[writable.fd_count++] = entry->socket;
    fd_set failed = writable;
    timeval at_once = {0, 0};  // not changed, but declared as if
    if (select(0, nullptr, &writable, &failed, &at_once) <= 0) return false;
    for (Entry* entry : group) {
      if (FD_ISSET(entry->socket, &writable)) entry->found |= POLLOUT;
      // Of a connection that is made it would only mean urgent data.
      if (entry->is_connecting && FD_ISSET(entry->socket, &failed)) entry->found |= POLLERR;
    }
    return true;
  }

  // False: nothing that was asked for.
  static bool take_report(Entry& entry, PollEvent& out) {
    const uint32_t readiness = entry.armed != 0 ? readiness_of(entry) : 0;
    entry.found = 0;
    if (readiness == 0) return false;
    int armed = entry.armed;
    if ((readiness & kReadable) != 0) armed &= ~POLLRDNORM;
    if ((readiness & kWritable) != 0) armed &= ~POLLOUT;
    if ((readiness & kWritable) != 0) entry.is_connecting = false;
    if ((readiness & kPeerEnded) != 0) entry.is_end_told = true;
    entry.armed = static_cast<short>(armed);
    out = {entry.key, readiness};
    return true;
  }

  Host host_;
  GrowableArray<Entry> entries_{host_};
  GrowableArray<WSAPOLLFD> polled_{host_};        // what the newest look asked for; as large as the entries
  GrowableArray<uint32_t> polled_places_{host_};  // and where they are among those
  GrowableArray<uint32_t> places_{host_};         // number of a socket to place
  uint32_t cursor_ = 0;
  uint32_t unreported_ = 0;  // entries, from the cursor on, whose findings of the last look are not reported yet
  int64_t next_look_us_ = 0;
};

}  // namespace

Poller* make_poll_poller() { return new (std::nothrow) WsaPoller; }

}  // namespace framepump

#endif
