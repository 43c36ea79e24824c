// SPDX-License-Identifier: MIT
#include "extras/overlay_model.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace framepump::extras {
namespace {

constexpr int64_t kRateUs = 250'000;       // shorter, and a bar of one frame says little; longer, and it trails behind
constexpr int64_t kPressedUs = 1'000'000;  // long enough to be read
constexpr size_t kMostMessages = 64;       // whose senders a frame looks for; the next frames find the others
constexpr size_t kMostReadable = 64;

float to_float(int64_t us) { return static_cast<float>(std::max<int64_t>(us, 0)); }

template <size_t kSize>
void copy_text(char (&to)[kSize], const char* from) { std::snprintf(to, kSize, "%s", from); }

// Asked in a way that makes no stream measure its waits.
bool is_gone(const framepump_api& api, framepump_handle handle) {
  uint64_t unread_bytes = 0;
  PeerInfo peer;
  HostInfo host;
  uint32_t error = api.available(handle, &unread_bytes);
  if (error == FRAMEPUMP_ERROR_FOREIGN_HANDLE) error = api.peer_info(handle, &peer);
  if (error == FRAMEPUMP_ERROR_FOREIGN_HANDLE) error = api.host_info(handle, &host);
  return error == FRAMEPUMP_ERROR_STALE_HANDLE;
}

// Over a quarter of a second at least. The first look has none to compare with.
void set_rates(SourceRow& row, uint64_t received_bytes, uint64_t sent_bytes, int64_t now_us) {
  const int64_t elapsed_us = now_us - row.rated_at_us;
  row.looked_at_us = now_us;
  if (row.rated_at_us != 0 && elapsed_us < kRateUs) return;
  if (row.rated_at_us != 0) {
    row.received_per_s = static_cast<double>(received_bytes - row.rated_received_bytes) * 1e6 / static_cast<double>(elapsed_us);
    row.sent_per_s = static_cast<double>(sent_bytes - row.rated_sent_bytes) * 1e6 / static_cast<double>(elapsed_us);
  }
  row.rated_at_us = now_us;
  row.rated_received_bytes = received_bytes;
  row.rated_sent_bytes = sent_bytes;
}

void show_address(SourceRow& row, const char* address) {
  if (row.is_named || address[0] == 0) return;
  std::snprintf(row.name, sizeof(row.name), "%s%s", row.kind == SourceKind::host ? "host " : "", address);
}

}  // namespace

const char* name_of(TickPart part) {
  constexpr const char* kNames[kTickParts] = {"poll", "receive", "accept", "ENet", "sources", "send", "other"};
  return kNames[static_cast<size_t>(part)];
}

TickSample sample_of(const framepump_tick_report& report, uint64_t frame, int64_t now_us) {
  TickSample sample;
  sample.frame = frame;
  sample.at_us = now_us;
  sample.tick_us = to_float(report.tick_us);
  sample.slice_us = to_float(report.slice_us);
  sample.received_bytes = report.received_bytes;
  sample.sent_bytes = report.sent_bytes;
  sample.is_threaded = report.mode == FRAMEPUMP_MODE_THREADED;
  sample.is_overrun = report.overrun != 0;
  const auto set = [&](TickPart part, int64_t us) { sample.part_us[static_cast<size_t>(part)] = to_float(us); };
  set(TickPart::poll, report.phase_poll_us);
  set(TickPart::receive, report.phase_receive_us - report.phase_enet_receive_us);
  set(TickPart::accept, report.phase_accept_us);
  set(TickPart::enet, report.phase_enet_receive_us + report.phase_enet_send_us);
  set(TickPart::source, report.phase_source_us);
  set(TickPart::send, report.phase_send_us - report.phase_enet_send_us);
  float named_us = 0;
  for (const float us : sample.part_us) named_us += us;
  sample.part_us[static_cast<size_t>(TickPart::other)] = std::max(sample.tick_us - named_us, 0.0f);
  return sample;
}

float TickHistory::longest_us() const {
  float longest_us = 0;
  for (size_t i = 0; i < size(); ++i) longest_us = std::max(longest_us, at(i).tick_us);
  return longest_us;
}

// The bytes of a sample came after the one before it, so the first one gives the time alone.
double TickHistory::rate(size_t index, uint64_t TickSample::*bytes) const {
  uint64_t sum = 0;
  size_t first = index;
  while (first > 0 && at(index).at_us - at(first).at_us < kRateUs) sum += at(first--).*bytes;
  const int64_t elapsed_us = at(index).at_us - at(first).at_us;
  return elapsed_us > 0 ? static_cast<double>(sum) * 1e6 / static_cast<double>(elapsed_us) : 0;
}

// Two pointers: the sample that `rate` would walk back to only moves on.
std::span<const TickHistory::Rates> TickHistory::rates(std::array<Rates, kCapacity>& places) const {
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  size_t first = 0;
  for (size_t i = 0; i < size(); ++i) {
    const TickSample& sample = at(i);
    received_bytes += i > 0 ? sample.received_bytes : 0;
    sent_bytes += i > 0 ? sample.sent_bytes : 0;
    while (first < i && sample.at_us - at(first + 1).at_us >= kRateUs) {
      ++first;
      received_bytes -= at(first).received_bytes;
      sent_bytes -= at(first).sent_bytes;
    }
    const double seconds = static_cast<double>(sample.at_us - at(first).at_us) / 1e6;
    places[i] = seconds > 0 ? Rates{static_cast<double>(received_bytes) / seconds, static_cast<double>(sent_bytes) / seconds} : Rates();
  }
  return {places.data(), size()};
}

// ---- who is served ----

bool SourceRow::is_pressed(int64_t now_us) const {
  if (kind == SourceKind::peer) return peer.held != 0;
  return (stream.flags & FRAMEPUMP_STREAM_RECEIVE_BLOCKED) != 0 || (pressed_at_us != 0 && now_us - pressed_at_us < kPressedUs);
}

SourceTable::SourceTable(const framepump_api& api) : api_(api), rows_(std::make_unique<SourceRow[]>(kCapacity)) {}

const SourceRow* SourceTable::find(framepump_handle handle) const {
  const std::span<const SourceRow> all = rows();
  const auto found = std::find_if(all.begin(), all.end(), [handle](const SourceRow& row) { return row.handle == handle; });
  return found == all.end() ? nullptr : &*found;
}

SourceRow* SourceTable::find_row(framepump_handle handle) {
  const SourceRow* row = find(handle);
  return row == nullptr ? nullptr : &rows_[static_cast<size_t>(row - rows_.get())];
}

SourceRow* SourceTable::add(framepump_handle handle) {
  if (handle == 0) return nullptr;
  if (SourceRow* row = find_row(handle); row != nullptr) return row;
  if (count_ == kCapacity) {
    ++passed_over_;
    return nullptr;
  }
  SourceRow& row = rows_[count_++];
  row = SourceRow();
  row.handle = handle;
  std::snprintf(row.name, sizeof(row.name), "0x%" PRIx64, handle);
  return &row;
}

void SourceTable::remove(size_t index) {
  if (rows_[index].is_closed) --closed_;
  std::move(rows_.get() + index + 1, rows_.get() + count_, rows_.get() + index);
  --count_;
  if (next_look_ > index) --next_look_;
}

void SourceTable::mark_closed(SourceRow& row) {
  if (!row.is_closed) ++closed_;
  row.is_closed = true;
}

// A stream that ended has a row as long as it has unread bytes; nothing else has any.
void SourceTable::remove_closed() {
  for (size_t index = closed_ > 0 ? count_ : 0; index-- > 0;) {
    uint64_t unread_bytes = 0;
    if (!rows_[index].is_closed) continue;
    if (api_.available(rows_[index].handle, &unread_bytes) != FRAMEPUMP_OK || unread_bytes == 0) remove(index);
  }
}

// As far as rows can tell: those of which nobody knows yet what they are may be streams.
bool SourceTable::has_all_streams(const Network& network) const {
  const std::span<const SourceRow> all = rows();
  const auto may_be_stream = [](const SourceRow& row) { return row.kind == SourceKind::stream || row.kind == SourceKind::unknown; };
  return static_cast<uint64_t>(std::count_if(all.begin(), all.end(), may_be_stream)) >= network.totals().streams;
}

void SourceTable::set_name(framepump_handle handle, const char* name) {
  const bool is_here = find(handle) != nullptr;
  SourceRow* row = name != nullptr ? add(handle) : find_row(handle);
  if (row == nullptr) return;
  if (!is_here && is_gone(api_, handle)) mark_closed(*row);  // no event will speak of it any more
  row->is_named = name != nullptr;
  if (name != nullptr) copy_text(row->name, name);
}

void SourceTable::take_events(const Network& network) {
  remove_closed();
  for (const Event& event : network.events()) {
    const EventKind kind = event.what();
    if (kind == EventKind::connected || kind == EventKind::accepted) add(event.handle);
    SourceRow* row = kind == EventKind::closed ? find_row(event.handle) : nullptr;
    if (row != nullptr) mark_closed(*row);
  }
  if (passed_over_ > 0 && count_ < kCapacity && has_all_streams(network)) passed_over_ = 0;
}

void SourceTable::meet(framepump_handle handle, int64_t now_us) {
  SourceRow* row = add(handle);
  if (row != nullptr && row->kind == SourceKind::unknown && !renew(*row, now_us)) mark_closed(*row);
}

void SourceTable::look(const Network& network, int64_t now_us) {
  size_t left = kMostReadable;
  for (const Stream stream : network.readable()) {
    if (left-- == 0) break;
    add(stream.value());
  }
  const std::span<const Received> messages = network.messages();
  for (const Received& message : messages.first(std::min(messages.size(), kMostMessages))) {
    add(message.host);
    add(message.peer);
  }
  const size_t looks = std::min(count_, kLooksPerFrame);
  for (size_t n = 0; n < looks && count_ > 0; ++n) {
    next_look_ %= count_;
    if (renew(rows_[next_look_], now_us)) {
      ++next_look_;
    } else {
      remove(next_look_);
    }
  }
}

// What kind of thing a handle names is found out by asking. False: it is gone.
bool SourceTable::renew(SourceRow& row, int64_t now_us) {
  const bool is_new = row.kind == SourceKind::unknown;
  uint32_t error = FRAMEPUMP_ERROR_FOREIGN_HANDLE;
  const auto ask = [&](SourceKind kind, auto call, auto& info) {
    const bool is_asked = is_new ? error == FRAMEPUMP_ERROR_FOREIGN_HANDLE : row.kind == kind;
    if (!is_asked) return false;
    error = call(row.handle, &info);
    if (error == FRAMEPUMP_OK) row.kind = kind;
    return error == FRAMEPUMP_OK;
  };
  StreamInfo stream;
  PeerInfo peer;
  HostInfo host;
  if (ask(SourceKind::stream, api_.stream_info, stream)) {
    set_rates(row, stream.received_bytes, stream.sent_bytes, now_us);
    if (!is_new && stream.back_pressure != row.stream.back_pressure) row.pressed_at_us = now_us;
    row.stream = stream;
    show_address(row, stream.peer_address);
    if (stream.state == FRAMEPUMP_STATE_CLOSED) mark_closed(row);
  } else if (ask(SourceKind::peer, api_.peer_info, peer)) {
    set_rates(row, peer.received_bytes, peer.sent_bytes, now_us);
    row.peer = peer;
    show_address(row, peer.address);
    if (peer.state == FRAMEPUMP_STATE_CLOSED) mark_closed(row);
  } else if (ask(SourceKind::host, api_.host_info, host)) {
    set_rates(row, host.received_bytes, host.sent_bytes, now_us);
    row.host = host;
    show_address(row, host.address);
  } else if (is_new && error == FRAMEPUMP_ERROR_FOREIGN_HANDLE) {
    row.kind = SourceKind::other;  // a listener or a user source, of which a name is all there is
  }
  const bool says_nothing = row.kind == SourceKind::other && !row.is_named;
  return error != FRAMEPUMP_ERROR_STALE_HANDLE && !says_nothing;
}

// ---- overruns ----

void OverrunList::add(const TickSample& sample, const framepump_tick_report& report, const SourceTable& sources) {
  Overrun& overrun = overruns_[count_++ % kCapacity];
  overrun = Overrun();
  overrun.frame = sample.frame;
  overrun.tick_us = report.tick_us;
  overrun.slice_us = report.slice_us;
  const auto longest = std::max_element(sample.part_us.begin(), sample.part_us.end());
  overrun.part = static_cast<TickPart>(longest - sample.part_us.begin());
  overrun.part_us = static_cast<int64_t>(*longest);
  overrun.culprit_us = report.culprit_us;
  overrun.culprit_bytes = report.culprit_bytes;
  if (report.culprit == 0) return;
  const SourceRow* row = sources.find(report.culprit);
  if (row != nullptr) copy_text(overrun.culprit, row->name);
  if (row == nullptr) std::snprintf(overrun.culprit, sizeof(overrun.culprit), "0x%" PRIx64, report.culprit);
}

}  // namespace framepump::extras
