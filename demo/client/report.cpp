// SPDX-License-Identifier: MIT
#include "demo/client/report.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace demo {
namespace {

double rounded(double value) { return std::round(value * 1000) / 1000; }

const char* name_of(UpdateState state) {
  switch (state) {
    case UpdateState::finished: return "finished";
    case UpdateState::failed: return "failed";
    default: return "under way";
  }
}

nlohmann::ordered_json report_of(const UpdateSight& update) {
  nlohmann::ordered_json report = {{"bytes", update.bytes},
                                   {"seconds", rounded(update.seconds)},
                                   {"mb_per_s", rounded(update.mb_per_s())},
                                   {"verified", update.is_verified},
                                   {"verified_by", update.verified_by},
                                   {"state", name_of(update.state)},
                                   {"status", update.status},
                                   {"from", update.from},
                                   {"over", update.over},
                                   {"size_bytes", update.size_bytes},
                                   {"resumed_bytes", update.resumed_bytes},
                                   {"interruptions", update.interruptions}};
  if (update.left_s) report["left_s"] = rounded(*update.left_s);
  return report;
}

}  // namespace

std::string make_report(engine::Engine& engine, const DemoGame& game) {
  framepump::Network& network = engine.network().network();
  const framepump::Totals totals = network.totals();
  const engine::FrameMeter& ticks = engine.network().tick_meter();
  nlohmann::ordered_json report;
  report["mode"] = engine.network().report().mode == FRAMEPUMP_MODE_THREADED ? "threaded" : "frame-locked";
  report["fps"] = engine.options().fps;
  report["pace"] = engine::name_of(engine.options().pace);
  report["slice_us"] = network.config().slice_us;
  report["frames"] = engine.frames();
  report["late_frames"] = engine.late_frames();
  report["mode_switches"] = game.mode_switches();
  report["download"] = report_of(game.result());
  report["tick_us"] = {{"p50", ticks.percentile_us(0.5)}, {"p99", ticks.percentile_us(0.99)}, {"max", ticks.max_us()}};
  report["overruns"] = totals.overruns;
  const SwarmView& view = game.swarm().view();
  report["datagrams"] = {{"received", view.received()}, {"lost", view.lost()}, {"dropped", game.swarm().dropped()}};
  report["snapshots"] = {{"per_s", std::round(view.per_s() * 10) / 10}, {"gap_ms_p99", view.gap_ms_p99()}};
  report["memory"] = {{"budget_bytes", totals.memory_budget_bytes}, {"peak_bytes", totals.memory_peak_bytes}};
  return report.dump(2) + "\n";
}

bool write_report(const std::string& path, const std::string& report) {
  std::ofstream file(path);
  file << report;
  file.close();
  return file.good();
}

}  // namespace demo
