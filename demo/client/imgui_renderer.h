// SPDX-License-Identifier: MIT
#pragma once

#include <SDL.h>
#include <imgui.h>

#include <optional>

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

  // Somebody types into a field: keys are letters then.
  static bool wants_keys() { return ImGui::GetIO().WantTextInput; }
  // The pointer is on a window that takes it.
  static bool wants_mouse() { return ImGui::GetIO().WantCaptureMouse; }
  static void add_text(const char* text) { ImGui::GetIO().AddInputCharactersUTF8(text); }
  static void add_wheel(float notches) { ImGui::GetIO().MouseWheel += notches; }

 private:
  struct Area {
    ImVec2 least;
    ImVec2 most;
    ImU32 color;
  };

  void draw_list(const ImDrawList& list);
  // Of the command's indices.
  void draw_triangles(const ImDrawList& list, const ImDrawCmd& command, unsigned begin, unsigned end);
  static std::optional<Area> area_at(const ImDrawList& list, const ImDrawCmd& command, unsigned at);
  void fill(const Area& area);

  SDL_Renderer* renderer_;
  bool is_software_ = false;
  SDL_Texture* font_ = nullptr;
};

}  // namespace demo
