// SPDX-License-Identifier: MIT
//
// A panel that shows in Dear ImGui what a network does, and changes its settings while it runs. plugin/docs/overlay.md says what each part
// shows. It needs the public headers and Dear ImGui (tried with 1.86): compile the overlay*.cpp beside this file into your engine.
#pragma once

#include <framepump/framepump.hpp>

#include <string>

#include "extras/overlay_model.h"
#include "extras/overlay_settings.h"

namespace framepump::extras {

// In pixels.
struct OverlayPlace {
  float x = 0;
  float y = 0;
  float width = 0;
  float height = 0;
};

// For the thread that ticks. Memory is taken once; ImGui has its own.
class Overlay {
 public:
  // `network` outlives the overlay. `config_path`: the file that it was opened with, to be written on request; empty: there is none.
  Overlay(Api api, Network& network, std::string config_path = {});

  // After each tick, with what it was told and what it returned. While the overlay is hidden it copies the report and looks through the events,
  // so that the hitch that makes somebody open it is in the graph; it asks the network nothing but who an overrun's culprit is, and
  // whether a stream that ended has been read to its end.
  void frame(const TickReport& report, const Frame& frame);
  // Between ImGui::NewFrame and ImGui::Render. `place` is where it appears first; from then on people move and size it. Draws nothing when
  // hidden.
  void draw(const OverlayPlace& place);
  void draw();

  void set_visible(bool is_visible) { is_visible_ = is_visible; }
  bool is_visible() const { return is_visible_; }

  // What a stream, peer, host, listener or user source is called here; null: what the overlay finds out by itself, its peer's address. Streams and
  // peers show up without a name as soon as they are connected or bring something; user sources need one.
  void set_name(framepump_handle handle, const char* name) { sources_.set_name(handle, name); }

  const TickHistory& history() const { return history_; }
  const SourceTable& sources() const { return sources_; }
  const OverrunList& overruns() const { return overruns_; }
  OverlaySettings& settings() { return settings_; }

 private:
  void draw_status() const;
  void draw_tabs();

  Api api_;
  Network& network_;
  TickHistory history_;
  SourceTable sources_;
  OverrunList overruns_;
  OverlaySettings settings_;
  TickReport report_;
  std::string title_;
  char notice_[256] = "";
  bool is_visible_ = true;
};

}  // namespace framepump::extras
