// SPDX-License-Identifier: MIT
#include "demo/client/demo_game.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "demo/client/file_update.h"
#include "demo/client/streamed_update.h"
#include "engine_stub/clock.h"

namespace demo {
namespace {

constexpr int64_t kPauseUs = 1'000'000;   // between two updates, so that the result can be seen
constexpr int64_t kHitchUs = 5'000'000;   // a level load
constexpr std::array<int, 4> kFrameLimits = {30, 60, 144, 0};
constexpr const char* kKeys =
    "T threaded  N naive  D file  1-5 slice  F fps  V pace  H hitch  G guard  P stop  R again  Enter chat  O overlay  Tab panels  "
    "F12 picture  Esc quit";

}  // namespace

DemoGame::DemoGame(const Options& options, engine::Engine& engine, Settings& settings, PrivateFolder& folder)
    : options_(options),
      engine_(engine),
      settings_(settings),
      tour_(options.tour),
      usual_lane_(settings_.lane()),
      usual_pace_(engine.options().pace),
      folder_(folder),
      carrier_(options.carrier),
      expected_hash_(kUsualSeed, options.download_bytes()),
      swarm_(engine.network().network(), engine.network().api(), options.server, options.name),
      overlay_(engine.network().library(), engine.network().network(), options.config),
      begin_us_(engine::now_us()),
      now_us_(begin_us_) {
  if (tour_.is_on()) set_lane(tour_.lane());
  begin_update();
}

int64_t DemoGame::run_us() const {
  return now_us_ - begin_us_;
}

// ---- Keys ----

void DemoGame::on_key(SDL_Keycode key) {
  if (imgui_ != nullptr && ImGuiRenderer::wants_keys()) return;
  if (is_typing_ && type(key)) return;
  const Lane lane = settings_.lane();
  if (key >= SDLK_1 && key <= SDLK_5) choose_slice(static_cast<uint32_t>(key - SDLK_0) * 1000);
  switch (key) {
    case SDLK_ESCAPE: quits_ = true; break;
    case SDLK_t: choose_lane(lane == Lane::threaded ? Lane::drain : Lane::threaded); break;
    case SDLK_n: choose_lane(lane == Lane::naive ? Lane::drain : Lane::naive); break;
    case SDLK_d: choose_file(); break;
    case SDLK_f: choose_next_fps(); break;
    case SDLK_v: choose_next_pace(); break;
    case SDLK_h: hitch(); break;
    case SDLK_g: toggle_guard(); break;
    case SDLK_p: toggle_reading(); break;
    case SDLK_r: begin_update(); break;
    case SDLK_RETURN: is_typing_ = true; break;
    case SDLK_o: show(shows_panels_, !shows_overlay_); break;
    case SDLK_TAB: show(!shows_panels_, shows_overlay_); break;
    case SDLK_F12: wants_picture_ = true; break;
    default: break;
  }
}

// While a line is typed, keys are letters. False: the key has its usual meaning.
bool DemoGame::type(SDL_Keycode key) {
  if (key == SDLK_RETURN) swarm_.say(typed_);
  if (key == SDLK_BACKSPACE && !typed_.empty()) typed_.pop_back();
  if (key == SDLK_RETURN || key == SDLK_ESCAPE) {
    typed_.clear();
    is_typing_ = false;
  }
  return key != SDLK_F12;
}

void DemoGame::on_text(const char* text) {
  if (imgui_ != nullptr && ImGuiRenderer::wants_keys()) return ImGuiRenderer::add_text(text);
  if (is_typing_) typed_ = printable(typed_ + text, kMostChatBytes);
}

void DemoGame::on_wheel(float notches) {
  if (imgui_ != nullptr) ImGuiRenderer::add_wheel(notches);
}

// The overlay is one of the panels, and looks at sources only while somebody sees it.
void DemoGame::show(bool panels, bool overlay) {
  shows_panels_ = panels;
  shows_overlay_ = overlay;
  overlay_.set_visible(panels && overlay);
}

void DemoGame::note(const framepump::Status& status) {
  if (!status) note_ = status.error().text();
}

// A naive game does not wait on its sockets.
void DemoGame::set_lane(Lane lane) {
  note(settings_.set_lane(lane));
  if (usual_pace_ == engine::Pace::wait) (void)engine_.set_pace(lane == Lane::naive ? engine::Pace::sleep : engine::Pace::wait);
}

// A download comes as fast in every lane, so whoever wants to see one gets the raw bytes.
void DemoGame::choose_lane(Lane lane) {
  tour_.stop();
  set_lane(lane);
  carrier_ = Carrier::stream;
  if (sight_.over != "tcp") begin_update();
}

void DemoGame::choose_file() {
  if (!options_.has_file()) {
    note_ = "no file to download: --ca says whom to believe, or --url where one is";
    return;
  }
  tour_.stop();
  carrier_ = Carrier::file;
  begin_update();
}

void DemoGame::choose_slice(uint32_t slice_us) {
  if (settings_.lane() == Lane::naive) choose_lane(Lane::drain);
  note(settings_.set_slice_us(slice_us));
}

void DemoGame::choose_next_fps() {
  const auto* at = std::find(kFrameLimits.begin(), kFrameLimits.end(), engine_.options().fps);
  engine_.set_fps(at == kFrameLimits.end() || at + 1 == kFrameLimits.end() ? kFrameLimits.front() : at[1]);
}

void DemoGame::choose_next_pace() {
  using engine::Pace;
  const Pace pace = engine_.options().pace;
  const Pace waiting = settings_.lane() == Lane::naive ? Pace::sleep : Pace::wait;  // a naive game does not wait on its sockets
  const Pace next = pace == Pace::sleep ? Pace::vsync : pace == Pace::vsync ? waiting : Pace::sleep;
  if (!engine_.set_pace(next)) (void)engine_.set_pace(waiting);  // no vsync to be had
  usual_pace_ = engine_.options().pace;
}

void DemoGame::toggle_guard() {
  const framepump::Status toggled = settings_.toggle_guard();
  if (!toggled) return note(toggled);
  note_ = settings_.has_guard() ? "guard on: it pumps when no tick comes" : "guard off: nobody pumps when no tick comes";
}

void DemoGame::toggle_reading() {
  reads_ = !reads_;
  if (reads_) return note_.clear();
  note_ = sight_.over == "tcp" ? "not reading: the queue fills up to its limit, then TCP stops the server; nothing is lost"
                               : "paused: the part that is there stays";
}

void DemoGame::hitch() {
  const uint64_t takeovers = engine_.network().network().totals().guard_takeovers;
  engine::sleep_until_us(engine::now_us() + kHitchUs);
  const bool was_pumped = engine_.network().network().totals().guard_takeovers > takeovers;
  note_ = was_pumped                                ? "blocked for 5 s: the guard pumped meanwhile"
          : settings_.lane() == Lane::threaded ? "blocked for 5 s: the IO thread pumped on"
                                                    : "blocked for 5 s: nobody pumped";
}

// ---- The frame ----

void DemoGame::simulate(double seconds) {
  ++frame_;
  now_us_ = engine::now_us();
  watch_events();
  overlay_.set_name(update_->stream().value(), "update");
  overlay_.set_name(swarm_.peer().value(), "swarm");
  overlay_.frame(engine_.network().report(), {.frame = frame_, .now_us = now_us_});
  swarm_.update(now_us_);
  steer();
  scene_.advance(seconds);
  if (options_.toggle_every > 0 && frame_ % options_.toggle_every == 0) {
    set_lane(settings_.lane() == Lane::threaded ? Lane::drain : Lane::threaded);
  }
  advance_update();
  advance_lanes();
  advance_tour();
  stop_when_due();
}

void DemoGame::watch_events() {
  for (const framepump::Event& event : engine_.network().network().events()) {
    if (event.what() == framepump::EventKind::mode_switched) ++mode_switches_;
    if (event.what() == framepump::EventKind::config_refused) note_ = event.words();
    if (event.what() == framepump::EventKind::config_reloaded) {
      tour_.stop();
      note_ = std::string("config: ") + event.words();
    }
  }
}

// By arrows or by the mouse; without anybody there the light goes in a circle.
void DemoGame::steer() {
  constexpr float kArrowStep = 0.02f;
  if (options_.headless) {
    // Each somewhere else in it, by its place in the order of ids.
    const float turn = static_cast<float>(static_cast<double>(run_us()) / 1e6) * 0.7f + static_cast<float>(swarm_.own_id()) * 2.4f;
    return swarm_.steer(0.65f + 0.25f * std::cos(turn), 0.4f + 0.25f * std::sin(turn));
  }
  const Uint8* keys = SDL_GetKeyboardState(nullptr);
  const bool has_mouse = imgui_ == nullptr || !ImGuiRenderer::wants_mouse();
  const bool has_keys = !is_typing_ && (imgui_ == nullptr || !ImGuiRenderer::wants_keys());
  const auto held = [&](SDL_Scancode code) { return has_keys && keys[code] != 0 ? kArrowStep : 0.0f; };
  steer_x_ = std::clamp(steer_x_ + held(SDL_SCANCODE_RIGHT) - held(SDL_SCANCODE_LEFT), 0.0f, 1.0f);
  steer_y_ = std::clamp(steer_y_ + held(SDL_SCANCODE_DOWN) - held(SDL_SCANCODE_UP), 0.0f, 1.0f);
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  SDL_GetMouseState(&x, &y);
  SDL_Window* window = SDL_GetMouseFocus();
  if (window != nullptr && has_mouse && (x != mouse_x_ || y != mouse_y_)) {
    SDL_GetWindowSize(window, &width, &height);
    steer_x_ = static_cast<float>(x) / static_cast<float>(std::max(width, 1));
    steer_y_ = static_cast<float>(y) / static_cast<float>(std::max(height, 1));
    mouse_x_ = x;
    mouse_y_ = y;
  }
  swarm_.steer(steer_x_, steer_y_);
}

void DemoGame::begin_update() {
  update_.reset();
  ++runs_;
  const bool is_stream = carrier_now() == Carrier::stream;
  if (is_stream) {
    update_ = std::make_unique<StreamedUpdate>(engine_.network().network(), engine_.network().api(), options_.server, expected_hash_);
  } else {
    update_ = make_file_update();
  }
  ended_at_us_ = 0;
  run_begin_us_ = engine::now_us();
  sight_ = update_->sight(run_begin_us_);
  is_stream ? lanes_.begin_run(run_begin_us_) : lanes_.abandon_run();
}

// One that is not kept has a name of its own each time: of the one before a part may still be there.
std::unique_ptr<Update> DemoGame::make_file_update() {
  FileSource source;
  source.url = options_.file_url();
  source.is_kept = !options_.save.empty();
  source.path = source.is_kept ? options_.save : folder_.file("update-" + std::to_string(runs_));
  source.ca_file = options_.ca_file;
  source.sha256 = options_.sha256;
  if (options_.url.empty()) source.expected = &expected_hash_;
  return std::make_unique<FileUpdate>(engine_.network().network(), std::move(source));
}

// One that failed is not begun again by itself: it would fail again.
void DemoGame::advance_update() {
  if (ended_at_us_ != 0) {
    const bool is_due = now_us_ - ended_at_us_ >= kPauseUs && sight_.state == UpdateState::finished;
    if (!options_.headless && !tour_.is_on() && is_due) begin_update();
    return;
  }
  update_->set_reading(reads_);
  update_->update(now_us_);
  sight_ = update_->sight(now_us_);
  if (sight_.state != UpdateState::under_way) note_result();
}

void DemoGame::note_result() {
  ended_at_us_ = now_us_;
  ended_ = sight_;
  ++ended_runs_;
  has_failed_update_ = has_failed_update_ || sight_.state == UpdateState::failed;
}

void DemoGame::advance_lanes() {
  lanes_.add_frame(settings_.lane(), sight_.bytes, now_us_, engine_.frame_meter().newest_us(), engine_.network().tick_meter().newest_us());
  if (sight_.bytes == sight_.size_bytes) lanes_.end_run(sight_.bytes, now_us_);
}

void DemoGame::advance_tour() {
  const bool was_on = tour_.is_on();
  const bool is_finished = ended_at_us_ != 0 && now_us_ - ended_at_us_ >= kPauseUs;
  if (!tour_.advance(is_finished, now_us_ - run_begin_us_)) return;
  set_lane(was_on && !tour_.is_on() ? usual_lane_ : tour_.lane());
  if (tour_.is_on() || !options_.headless) begin_update();
}

void DemoGame::stop_when_due() {
  if (options_.headless && options_.seconds <= 0 && !tour_.is_on() && ended_at_us_ != 0) quits_ = true;
  if (options_.seconds > 0 && static_cast<double>(run_us()) / 1e6 >= options_.seconds) {
    ran_out_of_time_ = ended_runs_ == 0;
    quits_ = true;
  }
}

void DemoGame::draw(engine::Window& window) {
  int width = 0;
  int height = 0;
  window.size(width, height);
  if (imgui_ == nullptr) imgui_ = std::make_unique<ImGuiRenderer>(window.renderer(), window.density());
  scene_.draw(window.renderer(), width, height, swarm_.view().lights_at(now_us_), swarm_.own_id(), sight_.done());
  if (!shows_panels_) return;
  const int fps = engine_.options().fps;
  imgui_->begin_frame(width, height, 1.0f / static_cast<float>(fps > 0 ? fps : 60));
  draw_overlay(height);
  const float panel_end = panel_.draw(engine_, *this, now_us_, note_, width);
  lanes_panel_.draw(lanes_, options_.download_bytes(), fps > 0 ? 1e6f / static_cast<float>(fps) : 0.0f, width, height);
  draw_swarm_names(width, height);
  Panel::draw_chat(swarm_.chat(), is_typing_ ? &typed_ : nullptr, width, panel_end);
  Panel::draw_keys(kKeys, width, height);
  imgui_->end_frame();
}

// Beside the demo's own panel and above the lanes. Whoever sets something in it has seen enough of the tour.
void DemoGame::draw_overlay(int height) {
  const float unit = ImGui::GetFontSize();
  const framepump::Config before = engine_.network().network().config();
  overlay_.draw({unit, unit, unit * 46, LanesPanel::top(height) - 1.5f * unit});
  shows_overlay_ = overlay_.is_visible();  // its window has a button to close it
  const framepump::Config after = engine_.network().network().config();
  if (std::memcmp(&before, &after, sizeof(before)) != 0) tour_.stop();
}

void DemoGame::draw_swarm_names(int width, int height) {
  for (const DrawnLight& light : swarm_.view().lights_at(now_us_)) {
    const std::string& name = light.kind == kClientLight ? swarm_.name_of(light.id) : std::string();
    if (!name.empty()) Panel::draw_name(name, light.x * static_cast<float>(width), light.y * static_cast<float>(height));
  }
}

void DemoGame::after_draw(engine::Window& window) {
  std::string error;
  const bool is_last_run = !tour_.is_on() || tour_.lane() == Lane::threaded;
  const bool is_half_way = is_last_run && sight_.done() >= 0.5f;
  if (!options_.screenshot.empty() && !took_screenshot_ && (is_half_way || quits_)) {
    took_screenshot_ = true;
    lacks_screenshot_ = !window.save_picture(options_.screenshot, error);
    if (lacks_screenshot_) std::fprintf(stderr, "demo_client: --screenshot: %s\n", error.c_str());
  }
  if (!wants_picture_) return;
  wants_picture_ = false;
  const std::string path = "framepump-" + std::to_string(frame_) + ".png";
  note_ = window.save_picture(path, error) ? "wrote " + path : error;
}

}  // namespace demo
