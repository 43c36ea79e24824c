// SPDX-License-Identifier: MIT
//
// The parts of the overlay's window. Sizes are in units of the font's, so they hold at any density.
#pragma once

#include <imgui.h>

#include "extras/overlay_model.h"
#include "extras/overlay_settings.h"

namespace framepump::extras {

// Of Okabe and Ito (2008), told apart by colour-blind eyes too: the second cues are the order of a stack, dashes, shapes and words.
struct OverlayColor {
  float red, green, blue;
  ImVec4 with_alpha(float alpha) const { return {red, green, blue, alpha}; }
};
inline constexpr OverlayColor kBluishGreen = {0.00f, 0.62f, 0.45f};
inline constexpr OverlayColor kSkyBlue = {0.34f, 0.71f, 0.91f};
inline constexpr OverlayColor kYellow = {0.94f, 0.89f, 0.26f};
inline constexpr OverlayColor kPurple = {0.80f, 0.47f, 0.65f};
inline constexpr OverlayColor kBlue = {0.00f, 0.45f, 0.70f};
inline constexpr OverlayColor kOrange = {0.90f, 0.62f, 0.00f};
inline constexpr OverlayColor kVermilion = {0.84f, 0.37f, 0.00f};
inline constexpr OverlayColor kGrey = {0.42f, 0.42f, 0.42f};
inline constexpr OverlayColor kWhite = {0.95f, 0.95f, 0.95f};
inline constexpr OverlayColor kPale = {0.90f, 0.90f, 0.90f};
OverlayColor color_of(TickPart part);

// Each tick is a bar of its parts, the newest at the right; a line at the slice, a triangle over an overrun; the legend in the order of the bars.
void draw_ticks(const TickHistory& history, float height);
// Two lines: received, and sent (dashed).
void draw_throughput(const TickHistory& history, float height);
void draw_memory(const Totals& totals, const Config& config);

void draw_streams(Network& network, const SourceTable& sources, int64_t now_us);
void draw_peers(Network& network, const SourceTable& sources);
void draw_overruns(OverrunList& overruns);
void draw_settings(OverlaySettings& settings);

// "0", "812", "64K", "1.2M": short enough for a table's cell.
struct ShortBytes {
  explicit ShortBytes(uint64_t bytes);
  char text[16];
};

}  // namespace framepump::extras
