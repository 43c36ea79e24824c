// SPDX-License-Identifier: MIT
#pragma once

#include <SDL.h>

#include <cstdint>
#include <memory>
#include <string>

#include "engine_stub/frame_meter.h"
#include "engine_stub/network_module.h"
#include "engine_stub/window.h"

namespace engine {

// How the end of a frame is waited for.
enum class Pace {
  sleep,  // in the operating system
  vsync,  // in the display
  wait,   // in the plugin's wait_until, which pumps meanwhile
};

const char* name_of(Pace pace);

struct EngineOptions {
  std::string title = "engine";
  int width = 1280;
  int height = 720;
  float density = 0;  // pixels per point; 0: what the desktop says
  bool headless = false;
  int fps = 60;  // 0: no limit
  Pace pace = Pace::sleep;
  std::string config_path;
  std::string plugin_path;  // empty: beside the program
  std::string trace_path;   // empty: no trace is taken
  uint32_t trace_events = framepump::extras::TraceRecorder::kDefaultEvents;
};

// What runs in the engine.
class Game {
 public:
  virtual ~Game() = default;
  virtual void on_key(SDL_Keycode key) = 0;
  virtual void on_text(const char*) {}  // typed, UTF-8
  virtual void on_wheel(float) {}       // notches, away from the person
  // Between tick and flush: reads what the network published, writes answers. `seconds`: what the last frame took.
  virtual void simulate(double seconds) = 0;
  virtual void draw(Window& window) = 0;
  // After draw, before the picture is shown.
  virtual void after_draw(Window& window) = 0;
  virtual bool wants_to_quit() const = 0;
};

// The smallest engine that has what a real one has where the plugin meets it: a window, a main loop with a fixed order, a module
// loaded as a shared library with services of the engine, and a choice of how to wait for the next frame.
class Engine {
 public:
  // Null: `error` says why.
  static std::unique_ptr<Engine> create(const EngineOptions& options, std::string& error);

  NetworkModule& network() { return *network_; }
  const EngineOptions& options() const { return options_; }
  // Returns when the game wants to quit, or the window is closed.
  void run(Game& game);
  // Ends the network, and writes the trace if one was taken. The last call. False: `error` says why.
  bool close(std::string& error);
  // Both from the next frame on. Frames a second, 0: no limit. False: this window cannot be paced like that.
  void set_fps(int fps);
  bool set_pace(Pace pace);

  uint64_t frames() const { return frame_meter_.count(); }
  // Frames that took more than one and a half times their period.
  uint64_t late_frames() const { return late_frames_; }
  const FrameMeter& frame_meter() const { return frame_meter_; }

 private:
  explicit Engine(const EngineOptions& options) : options_(options) {}

  // 0: frames are not paced.
  int64_t period_us() const;
  int refresh_hz() const;
  // A display shows whole pictures only: a frame is so many of them as come nearest to its period.
  int pictures_per_frame() const;
  bool take_input(Game& game);
  void pace(int64_t frame_end_us);
  void watch_vsync(int64_t frame_us);

  EngineOptions options_;
  std::unique_ptr<Window> window_;
  std::unique_ptr<framepump::extras::TraceRecorder> trace_;  // outlives the network
  std::unique_ptr<NetworkModule> network_;
  FrameMeter frame_meter_;
  uint64_t late_frames_ = 0;
  int unpaced_frames_ = 0;  // in a row that came quicker than the display can show them
};

}  // namespace engine
