// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>

#include "extras/overlay_view.h"

namespace framepump::extras {
namespace {

// "slice_us" of "pump.slice_us", whose unit stands in the value.
const char* short_name(const SettingKey& key) { return std::strchr(key.name, '.') + 1; }

void explain(const OverlaySettings& settings, const SettingKey& key) {
  if (!ImGui::IsItemHovered()) return;
  ImGui::BeginTooltip();
  ImGui::Text("%s: %s", key.name, range_of(key).c_str());
  if (key.unit[0] != 0) ImGui::TextUnformatted("Drag it, or hold Ctrl and click to type; a slider ends before the range does.");
  if (key.needs_restart) ImGui::Text("Needs a restart: write it to the config file.%s", settings.is_waiting(key) ? " It waits." : "");
  ImGui::EndTooltip();
}

void draw_setting(OverlaySettings& settings, const SettingKey& key) {
  uint32_t value = settings.value(key);
  ImGui::PushID(key.name);
  ImGui::AlignTextToFramePadding();
  if (settings.is_waiting(key)) {
    ImGui::TextColored(kOrange.with_alpha(1), "%s *", short_name(key));
  } else if (key.needs_restart) {
    ImGui::TextDisabled("%s", short_name(key));
  } else {
    ImGui::TextUnformatted(short_name(key));
  }
  ImGui::TableNextColumn();
  bool is_changed = false;
  if (key.unit[0] == 0) {
    bool is_on = value != 0;
    is_changed = ImGui::Checkbox("##value", &is_on);
    value = is_on ? 1 : 0;
  } else {
    char format[16] = "%u ";
    std::strcat(format, key.unit);
    ImGui::SetNextItemWidth(-FLT_MIN);
    ImGui::PushStyleColor(ImGuiCol_SliderGrab, kBlue.with_alpha(1));  // letters stand on it
    // What is beyond the slider's end is shown, and can be typed; what is beyond the range the plugin refuses.
    const uint32_t least = key.zero_is_off ? 0 : key.minimum;
    const uint32_t most = std::max(key.usual_maximum, value);
    is_changed = ImGui::SliderScalar("##value", ImGuiDataType_U32, &value, &least, &most, format, ImGuiSliderFlags_Logarithmic);
    if (!ImGui::GetIO().WantTextInput) value = snapped(key, value);  // it was slid, not typed
    ImGui::PopStyleColor();
  }
  explain(settings, key);
  if (is_changed) settings.set(key, value);
  ImGui::PopID();
}

}  // namespace

void draw_settings(OverlaySettings& settings) {
  if (ImGui::BeginTable("settings", 4, ImGuiTableFlags_None)) {
    for (int half = 0; half < 2; ++half) {
      ImGui::TableSetupColumn("key", ImGuiTableColumnFlags_WidthFixed, ImGui::CalcTextSize("stall_takeover_ms *").x);
      ImGui::TableSetupColumn("value", ImGuiTableColumnFlags_WidthStretch);
    }
    for (const SettingKey& key : setting_keys()) {
      ImGui::TableNextColumn();
      draw_setting(settings, key);
    }
    ImGui::EndTable();
  }
  if (settings.has_file()) {
    if (ImGui::Button("Write to the config file")) settings.write();
    ImGui::SameLine(0, ImGui::GetFontSize());
    ImGui::TextDisabled("%s", settings.path().c_str());
  } else {
    ImGui::TextDisabled("no config file was opened, so nothing can be written");
  }
  if (settings.message().empty()) return;
  ImGui::PushTextWrapPos(0);
  ImGui::TextColored((settings.is_refusal() ? kOrange : kBluishGreen).with_alpha(1), "%s%s", settings.is_refusal() ? "! " : "", settings.message().c_str());
  ImGui::PopTextWrapPos();
}

}  // namespace framepump::extras
