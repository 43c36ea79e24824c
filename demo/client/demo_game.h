// SPDX-License-Identifier: MIT
#pragma once

#include <extras/overlay.h>

#include <memory>
#include <string>

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
#include "demo/client/update.h"
#include "demo/protocol/private_folder.h"
#include "engine_stub/engine.h"

namespace demo {

// The demo as a game in the engine: the scene, the update, the panels, the keys.
class DemoGame final : public engine::Game {
 public:
  // `folder`: for what is not to be kept; it must outlive the engine's network, whose downloads write there.
  DemoGame(const Options& options, engine::Engine& engine, Settings& settings, PrivateFolder& folder);

  void on_key(SDL_Keycode key) override;
  void on_text(const char* text) override;
  void on_wheel(float notches) override;
  void simulate(double seconds) override;
  void draw(engine::Window& window) override;
  void after_draw(engine::Window& window) override;
  bool wants_to_quit() const override { return quits_; }

  const UpdateSight& update() const { return sight_; }  // as of this frame
  const SwarmClient& swarm() const { return swarm_; }
  // The newest update that ended; if none did, the one under way.
  const UpdateSight& result() const { return ended_runs_ > 0 ? ended_ : sight_; }
  bool has_failed_update() const { return has_failed_update_; }
  bool ran_out_of_time() const { return ran_out_of_time_; }
  // --screenshot could not be written.
  bool lacks_screenshot() const { return lacks_screenshot_; }
  int64_t run_us() const;
  // As gameplay was told: by events.
  uint64_t mode_switches() const { return mode_switches_; }
  bool has_guard() const { return settings_.has_guard(); }

 private:
  void watch_events();
  // The file, but lanes are of raw bytes.
  Carrier carrier_now() const { return tour_.is_on() ? Carrier::stream : carrier_; }
  void begin_update();
  std::unique_ptr<Update> make_file_update();
  void advance_update();
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
  void choose_file();
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
  PrivateFolder& folder_;
  Carrier carrier_;
  ExpectedHash expected_hash_;
  std::unique_ptr<Update> update_;
  UpdateSight sight_;
  UpdateSight ended_;
  uint64_t runs_ = 0;
  uint64_t ended_runs_ = 0;
  int64_t ended_at_us_ = 0;  // 0: the current one has not
  bool has_failed_update_ = false;
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
