// SPDX-License-Identifier: MIT
#include "engine_stub/window.h"

#include <cmath>
#include <vector>

#include "engine_stub/png.h"

namespace engine {

std::unique_ptr<Window> Window::open(const std::string& title, int width, int height, float density, Kind kind, std::string& error) {
  std::unique_ptr<Window> made(new Window);
  made->density_ = density;
  if (density > 0) {
    width = static_cast<int>(std::lround(static_cast<float>(width) * density));
    height = static_cast<int>(std::lround(static_cast<float>(height) * density));
  }
  // Also where SDL_VIDEODRIVER names a driver that needs a display.
  if (kind == Kind::headless) SDL_SetHintWithPriority(SDL_HINT_VIDEODRIVER, "dummy", SDL_HINT_OVERRIDE);
  if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) {
    error = SDL_GetError();
    return nullptr;
  }
  if (kind == Kind::headless) {
    made->surface_ = SDL_CreateRGBSurfaceWithFormat(0, width, height, 32, SDL_PIXELFORMAT_ARGB8888);
    if (made->surface_ != nullptr) made->renderer_ = SDL_CreateSoftwareRenderer(made->surface_);
  } else {
    made->window_ = SDL_CreateWindow(title.c_str(), SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height,
                                     SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (made->window_ != nullptr) made->renderer_ = SDL_CreateRenderer(made->window_, -1, 0);
  }
  if (made->renderer_ != nullptr) return made;
  error = SDL_GetError();
  return nullptr;
}

Window::~Window() {
  if (renderer_ != nullptr) SDL_DestroyRenderer(renderer_);
  if (surface_ != nullptr) SDL_FreeSurface(surface_);
  if (window_ != nullptr) SDL_DestroyWindow(window_);
  SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

void Window::size(int& width, int& height) const {
  SDL_GetRendererOutputSize(renderer_, &width, &height);
}

float Window::density() const {
  if (density_ > 0) return density_;
  if (window_ == nullptr) return 1.0f;
  int points = 0;
  int pixels = 0;
  int ignored = 0;
  SDL_GetWindowSize(window_, &points, &ignored);
  SDL_GetRendererOutputSize(renderer_, &pixels, &ignored);
  return points > 0 ? static_cast<float>(pixels) / static_cast<float>(points) : 1.0f;
}

int Window::refresh_hz() const {
  SDL_DisplayMode mode = {};
  if (window_ == nullptr || SDL_GetWindowDisplayMode(window_, &mode) != 0) return 0;
  return mode.refresh_rate;
}

bool Window::set_vsync(bool waits) {
  if (is_headless()) return !waits;
  return SDL_RenderSetVSync(renderer_, waits ? 1 : 0) == 0 || !waits;
}

bool Window::save_picture(const std::string& path, std::string& error) const {
  int width = 0;
  int height = 0;
  size(width, height);
  std::vector<unsigned char> pixels(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  if (SDL_RenderReadPixels(renderer_, nullptr, SDL_PIXELFORMAT_RGB24, pixels.data(), width * 3) != 0) {
    error = SDL_GetError();
    return false;
  }
  if (write_png(path, width, height, pixels.data())) return true;
  error = "cannot write " + path;
  return false;
}

}  // namespace engine
