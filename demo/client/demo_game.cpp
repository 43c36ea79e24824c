// SPDX-License-Identifier: MIT
#include "demo/client/demo_game.h"

#include <cstdio>

#include "engine_stub/clock.h"

namespace demo {
namespace {

constexpr uint64_t kSeed = 20261123;

}  // namespace

DemoGame::DemoGame(const Options& options, engine::Engine& engine)
    : options_(options),
      engine_(engine),
      download_(engine.network().network(), engine.network().api(), options.server, kSeed, options.download_bytes()),
      begin_us_(engine::now_us()),
      now_us_(begin_us_) {}

int64_t DemoGame::run_us() const {
  return now_us_ - begin_us_;
}

void DemoGame::on_key(SDL_Keycode key) {
  if (key == SDLK_ESCAPE) quits_ = true;
  if (key == SDLK_t) toggle_mode();
  if (key == SDLK_F12) wants_picture_ = true;
}

void DemoGame::toggle_mode() {
  framepump::Network& network = engine_.network().network();
  const bool is_threaded = network.config().threaded != 0;
  (void)network.set_mode(is_threaded ? framepump::Mode::frame_locked : framepump::Mode::threaded);
}

void DemoGame::simulate(double seconds) {
  ++frame_;
  now_us_ = engine::now_us();
  watch_events();
  scene_.advance(seconds);
  download_.update(now_us_);
  if (options_.toggle_every > 0 && frame_ % options_.toggle_every == 0) toggle_mode();
  if (options_.headless && options_.seconds <= 0 && download_.is_finished()) quits_ = true;
  if (options_.seconds > 0 && static_cast<double>(run_us()) / 1e6 >= options_.seconds) {
    ran_out_of_time_ = !download_.is_finished();
    quits_ = true;
  }
}

void DemoGame::watch_events() {
  for (const framepump::Event& event : engine_.network().network().events()) {
    if (event.what() == framepump::EventKind::mode_switched) ++mode_switches_;
    if (event.what() == framepump::EventKind::config_refused) note_ = event.words();
    if (event.what() == framepump::EventKind::config_reloaded) note_ = std::string("config: ") + event.words();
  }
}

void DemoGame::draw(engine::Window& window) {
  int width = 0;
  int height = 0;
  window.size(width, height);
  if (imgui_ == nullptr) imgui_ = std::make_unique<ImGuiRenderer>(window.renderer(), window.density());
  const float progress =
      static_cast<float>(static_cast<double>(download_.received_bytes()) / static_cast<double>(download_.size_bytes()));
  scene_.draw(window.renderer(), width, height, progress);
  imgui_->begin_frame(width, height, 1.0f / static_cast<float>(options_.fps));
  panel_.draw(engine_, *this, now_us_, note_);
  imgui_->end_frame();
}

void DemoGame::after_draw(engine::Window& window) {
  std::string error;
  const bool is_half_way = download_.received_bytes() * 2 >= download_.size_bytes();
  if (!options_.screenshot.empty() && !took_screenshot_ && (is_half_way || quits_)) {
    took_screenshot_ = true;
    if (!window.save_picture(options_.screenshot, error)) std::fprintf(stderr, "demo_client: --screenshot: %s\n", error.c_str());
  }
  if (!wants_picture_) return;
  wants_picture_ = false;
  const std::string path = "framepump-" + std::to_string(frame_) + ".png";
  note_ = window.save_picture(path, error) ? "wrote " + path : error;
}

}  // namespace demo
