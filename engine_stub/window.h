// SPDX-License-Identifier: MIT
#pragma once

#include <SDL.h>

#include <memory>
#include <string>

namespace engine {

// Where the engine draws: a window, or without a display an off-screen surface of the same size. Both are an SDL_Renderer.
class Window {
 public:
  enum class Kind { window, headless };

  // `width` and `height` in points; `density`: pixels per point, 0: what the desktop says (some never say anything but 1). Null: `error` says
  // why.
  static std::unique_ptr<Window> open(const std::string& title, int width, int height, float density, Kind kind, std::string& error);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  SDL_Renderer* renderer() const { return renderer_; }
  bool is_headless() const { return window_ == nullptr; }
  // Size in pixels, and pixels per point of the desktop (2 on a display of double density).
  void size(int& width, int& height) const;
  float density() const;
  // Pictures a second that the display shows; 0: unknown.
  int refresh_hz() const;
  // Whether present() waits for the display. False: it cannot be had.
  bool set_vsync(bool waits);
  void present() { SDL_RenderPresent(renderer_); }
  // What was drawn last, as a PNG. Call it before present(). False: `error` says why.
  bool save_picture(const std::string& path, std::string& error) const;

 private:
  Window() = default;

  SDL_Window* window_ = nullptr;
  SDL_Surface* surface_ = nullptr;
  float density_ = 0;  // 0: the desktop's
  SDL_Renderer* renderer_ = nullptr;
};

}  // namespace engine
