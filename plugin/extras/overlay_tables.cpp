// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>

#include "extras/overlay_view.h"

namespace framepump::extras {
namespace {

constexpr ImGuiTableFlags kTable = ImGuiTableFlags_RowBg | ImGuiTableFlags_BordersInnerV | ImGuiTableFlags_SizingFixedFit;

const char* name_of_priority(uint32_t priority) {
  constexpr const char* kNames[] = {"realtime", "normal", "bulk"};
  return kNames[std::min<uint32_t>(priority, FRAMEPUMP_PRIORITY_BULK)];
}

const char* name_of_state(uint32_t state) {
  constexpr const char* kNames[] = {"", "connecting", "", "half closed", "closing", "closed"};
  return kNames[std::min<uint32_t>(state, FRAMEPUMP_STATE_CLOSED)];
}

// As wide as the text, or the head.
void add_column(const char* head, const char* widest) {
  const float width = std::max(ImGui::CalcTextSize(head).x, ImGui::CalcTextSize(widest).x);
  ImGui::TableSetupColumn(head, ImGuiTableColumnFlags_WidthFixed, width);
}

void add_name_column(const char* head) { ImGui::TableSetupColumn(head, ImGuiTableColumnFlags_WidthStretch); }

void explain(const char* text) {
  if (ImGui::IsItemHovered()) ImGui::SetTooltip("%s", text);
}

// The name, and what is odd about its state; whole in a tooltip where the column is too narrow.
void draw_name(const SourceRow& row, uint32_t state) {
  const char* const odd = name_of_state(state);
  char text[80];
  std::snprintf(text, sizeof(text), odd[0] != 0 ? "%s (%s)" : "%s", row.name, odd);
  const bool is_cut = ImGui::CalcTextSize(text).x > ImGui::GetContentRegionAvail().x;
  ImGui::TextUnformatted(text);
  if (is_cut) explain(text);
}

// A click gives it the next one.
void draw_priority(Handle handle, uint32_t priority) {
  ImGui::PushID(static_cast<int>(handle.value()));
  ImGui::PushID(static_cast<int>(handle.value() >> 32));
  if (ImGui::SmallButton(name_of_priority(priority))) {
    (void)handle.set_priority(static_cast<Priority>((priority + 1) % (FRAMEPUMP_PRIORITY_BULK + 1)));
  }
  ImGui::PopID();
  ImGui::PopID();
  explain("A click gives it the next priority: realtime, normal, bulk.");
}

void draw_pair(double first, double second, const char* format) {
  char text[48];
  std::snprintf(text, sizeof(text), format, first, second);
  ImGui::TextUnformatted(text);
}

void draw_ms(int64_t us) {
  const double ms = static_cast<double>(us) / 1000;
  ImGui::Text(ms < 99.95 ? "%.1f ms" : "%.0f ms", ms);
}

void draw_bytes(uint64_t first, uint64_t second) { ImGui::Text("%s/%s", ShortBytes(first).text, ShortBytes(second).text); }

// A word and a sign, not the colour alone.
void draw_pressure(const SourceRow& row, int64_t now_us) {
  if (row.is_pressed(now_us)) {
    ImGui::TextColored(kOrange.with_alpha(1), "! BP %u", row.stream.back_pressure);
    explain("Reading has stopped: gameplay leaves bytes unread, or the budget is full. TCP makes the sender wait; nothing is lost.");
  } else if (row.stream.back_pressure > 0) {
    ImGui::Text("BP %u", row.stream.back_pressure);
    explain("So many times reading has stopped for lack of room.");
  } else {
    ImGui::TextDisabled("-");
  }
}

void draw_dwell(const StreamInfo& info) {
  constexpr int64_t kMostUs = 99'999;  // for which there is room
  const bool is_long = info.dwell_us > kMostUs;
  ImGui::Text(is_long ? "%u f %lld ms" : "%u f %lld us", info.dwell_frames, static_cast<long long>(is_long ? info.dwell_us / 1000 : info.dwell_us));
  if (!ImGui::IsItemHovered()) return;
  ImGui::SetTooltip("The oldest byte of the newest publication waited for %u frames, %lld us.\nThe longest wait so far: %lld us.", info.dwell_frames,
                    static_cast<long long>(info.dwell_us), static_cast<long long>(info.dwell_max_us));
}

void draw_window(const StreamInfo& info) {
  if (info.window_bytes == 0) {
    ImGui::TextDisabled("kernel");
    explain("The kernel tunes this stream's receive window by itself.");
  } else {
    ImGui::Text("%s%s", (info.flags & FRAMEPUMP_STREAM_HOT) != 0 ? "hot " : "", ShortBytes(info.window_bytes).text);
    explain("Promised to this stream out of memory.kernel_window_kib.");
  }
}

void draw_stream(Network& network, const SourceRow& row, int64_t now_us) {
  const StreamInfo& info = row.stream;
  ImGui::TableNextColumn();
  draw_name(row, info.state);
  ImGui::TableNextColumn();
  draw_priority(network.stream(row.handle), info.priority);
  ImGui::TableNextColumn();
  draw_pair(row.received_per_s / 1e6, row.sent_per_s / 1e6, "%.1f/%.1f");
  ImGui::TableNextColumn();
  draw_window(info);
  ImGui::TableNextColumn();
  draw_bytes(info.available_bytes + info.unpublished_bytes, info.unsent_bytes);
  ImGui::TableNextColumn();
  draw_dwell(info);
  ImGui::TableNextColumn();
  draw_pressure(row, now_us);
}

void draw_peer(const SourceRow& row) {
  const PeerInfo& info = row.peer;
  ImGui::TableNextColumn();
  draw_name(row, info.state);
  ImGui::TableNextColumn();
  draw_ms(info.rtt_us);
  ImGui::TableNextColumn();
  draw_ms(info.jitter_us);
  ImGui::TableNextColumn();
  ImGui::Text("%.1f %%", info.loss_permille / 10.0);
  ImGui::TableNextColumn();
  draw_pair(row.received_per_s / 1e3, row.sent_per_s / 1e3, "%.1f/%.1f");
  ImGui::TableNextColumn();
  draw_bytes(info.waiting_bytes, info.unsent_bytes);
  ImGui::TableNextColumn();
  ImGui::Text("%llu", static_cast<unsigned long long>(info.queue_drops + info.throttled));
  if (ImGui::IsItemHovered()) {
    ImGui::SetTooltip("Unreliable messages: gameplay did not take %llu in time; the sender threw %llu away, and lets %u %% through now.",
                      static_cast<unsigned long long>(info.queue_drops), static_cast<unsigned long long>(info.throttled), info.throttle_percent);
  }
  if (info.held == 0) return;
  ImGui::SameLine();
  ImGui::TextColored(kOrange.with_alpha(1), "! held");
  explain("Its reliable messages stay unacknowledged until gameplay takes what waits.");
}

void draw_host(Network& network, const SourceRow& row) {
  const HostInfo& info = row.host;
  ImGui::Text("%s  peers %u of %u  lost to a full buffer %llu ", row.name, info.peers, info.peer_limit,
              static_cast<unsigned long long>(info.kernel_drops));
  ImGui::SameLine();
  draw_priority(network.stream(row.handle), info.priority);
}

template <typename Draw>
void for_each(const SourceTable& sources, SourceKind kind, Draw draw) {
  for (const SourceRow& row : sources.rows()) {
    if (row.kind == kind) draw(row);
  }
}

bool has_any(const SourceTable& sources, SourceKind kind) {
  bool has = false;
  for_each(sources, kind, [&](const SourceRow&) { has = true; });
  return has;
}

void draw_overrun(const Overrun& overrun) {
  ImGui::TableNextColumn();
  ImGui::Text("%llu", static_cast<unsigned long long>(overrun.frame));
  ImGui::TableNextColumn();
  draw_pair(static_cast<double>(overrun.tick_us) / 1000, static_cast<double>(overrun.slice_us) / 1000, "%.2f of %.2f ms");
  ImGui::TableNextColumn();
  ImGui::TextUnformatted(overrun.culprit[0] != 0 ? overrun.culprit : "own work");
  ImGui::TableNextColumn();
  ImGui::Text("%lld us, %s", static_cast<long long>(overrun.culprit_us), ShortBytes(overrun.culprit_bytes).text);
  ImGui::TableNextColumn();
  ImGui::Text("%s %lld us", name_of(overrun.part), static_cast<long long>(overrun.part_us));
}

}  // namespace

ShortBytes::ShortBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"K", "M", "G", "T"};
  if (bytes < 1000) {
    std::snprintf(text, sizeof(text), "%u", static_cast<unsigned>(bytes));
    return;
  }
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  std::snprintf(text, sizeof(text), value < 9.95 ? "%.1f%s" : "%.0f%s", value, kUnits[unit]);
}

void draw_streams(Network& network, const SourceTable& sources, int64_t now_us) {
  if (!has_any(sources, SourceKind::stream)) {
    ImGui::TextDisabled("no streams");
  } else if (ImGui::BeginTable("streams", 7, kTable)) {
    add_name_column("stream");
    add_column("priority", "realtime");
    add_column("MB/s i/o", "999.9/0.0");
    add_column("window", "hot 999M");
    add_column("queued i/o", "9.9M/999K");
    add_column("dwell", "99 f 99999 us");
    add_column("pressure", "! BP 9999");
    ImGui::TableHeadersRow();
    for_each(sources, SourceKind::stream, [&](const SourceRow& row) { draw_stream(network, row, now_us); });
    ImGui::EndTable();
  }
  if (sources.passed_over() == 0) return;
  unsigned shown = 0;
  for_each(sources, SourceKind::stream, [&](const SourceRow&) { ++shown; });
  ImGui::TextDisabled("%u of %u streams are shown; the table has room for %u sources", shown, network.totals().streams,
                      static_cast<unsigned>(SourceTable::kCapacity));
}

void draw_peers(Network& network, const SourceTable& sources) {
  if (has_any(sources, SourceKind::peer) && ImGui::BeginTable("peers", 7, kTable)) {
    add_name_column("ENet peer");
    add_column("RTT", "99999 ms");
    add_column("jitter", "99999 ms");
    add_column("loss", "100.0 %");
    add_column("KB/s i/o", "999.9/99.9");
    add_column("queued i/o", "9.9M/999K");
    add_column("drops", "9999 ! held");
    ImGui::TableHeadersRow();
    for_each(sources, SourceKind::peer, draw_peer);
    ImGui::EndTable();
  }
  for_each(sources, SourceKind::host, [&](const SourceRow& row) { draw_host(network, row); });
}

void draw_overruns(OverrunList& overruns) {
  if (overruns.size() == 0) {
    ImGui::TextDisabled("no tick was longer than its slice and margin");
    return;
  }
  if (ImGui::SmallButton("Clear")) overruns.clear();
  if (overruns.size() == 0 || !ImGui::BeginTable("overruns", 5, kTable)) return;
  add_column("frame", "9999999");
  add_column("tick of slice", "999.99 of 99.99 ms");
  add_name_column("culprit");
  add_column("its longest turn", "999999 us, 999K");
  add_column("longest part", "receive 999999 us");
  ImGui::TableHeadersRow();
  for (size_t i = 0; i < overruns.size(); ++i) draw_overrun(overruns.at(i));
  ImGui::EndTable();
}

}  // namespace framepump::extras
