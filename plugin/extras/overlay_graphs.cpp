// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include "extras/overlay_view.h"

namespace framepump::extras {
namespace {

constexpr float kBarsPerUnit = 8;         // bars of 2 pixels with letters of 16
constexpr float kHighestInSlices = 4;     // what is higher is cut off, or one stall would flatten all the rest for 5 s
constexpr float kLowestTopUs = 100;
constexpr float kTopWithoutSliceUs = 4'000;

// A dark field across the window, in which something is drawn.
struct Field {
  ImVec2 least;
  ImVec2 most;
  ImDrawList& list;

  float width() const { return most.x - least.x; }
  float height() const { return most.y - least.y; }
  bool is_hovered() const { return ImGui::IsItemHovered(); }
};

Field add_field(const char* id, float height) {
  const ImVec2 least = ImGui::GetCursorScreenPos();
  const ImVec2 size(std::max(ImGui::GetContentRegionAvail().x, 1.0f), height);
  ImGui::InvisibleButton(id, size);
  const ImVec2 most(least.x + size.x, least.y + size.y);
  ImDrawList& list = *ImGui::GetWindowDrawList();
  list.AddRectFilled(least, most, IM_COL32(16, 18, 22, 255));
  return {least, most, list};
}

ImU32 packed(OverlayColor color, float alpha = 1) { return ImGui::GetColorU32(color.with_alpha(alpha)); }

float top_us(const TickHistory& history) {
  const float slice_us = history.newest().slice_us;
  const float highest_us = slice_us > 0 ? slice_us * kHighestInSlices : kTopWithoutSliceUs;
  return std::max({std::min(history.longest_us() * 1.1f, highest_us), slice_us * 1.25f, kLowestTopUs});
}

// The bars that are visible: the newest ones that have room.
struct Bars {
  size_t first;
  float width;
  float left;  // of the first one

  Bars(const Field& field, size_t samples) {
    width = ImGui::GetFontSize() / kBarsPerUnit;
    const auto room = static_cast<size_t>(field.width() / width);
    first = samples > room ? samples - room : 0;
    left = field.most.x - width * static_cast<float>(samples - first);
  }
  float x(size_t index) const { return left + width * static_cast<float>(index - first); }
};

void draw_bar(const Field& field, const TickSample& sample, float x, float width, float us_per_pixel) {
  float y = field.most.y;
  for (size_t part = 0; part < kTickParts && y > field.least.y; ++part) {
    const float height = sample.part_us[part] / us_per_pixel;
    if (height < 0.25f) continue;
    const float upper = std::max(y - height, field.least.y);
    field.list.AddRectFilled(ImVec2(x, upper), ImVec2(x + width, y), packed(color_of(static_cast<TickPart>(part))));
    y = upper;
  }
  if (!sample.is_overrun) return;
  const float size = ImGui::GetFontSize() / 4;
  const float middle = x + width / 2;
  const float tip = std::min(std::max(y, field.least.y + size) + size, field.most.y);
  field.list.AddTriangleFilled(ImVec2(middle - size, tip - 2 * size), ImVec2(middle + size, tip - 2 * size), ImVec2(middle, tip),
                               packed(kOrange));
  field.list.AddTriangle(ImVec2(middle - size, tip - 2 * size), ImVec2(middle + size, tip - 2 * size), ImVec2(middle, tip), packed(kPale));
}

void draw_slice(const Field& field, const TickHistory& history, const Bars& bars, float us_per_pixel) {
  for (size_t begin = bars.first; begin < history.size();) {
    size_t end = begin + 1;
    while (end < history.size() && history.at(end).slice_us == history.at(begin).slice_us) ++end;
    const float y = std::max(field.most.y - history.at(begin).slice_us / us_per_pixel, field.least.y);
    const float left = begin == bars.first ? field.least.x : bars.x(begin);
    field.list.AddLine(ImVec2(left, y), ImVec2(bars.x(end), y), packed(kPale, 0.8f), std::max(ImGui::GetFontSize() / 16, 1.0f));
    begin = end;
  }
}

void explain_tick(const TickSample& sample) {
  ImGui::BeginTooltip();
  ImGui::Text("frame %llu  %s", static_cast<unsigned long long>(sample.frame), sample.is_threaded ? "threaded" : "frame-locked");
  ImGui::Text("tick %.0f us of %.0f us%s", static_cast<double>(sample.tick_us), static_cast<double>(sample.slice_us),
              sample.is_overrun ? ": overrun" : "");
  for (size_t part = kTickParts; part-- > 0;) {
    ImGui::TextColored(color_of(static_cast<TickPart>(part)).with_alpha(1), "%-8s %7.0f us", name_of(static_cast<TickPart>(part)),
                       static_cast<double>(sample.part_us[part]));
  }
  ImGui::EndTooltip();
}

void draw_legend() {
  const float size = ImGui::GetFontSize() * 0.7f;
  for (size_t part = 0; part < kTickParts; ++part) {
    if (part > 0) ImGui::SameLine(0, ImGui::GetFontSize());
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float top = at.y + (ImGui::GetTextLineHeight() - size) / 2;
    ImGui::GetWindowDrawList()->AddRectFilled(ImVec2(at.x, top), ImVec2(at.x + size, top + size), packed(color_of(static_cast<TickPart>(part))));
    ImGui::Dummy(ImVec2(size, size));
    ImGui::SameLine(0, ImGui::GetFontSize() * 0.35f);
    ImGui::TextUnformatted(name_of(static_cast<TickPart>(part)));
  }
}

// The next multiple of 1, 2 or 5, so that the scale holds still.
double rounded_up(double value) {
  const double power = std::pow(10.0, std::floor(std::log10(std::max(value, 1e-3))));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (value <= step * power) return step * power;
  }
  return 10 * power;
}

}  // namespace

OverlayColor color_of(TickPart part) {
  constexpr OverlayColor kColors[kTickParts] = {kWhite, kSkyBlue, kYellow, kBlue, kPurple, kVermilion, kGrey};
  return kColors[static_cast<size_t>(part)];
}

void draw_ticks(const TickHistory& history, float height) {
  const Field field = add_field("ticks", height);
  const Bars bars(field, history.size());
  const float top = top_us(history);
  const float us_per_pixel = top / field.height();
  field.list.PushClipRect(field.least, field.most, true);
  for (size_t i = bars.first; i < history.size(); ++i) draw_bar(field, history.at(i), bars.x(i), bars.width, us_per_pixel);
  draw_slice(field, history, bars, us_per_pixel);
  char text[48];
  std::snprintf(text, sizeof(text), "%.2f ms", static_cast<double>(top) / 1000);
  const float inset = ImGui::GetFontSize() / 4;
  field.list.AddText(ImVec2(field.least.x + inset, field.least.y + inset), packed(kPale, 0.8f), text);
  field.list.PopClipRect();
  const float pointed = (ImGui::GetIO().MousePos.x - bars.left) / bars.width;
  if (field.is_hovered() && pointed >= 0) explain_tick(history.at(std::min(bars.first + static_cast<size_t>(pointed), history.size() - 1)));
  draw_legend();
}

void draw_throughput(const TickHistory& history, float height) {
  std::array<TickHistory::Rates, TickHistory::kCapacity> places;
  const std::span<const TickHistory::Rates> rates = history.rates(places);
  ImGui::TextColored(kSkyBlue.with_alpha(1), "received %7.2f MB/s", rates.back().received_per_s / 1e6);
  ImGui::SameLine(0, ImGui::GetFontSize());
  ImGui::TextColored(kOrange.with_alpha(1), "sent (dashed) %7.2f MB/s", rates.back().sent_per_s / 1e6);
  const Field field = add_field("throughput", height);
  const Bars bars(field, history.size());
  std::array<ImVec2, TickHistory::kCapacity> received;
  std::array<ImVec2, TickHistory::kCapacity> sent;
  const size_t count = history.size() - bars.first;
  double highest = 0;
  for (size_t i = 0; i < count; ++i) {
    const float x = bars.x(bars.first + i) + bars.width / 2;
    received[i] = ImVec2(x, static_cast<float>(rates[bars.first + i].received_per_s));
    sent[i] = ImVec2(x, static_cast<float>(rates[bars.first + i].sent_per_s));
    highest = std::max({highest, static_cast<double>(received[i].y), static_cast<double>(sent[i].y)});
  }
  const double top = rounded_up(highest / 1e6);
  const auto place = [&](ImVec2& point) { point.y = field.most.y - point.y / static_cast<float>(top * 1e6) * (field.height() - 2) - 1; };
  for (size_t i = 0; i < count; ++i) {
    place(received[i]);
    place(sent[i]);
  }
  const float thickness = std::max(ImGui::GetFontSize() / 10, 1.0f);
  field.list.AddPolyline(received.data(), static_cast<int>(count), packed(kSkyBlue), ImDrawFlags_None, thickness);
  constexpr size_t kDash = 6;
  for (size_t i = 0; i + 1 < count; i += 2 * kDash) {
    field.list.AddPolyline(sent.data() + i, static_cast<int>(std::min(kDash, count - i)), packed(kOrange), ImDrawFlags_None, thickness);
  }
  char text[48];
  std::snprintf(text, sizeof(text), "%g MB/s", top);
  const float inset = ImGui::GetFontSize() / 4;
  field.list.AddText(ImVec2(field.least.x + inset, field.least.y + inset), packed(kPale, 0.8f), text);
}

namespace {

// A bar that is full at the limit, with a pointer to `peak`.
void draw_share(const char* text, double used, double peak, double limit, float width) {
  const ImVec2 least = ImGui::GetCursorScreenPos();
  ImGui::PushStyleColor(ImGuiCol_PlotHistogram, kBlue.with_alpha(1));
  ImGui::ProgressBar(limit > 0 ? static_cast<float>(std::min(used / limit, 1.0)) : 0.0f, ImVec2(width, 0), text);
  ImGui::PopStyleColor();
  if (limit <= 0 || peak <= 0) return;
  const float x = least.x + width * static_cast<float>(std::min(peak / limit, 1.0));
  const float foot = least.y + ImGui::GetFrameHeight();
  const float size = ImGui::GetFontSize() / 4;  // below the text
  ImGui::GetWindowDrawList()->AddTriangleFilled(ImVec2(x, foot - size), ImVec2(x + size, foot), ImVec2(x - size, foot), packed(kPale));
}

}  // namespace

void draw_memory(const Totals& totals, const Config& config) {
  constexpr double kMebibyte = 1048576;
  const float spacing = ImGui::GetStyle().ItemSpacing.x;
  const float width = std::floor((ImGui::GetContentRegionAvail().x - spacing) / 2);
  const double used = static_cast<double>(totals.memory_used_bytes) / kMebibyte;
  const double peak = static_cast<double>(totals.memory_peak_bytes) / kMebibyte;
  const double budget = static_cast<double>(totals.memory_budget_bytes) / kMebibyte;
  const double window = static_cast<double>(totals.kernel_window_bytes) / kMebibyte;
  const double window_limit = config.kernel_window_kib / 1024.0;
  char text[64];
  std::snprintf(text, sizeof(text), "memory %.1f of %.0f MiB, peak %.1f", used, budget, peak);
  draw_share(text, used, peak, budget, width);
  ImGui::SameLine();
  std::snprintf(text, sizeof(text), "windows %.1f of %.0f MiB", window, window_limit);
  draw_share(text, window, 0, window_limit, width);
}

}  // namespace framepump::extras
