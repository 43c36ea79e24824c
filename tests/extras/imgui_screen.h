// SPDX-License-Identifier: MIT
#pragma once

#include <imgui.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace framepump::test {

// Something that can be read on the screen.
struct ScreenText {
  std::string text;
  ImVec2 least;
  ImVec2 most;
  bool is_whole = true;  // no letter of it is cut off
};

// Dear ImGui without a display: it lays out and makes its triangles, and this reads the letters back out of them.
class ImGuiScreen {
 public:
  ImGuiScreen(float width, float height, float density) {
    ImGui::CreateContext();
    ImGuiIO& io = ImGui::GetIO();
    io.IniFilename = nullptr;
    io.DisplaySize = ImVec2(width, height);
    io.DeltaTime = 1.0f / 60;
    ImFontConfig font;
    font.SizePixels = 16 * density;
    io.Fonts->AddFontDefault(&font);
    unsigned char* pixels = nullptr;
    int ignored = 0;
    io.Fonts->GetTexDataAsAlpha8(&pixels, &ignored, &ignored);
    ImGui::GetStyle().ScaleAllSizes(density);
    for (const ImFontGlyph& glyph : io.Fonts->Fonts[0]->Glyphs) letters_[{glyph.U0, glyph.V0}] = &glyph;
  }
  ~ImGuiScreen() { ImGui::DestroyContext(); }
  ImGuiScreen(const ImGuiScreen&) = delete;
  ImGuiScreen& operator=(const ImGuiScreen&) = delete;

  template <typename Draw>
  void frame(Draw draw) {
    ImGui::NewFrame();
    draw();
    ImGui::Render();
  }
  // The pointer goes there, presses and lets go.
  template <typename Draw>
  void click(ImVec2 at, Draw draw) {
    ImGuiIO& io = ImGui::GetIO();
    io.MousePos = at;
    frame(draw);
    io.MouseDown[0] = true;
    frame(draw);
    io.MouseDown[0] = false;
    frame(draw);
    io.MousePos = ImVec2(-1, -1);
    frame(draw);
  }

  static int vertices() { return ImGui::GetDrawData()->TotalVtxCount; }

  // Of the last frame. A line in which letters are further apart than by spaces is several texts.
  std::vector<ScreenText> texts() const {
    std::vector<ScreenText> found;
    const ImDrawData& data = *ImGui::GetDrawData();
    for (int i = 0; i < data.CmdListsCount; ++i) read(*data.CmdLists[i], found);
    return found;
  }
  // Null: nobody can read it.
  static const ScreenText* find(const std::vector<ScreenText>& texts, const std::string& wanted) {
    const auto at = std::find_if(texts.begin(), texts.end(), [&](const ScreenText& text) { return text.text == wanted; });
    return at == texts.end() ? nullptr : &*at;
  }

 private:
  void read(const ImDrawList& list, std::vector<ScreenText>& found) const {
    ScreenText* open = nullptr;
    ImVec2 pen;  // where the next letter of the open text would stand
    for (const ImDrawCmd& command : list.CmdBuffer) {
      for (unsigned at = 0; at + 6 <= command.ElemCount; at += 3) {
        const ImDrawIdx* index = list.IdxBuffer.Data + command.IdxOffset + at;
        const ImDrawVert* corner = list.VtxBuffer.Data + command.VtxOffset + index[0];
        if (index[2] != index[0] + 2 || index[3] != index[0] || corner[0].uv.x == corner[2].uv.x) continue;  // no picture on it
        const auto letter = letters_.find({corner[0].uv.x, corner[0].uv.y});
        const ImFontGlyph* glyph = letter == letters_.end() ? nullptr : letter->second;
        const ImVec2 from = glyph == nullptr ? corner[0].pos : ImVec2(corner[0].pos.x - glyph->X0, corner[0].pos.y - glyph->Y0);
        const float space = ImGui::GetFont()->GetCharAdvance(' ');
        const float gap = from.x - pen.x;
        if (open == nullptr || std::fabs(from.y - pen.y) > 1 || gap < -1 || gap > 1.25f * space) {
          found.push_back({"", corner[0].pos, corner[2].pos});
          open = &found.back();
        } else {
          open->text.append(static_cast<size_t>(std::lround(gap / space)), ' ');
        }
        open->text += glyph != nullptr ? static_cast<char>(glyph->Codepoint) : '~';
        open->most = ImVec2(std::max(open->most.x, corner[2].pos.x), std::max(open->most.y, corner[2].pos.y));
        open->least.y = std::min(open->least.y, corner[0].pos.y);
        const ImVec4& clip = command.ClipRect;
        const bool is_inside = corner[0].pos.x >= clip.x - 0.5f && corner[0].pos.y >= clip.y - 0.5f && corner[2].pos.x <= clip.z + 0.5f &&
                               corner[2].pos.y <= clip.w + 0.5f;
        open->is_whole = open->is_whole && is_inside && glyph != nullptr && corner[2].uv.x == glyph->U1;
        pen = ImVec2(from.x + (glyph != nullptr ? glyph->AdvanceX : space), from.y);
        at += 3;
      }
    }
  }

  std::map<std::pair<float, float>, const ImFontGlyph*> letters_;
};

}  // namespace framepump::test
