// SPDX-License-Identifier: MIT
#pragma once

#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bench/support/bytes.h"
#include "bench/support/control.h"
#include "bench/support/frames.h"
#include "bench/support/swarm.h"
#include "bench/support/tcp.h"

namespace framepump::bench {

// What the contestants of the datagram benchmarks are told.
struct DatagramOptions {
  uint16_t control = 0;
  uint16_t enet = 0;
  bool is_bulk = false;
  uint32_t clients = 200;
  double messages_per_s = 60;
  double seconds = 3;
  double frames_per_s = 30;
  int64_t hitch_ms = 0;

  void add_to(CLI::App& app) {
    app.add_option("--control", control, "port of bench_enet_players for orders")->required();
    app.add_option("--enet", enet, "and its ENet port")->required();
    app.add_flag("--bulk,!--swarm", is_bulk, "receive reliable bytes instead of serving a swarm of players");
    app.add_option("--clients", clients, "players")->check(CLI::Range(1, 2000))->capture_default_str();
    app.add_option("--rate", messages_per_s, "messages a second from each")->capture_default_str();
    app.add_option("--seconds", seconds, "how long")->capture_default_str();
    app.add_option("--fps", frames_per_s, "frames a second")->check(CLI::Range(1.0, 1000.0))->capture_default_str();
    app.add_option("--hitch-ms", hitch_ms, "keep the game thread away this long, once a second")->capture_default_str();
  }
  // When the time is over, but on a busy machine not before something came.
  bool is_bulk_over(const FrameLoop& frames, const ByteHash& got) const {
    constexpr double kPatienceSeconds = 10;
    return frames.frames() > 0 && frames.seconds() >= seconds + (got.size_bytes() > 0 ? 0 : kPatienceSeconds);
  }
};

// A swarm's run as the server's frame loop sees it: measures frames from the first message on, hitches, and ends when the players have
// said all and nothing more is on its way.
class SwarmRun {
 public:
  SwarmRun(const DatagramOptions& options, uint16_t port)
      : account(options.clients), options_(options), control_(options.control), frames_(options.frames_per_s) {
    control_.say(std::to_string(port) + " " + std::to_string(options.clients) + " " + std::to_string(options.messages_per_s) + " " +
                 std::to_string(options.seconds));
  }

  // Sleeps until a frame is due. False: the run is over.
  bool next_frame() {
    if (!players_ && (players_ = heard())) quiet_since_ = frames_.frames();
    if (account.received() != seen_) quiet_since_ = frames_.frames();
    seen_ = account.received();
    const bool is_all = players_ && (*players_)["sent"] == seen_ + account.wrong();
    constexpr uint64_t kQuietFrames = 15;  // half a second at 30 Hz: what is not here by then was lost
    if (players_ && (is_all || frames_.frames() > quiet_since_ + kQuietFrames)) return false;
    frames_.wait_for_frame();
    if (is_measuring_) maybe_hitch();
    return true;
  }
  // What takes messages from the network and handles them; the same work for everyone.
  void tick_begins() { frames_.tick_begins(), cpu_start_us_ = thread_cpu_us(); }
  void tick_ends() {
    frames_.tick_ends();
    if (is_measuring_ && !players_) tick_cpu_us_ += thread_cpu_us() - cpu_start_us_;
    if (is_measuring_ || account.received() == 0) return;
    is_measuring_ = true;  // connecting is over
    frames_ = FrameLoop(options_.frames_per_s);
    process_cpu_start_us_ = process_cpu_us();
    messages_before_ = account.received();
  }

  nlohmann::json report() {
    nlohmann::json report = frames_.report();
    const uint64_t sent = players_.value_or(nlohmann::json::object()).value("sent", uint64_t{0});
    const auto messages = static_cast<double>(std::max<uint64_t>(account.received() - messages_before_, 1));
    report["sent"] = sent;
    report["received"] = account.received();
    report["lost"] = sent - account.received();
    report["wrong"] = account.wrong();
    report["hitches"] = hitches_;
    report["lost_per_hitch"] = hitches_ > 0 ? static_cast<double>(sent - account.received()) / static_cast<double>(hitches_) : 0.0;
    report["tick_cpu_ns_per_message"] = 1e3 * static_cast<double>(tick_cpu_us_) / messages;
    report["process_cpu_ns_per_message"] = 1e3 * static_cast<double>(process_cpu_us() - process_cpu_start_us_) / messages;
    // Datagrams may be lost, on a busy machine most of them, and how many is a figure; none may be wrong or come twice.
    const bool hitched = options_.hitch_ms == 0 || hitches_ > 0;
    report["verified"] = account.received() > 0 && account.wrong() == 0 && account.received() <= sent && hitched;
    return report;
  }

  SwarmAccount account;

 private:
  std::optional<nlohmann::json> heard() {
    const auto line = control_.heard();
    if (!line) return std::nullopt;
    const nlohmann::json said = nlohmann::json::parse(*line);
    if (!said["connected"]) die("not every player could connect");
    return said;
  }
  void maybe_hitch() {
    const auto every = static_cast<uint64_t>(options_.frames_per_s);
    if (options_.hitch_ms == 0 || players_ || frames_.frames() % every != every / 2) return;
    const timespec away = {options_.hitch_ms / 1000, options_.hitch_ms % 1000 * 1'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &away, nullptr);
    ++hitches_;
  }

  const DatagramOptions& options_;
  Control control_;
  FrameLoop frames_;
  std::optional<nlohmann::json> players_;  // what they said at their end
  uint64_t quiet_since_ = 0;
  uint64_t seen_ = 0;
  uint64_t messages_before_ = 0;
  uint64_t hitches_ = 0;
  int64_t cpu_start_us_ = 0;
  int64_t tick_cpu_us_ = 0;
  int64_t process_cpu_start_us_ = 0;
  bool is_measuring_ = false;
};

// Reliable bytes, received for some seconds.
inline void print_bulk_report(FrameLoop& frames, const ByteHash& hash) {
  nlohmann::json report = frames.report();
  report["bytes"] = hash.size_bytes();
  report["verified"] = hash.size_bytes() > 0 && hash.hex() == content_hash(hash.size_bytes());
  std::printf("%s\n", report.dump().c_str());
}

}  // namespace framepump::bench
