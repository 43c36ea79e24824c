// SPDX-License-Identifier: MIT
#include "engine_stub/engine.h"

#include <algorithm>
#include <cstdio>

#include "engine_stub/clock.h"

namespace engine {
namespace {

constexpr int64_t kLongestStepUs = 100'000;  // after a halt in a debugger the world goes on where it was

}  // namespace

const char* name_of(Pace pace) {
  constexpr const char* kNames[] = {"sleep", "vsync", "wait"};
  return kNames[static_cast<size_t>(pace)];
}

std::unique_ptr<Engine> Engine::create(const EngineOptions& options, std::string& error) {
  std::unique_ptr<Engine> engine(new Engine(options));
  const Window::Kind kind = options.headless ? Window::Kind::headless : Window::Kind::window;
  engine->window_ = Window::open(options.title, options.width, options.height, options.density, kind, error);
  if (engine->window_ == nullptr) return nullptr;
  if (options.pace == Pace::vsync && !engine->set_pace(Pace::vsync)) engine->options_.pace = Pace::sleep;
  if (!options.trace_path.empty()) {
    engine->trace_ = framepump::extras::TraceRecorder::open(options.trace_path, options.trace_events, error);
    if (engine->trace_ == nullptr) return nullptr;
  }
  engine->network_ = NetworkModule::load(options.plugin_path, options.config_path, engine->trace_.get(), error);
  return engine->network_ == nullptr ? nullptr : std::move(engine);
}

// The frame: receive, simulate, send, render, wait.
void Engine::run(Game& game) {
  int64_t begin_us = now_us();
  int64_t frame_end_us = begin_us + period_us();
  int64_t last_frame_us = period_us();
  for (uint64_t frame = 1; take_input(game) && !game.wants_to_quit(); ++frame) {
    network_->tick(frame, begin_us);
    game.simulate(static_cast<double>(std::min(last_frame_us, kLongestStepUs)) / 1e6);
    network_->flush();
    game.draw(*window_);
    game.after_draw(*window_);
    window_->present();
    pace(frame_end_us);
    const int64_t now = now_us();
    last_frame_us = now - begin_us;
    frame_meter_.add(last_frame_us);
    if (trace_ != nullptr) trace_->add_frame(frame, begin_us, now);
    if (options_.fps > 0 && last_frame_us > period_us() * 3 / 2) ++late_frames_;
    if (options_.pace == Pace::vsync && options_.fps > 0) watch_vsync(last_frame_us);
    begin_us = now;
    // A late frame is not made up for by short ones.
    frame_end_us += period_us();
    if (frame_end_us < now) frame_end_us = now + period_us();
  }
}

bool Engine::close(std::string& error) {
  network_.reset();
  if (trace_ == nullptr) return true;
  if (trace_->dropped() > 0) {
    std::fprintf(stderr, "engine: the trace holds the newest events; %llu older ones made room for them\n",
                 static_cast<unsigned long long>(trace_->dropped()));
  }
  const bool is_written = trace_->write();
  if (!is_written) error = "cannot write the trace " + options_.trace_path;
  return is_written;
}

void Engine::set_fps(int fps) {
  options_.fps = fps;
  if (options_.pace == Pace::vsync) (void)window_->set_vsync(fps > 0);
}

bool Engine::set_pace(Pace pace) {
  if (!window_->set_vsync(pace == Pace::vsync && options_.fps > 0)) return false;
  options_.pace = pace;
  unpaced_frames_ = 0;
  return true;
}

int Engine::refresh_hz() const {
  constexpr int kUsualHz = 60;  // what SDL takes where the display does not say
  return window_->refresh_hz() > 0 ? window_->refresh_hz() : kUsualHz;
}

int Engine::pictures_per_frame() const {
  return std::max(1, (refresh_hz() + options_.fps / 2) / options_.fps);
}

int64_t Engine::period_us() const {
  if (options_.fps == 0) return 0;
  return options_.pace == Pace::vsync ? int64_t{1'000'000} * pictures_per_frame() / refresh_hz() : 1'000'000 / options_.fps;
}

bool Engine::take_input(Game& game) {
  SDL_Event event;
  while (SDL_PollEvent(&event) != 0) {
    if (event.type == SDL_QUIT) return false;
    if (event.type == SDL_KEYDOWN && event.key.repeat == 0) game.on_key(event.key.keysym.sym);
    if (event.type == SDL_TEXTINPUT) game.on_text(event.text.text);
    if (event.type == SDL_MOUSEWHEEL) game.on_wheel(static_cast<float>(event.wheel.y));
  }
  return true;
}

void Engine::pace(int64_t frame_end_us) {
  if (options_.fps == 0) return;
  if (options_.pace == Pace::wait) {
    network_->network().wait_until(frame_end_us);
  } else if (options_.pace == Pace::sleep || pictures_per_frame() > 1) {
    sleep_until_us(frame_end_us);
  }  // vsync: present() has waited for one picture, and the limit leaves none out
}

// Some drivers claim vsync and do not wait (SDL's dummy one), nor do hidden windows on some desktops. The engine would spin.
void Engine::watch_vsync(int64_t frame_us) {
  constexpr int kUnpacedFrames = 60;  // a few may be quick after a late one
  unpaced_frames_ = frame_us < 1'000'000 / refresh_hz() / 2 ? unpaced_frames_ + 1 : 0;
  if (unpaced_frames_ < kUnpacedFrames) return;
  std::fprintf(stderr, "engine: the display does not pace; sleeping between frames instead\n");
  (void)set_pace(Pace::sleep);
}

}  // namespace engine
