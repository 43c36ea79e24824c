// SPDX-License-Identifier: MIT
#pragma once

#include <extras/overlay.h>

#include <memory>
#include <string>

#include "demo/client/download.h"
#include "demo/client/expected_hash.h"
#include "demo/client/imgui_renderer.h"
#include "demo/client/lanes.h"
#include "demo/client/lanes_panel.h"
#include "demo/client/options.h"
#include "demo/client/panel.h"
#include "demo/client/scene.h"
#include "demo/client/swarm_client.h"
#include "demo/client/settings.h"
#include "demo/client/tour.h"
#include "engine_stub/engine.h"

namespace demo {

// How a download ended, or how far it is.
struct DownloadResult {
  uint64_t bytes = 0;
  double seconds = 0;
  bool is_verified = false;
};

// The demo as a game in the engine: the scene, the download, the panels, the keys.
class DemoGame final : public engine::Game {
 public:
  DemoGame(const Options& options, engine::Engine& engine, Settings& settings);

  void on_key(SDL_Keycode key) override;
  void on_text(const char* text) override;
  void on_wheel(float notches) override;
  void simulate(double seconds) override;
  void draw(engine::Window& window) override;
  void after_draw(engine::Window& window) override;
  bool wants_to_quit() const override { return quits_; }

  const Download& download() const { return *download_; }
  const SwarmClient& swarm() const { return swarm_; }
  // Of the newest download that finished; if none did, of the one under way.
  DownloadResult result() const;
  bool has_wrong_bytes() const { return has_wrong_bytes_; }
  bool ran_out_of_time() const { return ran_out_of_time_; }
  // --screenshot could not be written.
  bool lacks_screenshot() const { return lacks_screenshot_; }
  int64_t run_us() const;
  // As gameplay was told: by events.
  uint64_t mode_switches() const { return mode_switches_; }
  bool has_guard() const { return settings_.has_guard(); }

 private:
  void watch_events();
  void begin_download();
  void advance_download();
  void advance_tour();
  void advance_lanes();
  void note_result();
  void stop_when_due();

  void steer();
  void draw_overlay(int height);
  void draw_swarm_names(int width, int height);
  void show(bool panels, bool overlay);
  bool type(SDL_Keycode key);

  void choose_lane(Lane lane);
  void choose_slice(uint32_t slice_us);
  void choose_next_fps();
  void choose_next_pace();
  void toggle_guard();
  void toggle_reading();
  void hitch();
  void set_lane(Lane lane);
  void note(const framepump::Status& status);

  const Options& options_;
  engine::Engine& engine_;
  Settings& settings_;
  Tour tour_;
  Lane usual_lane_;  // what flags and file say
  engine::Pace usual_pace_;
  ExpectedHash expected_hash_;
  std::unique_ptr<Download> download_;
  DownloadResult finished_;
  uint64_t finished_runs_ = 0;
  int64_t finished_at_us_ = 0;  // 0: the current one has not
  bool has_wrong_bytes_ = false;
  Lanes lanes_;
  Scene scene_;
  SwarmClient swarm_;
  float steer_x_ = 0.5f;
  float steer_y_ = 0.5f;
  int mouse_x_ = 0;
  int mouse_y_ = 0;
  bool is_typing_ = false;
  std::string typed_;
  Panel panel_;
  LanesPanel lanes_panel_;
  framepump::extras::Overlay overlay_;
  bool shows_panels_ = true;
  bool shows_overlay_ = true;  // as soon as the panels are shown
  std::unique_ptr<ImGuiRenderer> imgui_;
  int64_t begin_us_;
  int64_t run_begin_us_ = 0;
  int64_t now_us_;
  uint64_t frame_ = 0;
  uint64_t mode_switches_ = 0;
  bool reads_ = true;
  bool quits_ = false;
  bool ran_out_of_time_ = false;
  bool wants_picture_ = false;
  bool took_screenshot_ = false;
  bool lacks_screenshot_ = false;
  std::string note_;  // the newest word: a refused config, what a key did
};

}  // namespace demo
