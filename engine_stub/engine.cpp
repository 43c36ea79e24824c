// SPDX-License-Identifier: MIT
#include "engine_stub/engine.h"

#include "engine_stub/clock.h"

namespace engine {

std::unique_ptr<Engine> Engine::create(const EngineOptions& options, std::string& error) {
  std::unique_ptr<Engine> engine(new Engine(options));
  const Window::Kind kind = options.headless              ? Window::Kind::headless
                            : options.pace == Pace::vsync ? Window::Kind::window_vsync
                                                          : Window::Kind::window;
  engine->window_ = Window::open(options.title, options.width, options.height, kind, error);
  if (engine->window_ == nullptr) return nullptr;
  engine->network_ = NetworkModule::load(options.plugin_path, options.config_path, error);
  return engine->network_ == nullptr ? nullptr : std::move(engine);
}

// The frame: receive, simulate, send, render, wait.
void Engine::run(Game& game) {
  const int64_t period_us = 1'000'000 / options_.fps;
  int64_t begin_us = now_us();
  int64_t frame_end_us = begin_us + period_us;
  for (uint64_t frame = 1; take_input(game) && !game.wants_to_quit(); ++frame) {
    network_->tick(frame, begin_us);
    game.simulate(static_cast<double>(period_us) / 1e6);
    network_->flush();
    game.draw(*window_);
    game.after_draw(*window_);
    window_->present();
    pace(frame_end_us);
    const int64_t now = now_us();
    frame_meter_.add(now - begin_us);
    if (now - begin_us > period_us * 3 / 2) ++late_frames_;
    begin_us = now;
    // A late frame is not made up for by short ones.
    frame_end_us = frame_end_us + period_us < now ? now + period_us : frame_end_us + period_us;
  }
}

bool Engine::take_input(Game& game) {
  SDL_Event event;
  while (SDL_PollEvent(&event) != 0) {
    if (event.type == SDL_QUIT) return false;
    if (event.type == SDL_KEYDOWN && event.key.repeat == 0) game.on_key(event.key.keysym.sym);
  }
  return true;
}

void Engine::pace(int64_t frame_end_us) {
  if (options_.pace == Pace::wait) {
    network_->network().wait_until(frame_end_us);
  } else if (options_.pace == Pace::sleep) {
    sleep_until_us(frame_end_us);
  }  // vsync: present() has waited
}

}  // namespace engine
