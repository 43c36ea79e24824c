// SPDX-License-Identifier: MIT
//
// The demo's client: a game in the engine that downloads an update while it draws.
#include <cstdio>
#include <string>

#include "demo/client/demo_game.h"
#include "demo/client/options.h"
#include "demo/client/report.h"
#include "engine_stub/engine.h"

namespace {

int play(const demo::Options& options, engine::Engine& engine, demo::PrivateFolder& folder) {
  demo::Settings settings(engine.network().network());
  if (const framepump::Status applied = settings.apply(options); !applied) {
    std::fprintf(stderr, "demo_client: %s\n", applied.error().text());
    return 1;
  }
  demo::DemoGame game(options, engine, settings, folder);
  engine.run(game);
  const std::string report = demo::make_report(engine, game);
  std::printf("%s", report.c_str());
  if (!options.report.empty() && !demo::write_report(options.report, report)) {
    std::fprintf(stderr, "demo_client: --report: cannot write %s\n", options.report.c_str());
    return 1;
  }
  return game.ran_out_of_time() || game.has_failed_update() || game.lacks_screenshot() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  const std::optional<demo::Options> options = demo::parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  engine::EngineOptions engine_options;
  engine_options.title = "FramePump";
  engine_options.headless = options->headless;
  engine_options.density = options->density;
  engine_options.fps = options->fps;
  engine_options.pace = options->engine_pace();
  engine_options.config_path = options->config;
  engine_options.trace_path = options->trace;
  engine_options.trace_events = options->trace_events;
  std::string error;
  demo::PrivateFolder folder;  // goes after the network, which may still write there
  if (options->has_file() && options->save.empty() && !folder.make(error)) {
    std::fprintf(stderr, "demo_client: %s\n", error.c_str());
    return 1;
  }
  const std::unique_ptr<engine::Engine> engine = engine::Engine::create(engine_options, error);
  if (engine == nullptr) {
    std::fprintf(stderr, "demo_client: %s\n", error.c_str());
    return 1;
  }
  exit_code = play(*options, *engine, folder);
  if (engine->close(error)) return exit_code;
  std::fprintf(stderr, "demo_client: %s\n", error.c_str());
  return 1;
}
