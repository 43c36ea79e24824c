// SPDX-License-Identifier: MIT
#include "demo/client/panel.h"

#include <imgui.h>

#include <algorithm>
#include <cstdio>

#include "demo/client/colors.h"
#include "demo/client/demo_game.h"

namespace demo {
namespace {

constexpr float kPanelWidth = 30;  // in letters' heights

// The newest values, orange beyond `limit_us`, and a line at `mark_us`.
void draw_graph(const char* label, const engine::FrameMeter& meter, float mark_us, float limit_us, float height) {
  const float top_us = std::max(limit_us * 1.5f, 100.0f);
  char overlay[64];
  std::snprintf(overlay, sizeof(overlay), "%.2f ms", static_cast<double>(meter.newest_us()) / 1000);
  ImGui::PushStyleColor(ImGuiCol_PlotLines, meter.newest_us() <= limit_us ? kBlue : kOrange);
  ImGui::PlotLines(label, meter.recent_us().data(), static_cast<int>(engine::FrameMeter::kRecent),
                   static_cast<int>(meter.recent_begin()), overlay, 0.0f, top_us,
                   ImVec2(ImGui::GetContentRegionAvail().x, height));
  ImGui::PopStyleColor();
  const ImVec2 padding = ImGui::GetStyle().FramePadding;
  const ImVec2 least = ImGui::GetItemRectMin();
  const ImVec2 most = ImGui::GetItemRectMax();
  const float y = most.y - padding.y - (most.y - least.y - 2 * padding.y) * mark_us / top_us;
  ImGui::GetWindowDrawList()->AddLine(ImVec2(least.x + padding.x, y), ImVec2(most.x - padding.x, y), ImGui::GetColorU32(kPale));
}

}  // namespace

float Panel::draw(const engine::Engine& engine, const DemoGame& game, int64_t now_us, const std::string& note, int width) {
  const float unit = ImGui::GetFontSize();
  const int fps = engine.options().fps;
  const float period_us = 1e6f / static_cast<float>(fps > 0 ? fps : 60);
  ImGui::SetNextWindowPos(ImVec2(static_cast<float>(width) - unit * (kPanelWidth + 1), unit));
  ImGui::SetNextWindowSize(ImVec2(unit * kPanelWidth, 0));
  ImGui::SetNextWindowBgAlpha(0.82f);
  ImGui::Begin("panel", nullptr, ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoInputs | ImGuiWindowFlags_NoSavedSettings);
  char limit[16] = "no limit";
  if (fps > 0) std::snprintf(limit, sizeof(limit), "%d fps", fps);
  ImGui::TextDisabled("%s   pace %s   guard %s", limit, engine::name_of(engine.options().pace), game.has_guard() ? "on" : "off");
  draw_update(game.update(), now_us);
  ImGui::Separator();
  ImGui::Text("frame %6.2f ms   %llu late of %llu", static_cast<double>(engine.frame_meter().newest_us()) / 1000,
              static_cast<unsigned long long>(engine.late_frames()), static_cast<unsigned long long>(engine.frames()));
  draw_graph("##frame", engine.frame_meter(), period_us, period_us * 1.5f, unit * 3);
  ImGui::Separator();
  draw_swarm(game.swarm());
  ImGui::PushTextWrapPos(0);
  if (!note.empty()) ImGui::TextColored(kOrange, "%s", note.c_str());
  ImGui::PopTextWrapPos();
  const float end = ImGui::GetWindowPos().y + ImGui::GetWindowSize().y;
  ImGui::End();
  return end;
}

void Panel::draw_name(const std::string& name, float x, float y) {
  const float unit = ImGui::GetFontSize();
  ImGui::GetBackgroundDrawList()->AddText(ImVec2(x + unit * 1.2f, y - unit / 2), ImGui::GetColorU32(ImVec4(0.85f, 0.88f, 0.92f, 0.9f)), name.c_str());
}

void Panel::draw_chat(const std::deque<std::string>& lines, const std::string* typed, int width, float top) {
  if (lines.empty() && typed == nullptr) return;
  const float unit = ImGui::GetFontSize();
  ImGui::SetNextWindowPos(ImVec2(static_cast<float>(width) - unit * (kPanelWidth + 1), top + unit / 2));
  ImGui::SetNextWindowSize(ImVec2(unit * kPanelWidth, 0));
  ImGui::SetNextWindowBgAlpha(0.6f);
  ImGui::Begin("chat", nullptr, ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoInputs | ImGuiWindowFlags_NoSavedSettings);
  ImGui::PushTextWrapPos(0);
  for (const std::string& line : lines) ImGui::TextUnformatted(line.c_str());
  if (typed != nullptr) ImGui::TextColored(kBlue, "> %s_", typed->c_str());
  ImGui::PopTextWrapPos();
  ImGui::End();
}

void Panel::draw_keys(const char* keys, int width, int height) {
  const float unit = ImGui::GetFontSize();
  const ImVec2 size = ImGui::CalcTextSize(keys);
  const ImVec2 at((static_cast<float>(width) - size.x) / 2, static_cast<float>(height) - unit * 1.9f);
  ImGui::GetForegroundDrawList()->AddText(at, ImGui::GetColorU32(ImVec4(0.62f, 0.66f, 0.72f, 1)), keys);
}

void Panel::draw_swarm(const SwarmClient& swarm) {
  const SwarmView& view = swarm.view();
  ImGui::Text("swarm %.1f/s   gap p99 %.0f ms   lost %llu", view.per_s(), view.gap_ms_p99(),
              static_cast<unsigned long long>(view.lost()));
  if (swarm.is_connected() && swarm.drops() == 0) {
    ImGui::TextColored(kBlue, "still here: %s", swarm.status().c_str());
  } else if (swarm.is_connected()) {
    ImGui::TextColored(kOrange, "dropped by server %llu times; %s again", static_cast<unsigned long long>(swarm.drops()),
                       swarm.status().c_str());
  } else {
    ImGui::TextColored(kOrange, "%s", swarm.status().c_str());
  }
}

void Panel::draw_update(const UpdateSight& update, int64_t now_us) {
  constexpr int64_t kRateEveryUs = 250'000;
  if (rate_at_us_ == 0 || update.bytes < rate_bytes_) {  // the first, or the next update
    rate_at_us_ = now_us;
    rate_bytes_ = update.bytes;
    rate_mb_per_s_.reset();
  }
  if (now_us - rate_at_us_ >= kRateEveryUs) {
    const double rate_seconds = static_cast<double>(now_us - rate_at_us_) / 1e6;
    rate_mb_per_s_ = static_cast<double>(update.bytes - rate_bytes_) / 1e6 / rate_seconds;
    rate_bytes_ = update.bytes;
    rate_at_us_ = now_us;
  }
  const bool is_under_way = update.state == UpdateState::under_way;
  const double rate_mb_per_s = is_under_way ? rate_mb_per_s_.value_or(update.mb_per_s()) : 0.0;
  const double done_mb = static_cast<double>(update.bytes) / 1e6;
  char text[96];
  if (update.size_bytes > 0) {
    std::snprintf(text, sizeof(text), "%.1f of %.1f MB", done_mb, static_cast<double>(update.size_bytes) / 1e6);
  } else {
    std::snprintf(text, sizeof(text), "%.1f MB", done_mb);
  }
  ImGui::ProgressBar(update.done(), ImVec2(-1, 0), text);
  ImGui::Text("%.1f MB/s   %.2f s   average %.1f MB/s", rate_mb_per_s, update.seconds, update.mb_per_s());
  if (update.left_s && is_under_way) {
    ImGui::SameLine();
    ImGui::Text("  %.1f s left", *update.left_s);
  }
  if (update.state == UpdateState::failed) ImGui::PushStyleColor(ImGuiCol_Text, kOrange);
  ImGui::TextWrapped("%s", update.status.c_str());
  if (update.state == UpdateState::failed) ImGui::PopStyleColor();
  if (update.over != "tcp") ImGui::TextDisabled("%s", update.from.substr(0, update.from.find('?')).c_str());
  if (update.resumed_bytes > 0) ImGui::TextColored(kOrange, "%.1f MB were there before", static_cast<double>(update.resumed_bytes) / 1e6);
  if (update.interruptions > 0) ImGui::TextColored(kOrange, "broken off and tried again: %u", update.interruptions);
}

}  // namespace demo
