// SPDX-License-Identifier: MIT
#pragma once

#include <SDL.h>
#include <imgui.h>

namespace demo {

// Draws Dear ImGui with any SDL_Renderer, the software one included, so that the panel is there without a display too. (Debian's
// package has no back end for SDL_Renderer.)
class ImGuiRenderer {
 public:
  // `density`: pixels per point; the font is made in that size.
  ImGuiRenderer(SDL_Renderer* renderer, float density);
  ~ImGuiRenderer();
  ImGuiRenderer(const ImGuiRenderer&) = delete;
  ImGuiRenderer& operator=(const ImGuiRenderer&) = delete;

  void begin_frame(int width, int height, float seconds);
  void end_frame();

 private:
  void draw_list(const ImDrawList& list);

  SDL_Renderer* renderer_;
  SDL_Texture* font_ = nullptr;
};

}  // namespace demo
