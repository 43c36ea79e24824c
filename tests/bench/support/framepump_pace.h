// SPDX-License-Identifier: MIT
//
// The three ways in which a game can run FramePump.
#pragma once

#include <CLI/CLI.hpp>
#include <framepump/framepump.hpp>

#include "bench/support/frames.h"
#include "bench/support/tcp.h"

namespace framepump::bench {

struct FramePumpPace {
  bool is_threaded = false;
  bool is_waiting = false;

  void add_to(CLI::App& app) {
    app.add_flag("--threaded", is_threaded, "pump on the IO thread");
    app.add_flag("--wait", is_waiting, "wait_until instead of sleep between frames");
  }
  Network open(Config config) const {
    config.threaded = is_threaded ? 1 : 0;
    auto net = Network::create(Api::linked(), config);
    if (!net) die(net.error().text());
    return std::move(*net);
  }
  // Until the next frame is due.
  void wait_for_frame(Network& net, FrameLoop& frames) const {
    if (!is_waiting || frames.frames() == 0) return frames.wait_for_frame();
    net.wait_until(frames.next_frame_us());
    frames.skip_wait();
  }
};

}  // namespace framepump::bench
