// SPDX-License-Identifier: MIT
#include "demo/client/lanes_panel.h"

#include <imgui.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "demo/client/colors.h"

namespace demo {
namespace {

constexpr float kHeight = 9.6f;  // in letters' heights

struct LaneLook {
  const char* name;
  const char* what;
  const ImVec4& color;
};
const std::array<LaneLook, kLanes> kLooks = {LaneLook{"NAIVE", "one 16 KiB read per frame", kOrange},
                                             LaneLook{"DRAIN", "all that is ready, within the slice", kBlue},
                                             LaneLook{"THREADED", "on a thread of its own", kGreen}};

// "0.67 s", "4 min 02 s"
void format_seconds(double seconds, char (&text)[32]) {
  if (seconds < 100) {
    std::snprintf(text, sizeof(text), "%.*f s", seconds < 10 ? 2 : 1, seconds);
  } else {
    const int whole = static_cast<int>(seconds + 0.5);
    std::snprintf(text, sizeof(text), "%d min %02d s", whole / 60, whole % 60);
  }
}

// What the whole update took in this lane; where it was not whole, what it would take.
void draw_time(const LaneRecord& record, uint64_t update_bytes) {
  char time[32];
  if (record.bytes == 0) {
    ImGui::TextDisabled("no run yet");
  } else if (record.is_whole) {
    format_seconds(record.seconds, time);
    ImGui::Text("%.0f MB in %s", static_cast<double>(update_bytes) / 1e6, time);
  } else {
    format_seconds(static_cast<double>(update_bytes) / 1e6 / record.mb_per_s(), time);
    ImGui::Text("%.0f MB would take %s", static_cast<double>(update_bytes) / 1e6, time);
  }
}

// The bar is as long as the lane is fast, and the fastest fills its column.
void draw_rate(const LaneRecord& record, double best_mb_per_s, const ImVec4& color) {
  char text[32];
  std::snprintf(text, sizeof(text), record.mb_per_s() < 10 ? "%.2f MB/s" : "%.0f MB/s", record.mb_per_s());
  const float share = best_mb_per_s > 0 ? static_cast<float>(record.mb_per_s() / best_mb_per_s) : 0.0f;
  ImGui::PushStyleColor(ImGuiCol_PlotHistogram, ImVec4(color.x * 0.75f, color.y * 0.75f, color.z * 0.75f, 1));
  ImGui::ProgressBar(share, ImVec2(-ImGui::GetFontSize() / 2, ImGui::GetFontSize() * 1.6f), text);
  ImGui::PopStyleColor();
}

// Frame times against the period (pale line), two periods high.
void draw_frames(const LaneRecord& record, float period_us, const ImVec4& color) {
  const float unit = ImGui::GetFontSize();
  const float height = unit * 2.6f;
  const float top_us = period_us > 0 ? period_us * 2 : 33'333.0f;
  char text[64] = "";
  if (!record.is_empty()) {
    std::snprintf(text, sizeof(text), "frame %.1f ms   tick %.2f ms", static_cast<double>(record.frames.newest_us()) / 1000,
                  static_cast<double>(record.ticks.newest_us()) / 1000);
  }
  ImGui::PushStyleColor(ImGuiCol_PlotLines, color);
  // A short run fills the graph as a long one does.
  const bool is_full = record.frames.count() >= engine::FrameMeter::kRecent;
  const int count = static_cast<int>(is_full ? engine::FrameMeter::kRecent : record.frames.count());
  ImGui::PlotLines("##frames", record.frames.recent_us().data(), count, is_full ? static_cast<int>(record.frames.recent_begin()) : 0, text,
                   0.0f, top_us, ImVec2(ImGui::GetContentRegionAvail().x - unit / 2, height));
  ImGui::PopStyleColor();
  const ImVec2 least = ImGui::GetItemRectMin();
  const ImVec2 most = ImGui::GetItemRectMax();
  const float middle = (least.y + most.y) / 2;
  if (period_us > 0) {
    ImGui::GetWindowDrawList()->AddLine(ImVec2(least.x, middle), ImVec2(most.x, middle), ImGui::GetColorU32(kPale));
  }
}

void draw_lane(const Lanes& lanes, Lane lane, uint64_t update_bytes, float period_us) {
  const LaneLook& look = kLooks[static_cast<size_t>(lane)];
  const LaneRecord& record = lanes.record(lane);
  const bool is_current = lanes.is_running() && lanes.current() == lane;
  ImGui::AlignTextToFramePadding();
  ImGui::TextColored(look.color, "%s%s", is_current ? "> " : "", look.name);
  ImGui::SameLine();
  ImGui::TextDisabled("%s", look.what);
  ImGui::PushID(look.name);
  draw_rate(record, lanes.best_mb_per_s(), look.color);
  draw_time(record, update_bytes);
  draw_frames(record, period_us, look.color);
  ImGui::PopID();
}

}  // namespace

float LanesPanel::top(int height) {
  return static_cast<float>(height) - ImGui::GetFontSize() * (kHeight + 2.4f);
}

void LanesPanel::draw(const Lanes& lanes, uint64_t update_bytes, float period_us, int width, int height) const {
  const float unit = ImGui::GetFontSize();
  ImGui::SetNextWindowPos(ImVec2(unit, top(height)));
  ImGui::SetNextWindowSize(ImVec2(static_cast<float>(width) - 2 * unit, unit * kHeight));
  ImGui::SetNextWindowBgAlpha(0.82f);
  ImGui::Begin("lanes", nullptr, ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoInputs | ImGuiWindowFlags_NoSavedSettings);
  if (ImGui::BeginTable("lanes", kLanes, ImGuiTableFlags_SizingStretchSame)) {
    for (size_t i = 0; i < kLanes; ++i) {
      ImGui::TableNextColumn();
      draw_lane(lanes, static_cast<Lane>(i), update_bytes, period_us);
    }
    ImGui::EndTable();
  }
  ImGui::End();
}

}  // namespace demo
