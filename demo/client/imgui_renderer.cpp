// SPDX-License-Identifier: MIT
#include "demo/client/imgui_renderer.h"

#include <cstddef>

namespace demo {

ImGuiRenderer::ImGuiRenderer(SDL_Renderer* renderer, float density) : renderer_(renderer) {
  ImGui::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;  // a demo leaves no files behind
  io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
  ImFontConfig font;
  font.SizePixels = 16.0f * density;
  io.Fonts->AddFontDefault(&font);
  unsigned char* pixels = nullptr;
  int width = 0;
  int height = 0;
  io.Fonts->GetTexDataAsRGBA32(&pixels, &width, &height);
  font_ = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_ABGR8888, SDL_TEXTUREACCESS_STATIC, width, height);
  SDL_UpdateTexture(font_, nullptr, pixels, width * 4);
  SDL_SetTextureBlendMode(font_, SDL_BLENDMODE_BLEND);
  io.Fonts->SetTexID(font_);
  ImGui::GetStyle().ScaleAllSizes(density);
}

ImGuiRenderer::~ImGuiRenderer() {
  SDL_DestroyTexture(font_);
  ImGui::DestroyContext();
}

void ImGuiRenderer::begin_frame(int width, int height, float seconds) {
  ImGuiIO& io = ImGui::GetIO();
  io.DisplaySize = ImVec2(static_cast<float>(width), static_cast<float>(height));
  io.DeltaTime = seconds;
  int x = 0;
  int y = 0;
  const Uint32 buttons = SDL_GetMouseState(&x, &y);
  io.MousePos = ImVec2(static_cast<float>(x), static_cast<float>(y));
  io.MouseDown[0] = (buttons & SDL_BUTTON_LMASK) != 0;
  ImGui::NewFrame();
}

void ImGuiRenderer::end_frame() {
  ImGui::Render();
  const ImDrawData& data = *ImGui::GetDrawData();
  for (int i = 0; i < data.CmdListsCount; ++i) draw_list(*data.CmdLists[i]);
  SDL_RenderSetClipRect(renderer_, nullptr);
}

void ImGuiRenderer::draw_list(const ImDrawList& list) {
  for (const ImDrawCmd& command : list.CmdBuffer) {
    const SDL_Rect clip = {static_cast<int>(command.ClipRect.x), static_cast<int>(command.ClipRect.y),
                           static_cast<int>(command.ClipRect.z - command.ClipRect.x),
                           static_cast<int>(command.ClipRect.w - command.ClipRect.y)};
    if (clip.w <= 0 || clip.h <= 0) continue;
    SDL_RenderSetClipRect(renderer_, &clip);
    const ImDrawVert* vertices = list.VtxBuffer.Data + command.VtxOffset;
    const auto* bytes = reinterpret_cast<const std::byte*>(vertices);
    SDL_RenderGeometryRaw(renderer_, static_cast<SDL_Texture*>(command.GetTexID()),
                          reinterpret_cast<const float*>(bytes + offsetof(ImDrawVert, pos)), sizeof(ImDrawVert),
                          reinterpret_cast<const SDL_Color*>(bytes + offsetof(ImDrawVert, col)), sizeof(ImDrawVert),
                          reinterpret_cast<const float*>(bytes + offsetof(ImDrawVert, uv)), sizeof(ImDrawVert),
                          list.VtxBuffer.Size - static_cast<int>(command.VtxOffset), list.IdxBuffer.Data + command.IdxOffset,
                          static_cast<int>(command.ElemCount), sizeof(ImDrawIdx));
  }
}

}  // namespace demo
