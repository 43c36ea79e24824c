// SPDX-License-Identifier: MIT
#include "demo/client/imgui_renderer.h"

#include <cfloat>
#include <cmath>
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
  SDL_RendererInfo info = {};
  is_software_ = SDL_GetRendererInfo(renderer_, &info) == 0 && (info.flags & SDL_RENDERER_SOFTWARE) != 0;
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
    if (!is_software_) {
      draw_triangles(list, command, 0, command.ElemCount);
      continue;
    }
    unsigned begin = 0;  // of triangles that were not drawn yet
    for (unsigned at = 0; at + 6 <= command.ElemCount;) {
      const std::optional<Area> area = area_at(list, command, at);
      if (area) {
        draw_triangles(list, command, begin, at);
        fill(*area);
        begin = at + 6;
      }
      at += area ? 6 : 3;
    }
    draw_triangles(list, command, begin, command.ElemCount);
  }
}

void ImGuiRenderer::draw_triangles(const ImDrawList& list, const ImDrawCmd& command, unsigned begin, unsigned end) {
  if (begin == end) return;
  const ImDrawVert* vertices = list.VtxBuffer.Data + command.VtxOffset;
  const auto* bytes = reinterpret_cast<const std::byte*>(vertices);
  SDL_RenderGeometryRaw(renderer_, static_cast<SDL_Texture*>(command.GetTexID()),
                        reinterpret_cast<const float*>(bytes + offsetof(ImDrawVert, pos)), sizeof(ImDrawVert),
                        reinterpret_cast<const SDL_Color*>(bytes + offsetof(ImDrawVert, col)), sizeof(ImDrawVert),
                        reinterpret_cast<const float*>(bytes + offsetof(ImDrawVert, uv)), sizeof(ImDrawVert),
                        list.VtxBuffer.Size - static_cast<int>(command.VtxOffset), list.IdxBuffer.Data + command.IdxOffset + begin,
                        static_cast<int>(end - begin), sizeof(ImDrawIdx));
}

// Without a display two triangles of one colour that are a rectangle are filled as one: in SDL's software that takes a fraction of the time.
std::optional<ImGuiRenderer::Area> ImGuiRenderer::area_at(const ImDrawList& list, const ImDrawCmd& command, unsigned at) {
  const ImDrawIdx* index = list.IdxBuffer.Data + command.IdxOffset + at;
  const ImDrawVert* corner = list.VtxBuffer.Data + command.VtxOffset + index[0];
  if (index[1] != index[0] + 1 || index[2] != index[0] + 2 || index[3] != index[0] || index[4] != index[2] || index[5] != index[0] + 3) return {};
  const bool is_plain = corner[0].uv.x == corner[2].uv.x && corner[0].uv.y == corner[2].uv.y && corner[0].col == corner[1].col &&
                        corner[0].col == corner[2].col && corner[0].col == corner[3].col;
  const bool is_upright = corner[0].pos.y == corner[1].pos.y && corner[1].pos.x == corner[2].pos.x && corner[2].pos.y == corner[3].pos.y &&
                          corner[3].pos.x == corner[0].pos.x;
  if (!is_plain || !is_upright) return {};
  return Area{corner[0].pos, corner[2].pos, corner[0].col};
}

void ImGuiRenderer::fill(const Area& area) {
  const auto channel = [&](unsigned shift) { return static_cast<Uint8>(area.color >> shift & 0xff); };
  const Uint8 alpha = channel(IM_COL32_A_SHIFT);
  SDL_SetRenderDrawBlendMode(renderer_, alpha == 255 ? SDL_BLENDMODE_NONE : SDL_BLENDMODE_BLEND);
  SDL_SetRenderDrawColor(renderer_, channel(IM_COL32_R_SHIFT), channel(IM_COL32_G_SHIFT), channel(IM_COL32_B_SHIFT), alpha);
  // Pixels whose middle is inside, as triangles are filled.
  const SDL_Rect rectangle = {static_cast<int>(std::lround(area.least.x)), static_cast<int>(std::lround(area.least.y)),
                              static_cast<int>(std::lround(area.most.x) - std::lround(area.least.x)),
                              static_cast<int>(std::lround(area.most.y) - std::lround(area.least.y))};
  if (rectangle.w > 0 && rectangle.h > 0) SDL_RenderFillRect(renderer_, &rectangle);
}

}  // namespace demo
