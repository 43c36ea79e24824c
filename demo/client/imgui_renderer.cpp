// SPDX-License-Identifier: MIT
#include "demo/client/imgui_renderer.h"

#include <cfloat>
#include <cstddef>

namespace demo {
namespace {

struct EditKey {
  ImGuiKey_ key;
  SDL_Scancode code;
};
constexpr EditKey kEditKeys[] = {
    {ImGuiKey_LeftArrow, SDL_SCANCODE_LEFT}, {ImGuiKey_RightArrow, SDL_SCANCODE_RIGHT}, {ImGuiKey_Home, SDL_SCANCODE_HOME},
    {ImGuiKey_End, SDL_SCANCODE_END},        {ImGuiKey_Delete, SDL_SCANCODE_DELETE},    {ImGuiKey_Backspace, SDL_SCANCODE_BACKSPACE},
    {ImGuiKey_Enter, SDL_SCANCODE_RETURN},   {ImGuiKey_Escape, SDL_SCANCODE_ESCAPE},    {ImGuiKey_A, SDL_SCANCODE_A},
};

// In pixels of the renderer; SDL tells it in the window's points.
ImVec2 mouse_position(int width, int height) {
  SDL_Window* window = SDL_GetMouseFocus();
  if (window == nullptr) return ImVec2(-FLT_MAX, -FLT_MAX);
  int x = 0;
  int y = 0;
  int points_wide = 0;
  int points_high = 0;
  SDL_GetMouseState(&x, &y);
  SDL_GetWindowSize(window, &points_wide, &points_high);
  if (points_wide == 0 || points_high == 0) return ImVec2(-FLT_MAX, -FLT_MAX);
  return ImVec2(static_cast<float>(x * width) / static_cast<float>(points_wide), static_cast<float>(y * height) / static_cast<float>(points_high));
}

}  // namespace

ImGuiRenderer::ImGuiRenderer(SDL_Renderer* renderer, float density) : renderer_(renderer) {
  ImGui::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;  // a demo leaves no files behind
  for (const EditKey& edit : kEditKeys) io.KeyMap[edit.key] = edit.code;
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
  io.MousePos = mouse_position(width, height);
  io.MouseDown[0] = (SDL_GetMouseState(nullptr, nullptr) & SDL_BUTTON_LMASK) != 0;
  const Uint8* keys = SDL_GetKeyboardState(nullptr);
  for (const EditKey& edit : kEditKeys) io.KeysDown[edit.code] = keys[edit.code] != 0;
  io.KeyCtrl = (SDL_GetModState() & KMOD_CTRL) != 0;
  io.KeyShift = (SDL_GetModState() & KMOD_SHIFT) != 0;
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
