// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/support/control.h"
#include "bench/support/frames.h"
#include "bench/support/tcp.h"

namespace framepump::bench {

// What the contestants of the accept storm are told.
struct StormOptions {
  uint16_t control = 0;
  uint32_t clients = 1000;
  double frames_per_s = 30;
  int64_t slice_us = 2'000;

  static constexpr int kBacklog = 65'535;  // the kernel takes no more than net.core.somaxconn

  void add_to(CLI::App& app) {
    app.add_option("--control", control, "port of bench_storm")->required();
    app.add_option("--clients", clients, "how many connect at once")->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--fps", frames_per_s, "frames a second")->check(CLI::Range(1.0, 1000.0))->capture_default_str();
    app.add_option("--slice-us", slice_us, "microseconds of network work a frame")->check(CLI::Range(0, 1'000'000))->capture_default_str();
  }
};

// A storm as the server's frame loop sees it: some quiet frames, then everybody connects; when all are accepted, everybody speaks, and
// each number has to be heard once.
class StormRun {
 public:
  StormRun(const StormOptions& options, uint16_t port)
      : options_(options), port_(port), control_(options.control), frames_(options.frames_per_s), heard_(options.clients) {}

  // Sleeps until a frame is due. False: the run is over.
  bool next_frame() {
    constexpr uint64_t kQuietFrames = 5;
    constexpr double kPatienceS = 20;
    if (is_all_heard() || (frames_.frames() > 0 && frames_.seconds() > kPatienceS)) return false;
    if (!is_speaking_ && accepted_ >= options_.clients) speak();
    frames_.wait_for_frame();
    if (storm_frame_ == 0 && frames_.frames() > kQuietFrames) {
      control_.say("connect " + std::to_string(port_) + " " + std::to_string(options_.clients));
      storm_frame_ = frames_.frames();
    }
    return true;
  }
  void tick_begins() { frames_.tick_begins(); }
  void tick_ends(uint32_t accepted) {
    if (is_speaking_) return;  // what is measured is accepting
    frames_.tick_ends();
    accepted_ += accepted;
    if (accepted > 0) accepted_in_ticks_.push_back(accepted);
    if (accepted_ < options_.clients) return;
    last_frame_ = frames_.frames();
    last_us_ = wall_us();
  }
  // A stream's first bytes, once all of them are there.
  void hear(uint32_t number) {
    if (number < heard_.size() && !heard_[number]) heard_[number] = true, ++count_;
  }
  nlohmann::json report() const {
    nlohmann::json report = frames_.report();
    report["overruns"] = frames_.overruns(options_.slice_us);
    report["accept_frames"] = last_frame_ - storm_frame_ + 1;  // the frame in which they began to connect is the first
    report["accept_seconds"] = last_us_ == 0 ? -1.0 : static_cast<double>(last_us_ - said_.value("start_us", int64_t{0})) / 1e6;
    report["connect_seconds"] = static_cast<double>(said_.value("connect_calls_us", int64_t{0})) / 1e6;
    report["accepted_per_tick"] = mean_of_full_ticks();
    report["accepted"] = accepted_;
    report["heard"] = count_;
    report["verified"] = is_all_heard() && said_.value("connected", uint32_t{0}) == options_.clients;
    return report;
  }

 private:
  // In ticks that had more to accept than they could: all but the first, in which the clients only begin, and the last.
  nlohmann::json mean_of_full_ticks() const {
    if (accepted_in_ticks_.size() < 3) return nullptr;
    const double full_ticks = static_cast<double>(accepted_in_ticks_.size() - 2);
    return static_cast<double>(accepted_ - accepted_in_ticks_.front() - accepted_in_ticks_.back()) / full_ticks;
  }
  bool is_all_heard() const { return count_ == options_.clients; }
  void speak() {
    said_ = nlohmann::json::parse(control_.wait());
    control_.say("speak");
    is_speaking_ = true;
  }

  const StormOptions& options_;
  uint16_t port_;
  Control control_;
  FrameLoop frames_;
  nlohmann::json said_ = nlohmann::json::object();
  std::vector<bool> heard_;
  uint32_t count_ = 0;
  uint32_t accepted_ = 0;
  std::vector<uint32_t> accepted_in_ticks_;
  uint64_t storm_frame_ = 0;
  uint64_t last_frame_ = 0;
  int64_t last_us_ = 0;
  bool is_speaking_ = false;
};

}  // namespace framepump::bench
