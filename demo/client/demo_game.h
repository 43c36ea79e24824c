// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "demo/client/download.h"
#include "demo/client/imgui_renderer.h"
#include "demo/client/options.h"
#include "demo/client/panel.h"
#include "demo/client/scene.h"
#include "engine_stub/engine.h"

namespace demo {

// The demo as a game in the engine: the scene, the download, the panel, the keys.
class DemoGame final : public engine::Game {
 public:
  DemoGame(const Options& options, engine::Engine& engine);

  void on_key(SDL_Keycode key) override;
  void simulate(double seconds) override;
  void draw(engine::Window& window) override;
  void after_draw(engine::Window& window) override;
  bool wants_to_quit() const override { return quits_; }

  const Download& download() const { return download_; }
  bool ran_out_of_time() const { return ran_out_of_time_; }
  int64_t run_us() const;
  // As gameplay was told: by events.
  uint64_t mode_switches() const { return mode_switches_; }

 private:
  void watch_events();
  void toggle_mode();

  const Options& options_;
  engine::Engine& engine_;
  Download download_;
  Scene scene_;
  Panel panel_;
  std::unique_ptr<ImGuiRenderer> imgui_;
  int64_t begin_us_;
  int64_t now_us_;
  uint64_t frame_ = 0;
  uint64_t mode_switches_ = 0;
  bool quits_ = false;
  bool ran_out_of_time_ = false;
  bool wants_picture_ = false;
  bool took_screenshot_ = false;
  std::string note_;  // the newest word of the network: a refused config, a notice
};

}  // namespace demo
