// SPDX-License-Identifier: MIT
#include "extras/overlay.h"

#include <imgui.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "extras/overlay_view.h"

namespace framepump::extras {
namespace {

constexpr float kWidth = 44;   // in letters' heights: what the table of streams needs
constexpr float kHeight = 34;
constexpr float kMargin = 0.5f;

// People may lose a window when a display shrinks.
void keep_in_display() {
  const ImVec2 display = ImGui::GetIO().DisplaySize;
  const ImVec2 size = ImGui::GetWindowSize();
  const ImVec2 fitting(std::min(size.x, display.x), ImGui::IsWindowCollapsed() ? size.y : std::min(size.y, display.y));
  if (fitting.x < size.x || fitting.y < size.y) ImGui::SetWindowSize(fitting);
  const ImVec2 at = ImGui::GetWindowPos();
  const ImVec2 inside(std::clamp(at.x, 0.0f, display.x - fitting.x), std::clamp(at.y, 0.0f, std::max(display.y - fitting.y, 0.0f)));
  if (inside.x != at.x || inside.y != at.y) ImGui::SetWindowPos(inside);
}

}  // namespace

Overlay::Overlay(Api api, Network& network, std::string config_path)
    : api_(api),
      network_(network),
      sources_(*api.table()),
      settings_(api, network, std::move(config_path)),
      title_(std::string(api->version_string()) + "###framepump overlay") {}

void Overlay::frame(const TickReport& report, const Frame& frame) {
  const TickSample sample = sample_of(report, frame.frame, frame.now_us);
  history_.add(sample);
  report_ = report;
  sources_.take_events(network_);
  if (sample.is_overrun) {
    sources_.meet(report.culprit, frame.now_us);
    overruns_.add(sample, report, sources_);
  }
  if (report.notice != nullptr) std::snprintf(notice_, sizeof(notice_), "%s", report.notice);
  report_.notice = nullptr;  // not ours to keep
  if (is_visible_) sources_.look(network_, frame.now_us);
}

void Overlay::draw() {
  const float unit = ImGui::GetFontSize();
  draw({kMargin * unit, kMargin * unit, kWidth * unit, kHeight * unit});
}

void Overlay::draw(const OverlayPlace& place) {
  if (!is_visible_) return;
  const float unit = ImGui::GetFontSize();
  const ImVec2 display = ImGui::GetIO().DisplaySize;
  const ImVec2 least(std::min(kWidth * unit, display.x), std::min(kHeight * unit * 0.6f, display.y));
  ImGui::SetNextWindowPos(ImVec2(place.x, place.y), ImGuiCond_FirstUseEver);
  ImGui::SetNextWindowSize(ImVec2(place.width, place.height), ImGuiCond_FirstUseEver);
  ImGui::SetNextWindowSizeConstraints(least, display);
  ImGui::SetNextWindowBgAlpha(0.85f);
  if (ImGui::Begin(title_.c_str(), &is_visible_) && history_.size() > 0) {
    draw_status();
    draw_ticks(history_, unit * 6);
    draw_throughput(history_, unit * 3);
    draw_memory(network_.totals(), network_.config());
    draw_tabs();
  }
  keep_in_display();
  ImGui::End();
}

void Overlay::draw_status() const {
  const TickSample& newest = history_.newest();
  const bool is_threaded = newest.is_threaded;
  const float gap = ImGui::GetFontSize();
  ImGui::TextColored((is_threaded ? kBluishGreen : kSkyBlue).with_alpha(1), is_threaded ? "threaded" : "frame-locked");
  ImGui::SameLine(0, gap);
  ImGui::Text("tick %.2f of %.2f ms", static_cast<double>(newest.tick_us) / 1000, static_cast<double>(newest.slice_us) / 1000);
  ImGui::SameLine(0, gap);
  ImGui::TextDisabled("left over %u  blocked %u", report_.left_over, report_.blocked);
  ImGui::SameLine(0, gap);
  const auto overruns = static_cast<unsigned long long>(overruns_.count());
  if (overruns == 0) {
    ImGui::TextDisabled("no overruns");
  } else {
    ImGui::TextColored(kOrange.with_alpha(1), "overruns %llu", overruns);
  }
}

void Overlay::draw_tabs() {
  if (!ImGui::BeginTabBar("tabs")) return;
  const int64_t now_us = history_.newest().at_us;
  if (ImGui::BeginTabItem("Streams and peers")) {
    ImGui::BeginChild("sources");
    draw_streams(network_, sources_, now_us);
    draw_peers(network_, sources_);
    if (notice_[0] != 0) ImGui::TextWrapped("%s", notice_);
    ImGui::EndChild();
    ImGui::EndTabItem();
  }
  if (ImGui::BeginTabItem("Overruns")) {
    ImGui::BeginChild("overruns");
    draw_overruns(overruns_);
    ImGui::EndChild();
    ImGui::EndTabItem();
  }
  if (ImGui::BeginTabItem("Controls")) {
    ImGui::BeginChild("controls");
    draw_settings(settings_);
    ImGui::EndChild();
    ImGui::EndTabItem();
  }
  ImGui::EndTabBar();
}

}  // namespace framepump::extras
