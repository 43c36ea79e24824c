// SPDX-License-Identifier: MIT
#include "demo/client/options.h"

#include <CLI/CLI.hpp>

namespace demo {
namespace {

// Flags of which one would silently undo the other. Null: there are none.
const char* contradiction(const Options& options, bool wants_tour, bool wants_stream, bool wants_size) {
  if (wants_stream && !options.url.empty()) return "--raw and --url";
  if (wants_stream && !options.save.empty()) return "--raw and --save";
  if (options.naive && !options.url.empty()) return "--naive and --url";
  if (options.naive && !options.save.empty()) return "--naive and --save";
  if (wants_tour && options.headless && !options.url.empty()) return "--tour --headless and --url";
  if (wants_size && !options.url.empty()) return "--url and --download-mb";
  if (wants_tour && options.naive) return "--tour and --naive";
  if (wants_tour && options.toggle_every > 0) return "--tour and --toggle-every";
  if (!options.naive) return nullptr;
  if (options.threaded == "on") return "--naive and --threaded on";
  if (options.toggle_every > 0) return "--naive and --toggle-every";
  if (options.slice_us.value_or(0) > 0) return "--naive and a --slice-us above 0";
  return options.pace.empty() || options.pace == "sleep" ? nullptr : "--naive and a --pace other than sleep";
}

// Flags of which one says nothing without the other. Null: there are none.
const char* lack(const Options& options) {
  if (!options.sha256.empty() && options.url.empty()) return "--sha256 is of the file of --url, which is missing";
  if (!options.save.empty() && !options.has_file()) return "--save wants a file: --ca, or --url";
  if (options.https_port && options.ca_file.empty()) return "--https wants --ca, the file that the server names when it starts";
  return nullptr;
}

// The lanes are a matter of streams.
Carrier choose_carrier(const Options& options, bool wants_stream) {
  if (wants_stream || options.naive) return Carrier::stream;
  if (options.has_file()) return Carrier::file;
  std::cerr << "demo_client: no --ca, the file with the server's certificate: the update comes over plain TCP\n";
  return Carrier::stream;
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  std::string connect = "127.0.0.1:7777";
  bool wants_tour = false;
  bool wants_stream = false;
  CLI::App app{
      "Draws a scene at the frame rate while it downloads an update through FramePump.\n"
      "In a window it begins with a tour: 5 s of the naive way, then a run in frame-locked and one in threaded mode, side by side, of\n"
      "the raw bytes over TCP; then the update comes as a file over HTTPS.\n"
      "Keys: T threaded mode, N naive (both of raw bytes), D download the file, 1-5 slice in ms, F frame limit, V pace, H block the\n"
      "game thread for 5 s, G stall guard, P stop reading, R run again, Enter say something, arrows or mouse steer your light,\n"
      "O overlay (what the network does, and its settings), Tab all panels, F12 picture, Esc quit.",
      "demo_client"};
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--connect", connect, "HOST:PORT of the server, numeric")->capture_default_str();
  app.add_option("--ca", options.ca_file,
                 "PEM file of whom to believe over HTTPS: of the demo's server the one that it names, or keeps (demo_server "
                 "--keep-certificate); for --url, instead of the system's authorities")
      ->check(CLI::ExistingFile);
  app.add_option("--https", options.https_port, "PORT of the server's file; without it the second port after that of --connect")
      ->check(CLI::Range(1, 65535));
  app.add_option("--url", options.url, "a file of any web server instead, http or https");
  app.add_option("--sha256", options.sha256, "what the file of --url must hash to; without it only TLS vouches for it");
  app.add_option("--save", options.save,
                 "keep the file, and go on with a part of it that is there; default: it is removed once it was verified");
  app.add_flag("--raw", wants_stream, "the raw bytes over TCP instead of the file, read by the game in its frames");
  app.add_flag("--headless", options.headless, "no display: real frames, drawn to an off-screen surface; ends with the download");
  app.add_option("--density", options.density, "pixels per point, for displays that do not say it themselves; headless for pictures")
      ->check(CLI::Range(0.5f, 4.0f));
  app.add_option("--fps", options.fps, "frames a second")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--pace", options.pace,
                 "how to wait for the next frame: sleep, vsync, or wait (in the plugin, which pumps "
                 "meanwhile); default vsync with a window, sleep without")
      ->check(CLI::IsMember({"sleep", "vsync", "wait"}));
  app.add_option("--threaded", options.threaded, "on or off; default: what the config file says")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--slice-us", options.slice_us, "microseconds that a tick may spend; default: what the config file says")
      ->check(CLI::Range(0, 1'000'000));
  const CLI::Option* size = app.add_option("--download-mb", options.download_mb, "size of the update, millions of bytes")
      ->check(CLI::Range(1, 16'000))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds,
                 "stop after so long, with an error if the download has not finished; default: headless, when "
                 "it has finished, and in a window, never")
      ->check(CLI::Range(0.1, 86'400.0));
  app.add_option("--config", options.config, "framepump.toml to open and to watch")
      ->check(CLI::ExistingFile)
      ->capture_default_str();
  app.add_option("--toggle-every", options.toggle_every, "switch between frame-locked and threaded mode every so many frames")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--naive", options.naive,
               "show the problem: one 16 KiB read per frame (slice 0, quantum 16 KiB, pace sleep, guard and "
               "window rule off)");
  const CLI::Option* tour = app.add_flag("--tour,!--no-tour", wants_tour,
                                         "show naive, frame-locked and threaded one after the other; the default in a window, unless "
                                         "--naive, --threaded or --toggle-every says otherwise");
  app.add_option("--name", options.name, "what the other clients read beside your light, up to 24 letters");
  app.add_option("--report", options.report, "write what was measured to this JSON file");
  app.add_option("--screenshot", options.screenshot, "write a picture, taken half-way through the download, on the tour its last one, to this PNG file");
  app.add_option("--trace", options.trace, "write what happened in each frame to this file, for ui.perfetto.dev (plugin/docs/traces.md)");
  app.add_option("--trace-events", options.trace_events, "how many of the newest events of each thread a trace keeps, 56 bytes each")
      ->check(CLI::Range(framepump::extras::TraceRecorder::kFewestEvents, framepump::extras::TraceRecorder::kMostEvents))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return std::nullopt;
  }
  const std::optional<HostPort> server = parse_host_port(connect);
  if (!server) {
    std::cerr << "--connect is '" << connect << "', allowed is HOST:PORT with a numeric address; IPv6 as [::1]:7777\n";
    exit_code = 2;
    return std::nullopt;
  }
  if (const char* both = contradiction(options, wants_tour, wants_stream, size->count() > 0); both != nullptr) {
    std::cerr << both << " exclude each other\n";
    exit_code = 2;
    return std::nullopt;
  }
  if (const char* missing = lack(options); missing != nullptr) {
    std::cerr << missing << '\n';
    exit_code = 2;
    return std::nullopt;
  }
  options.server = *server;
  options.carrier = choose_carrier(options, wants_stream);
  // Asked, not told by std::optional: CLI11 gives that a value also when neither flag is there.
  const bool tours_by_default = !options.headless && !options.naive && options.threaded.empty() && options.toggle_every == 0;
  options.tour = tour->count() > 0 ? wants_tour : tours_by_default;
  if (options.naive) options.pace = "sleep";
  if (options.pace.empty()) options.pace = options.headless ? "sleep" : "vsync";
  if (options.headless && options.pace == "vsync") {
    std::cerr << "--pace is 'vsync', but without a display nothing paces; taking 'sleep'\n";
    options.pace = "sleep";
  }
  return options;
}

std::string Options::file_url() const {
  if (!url.empty()) return url;
  const uint16_t port = https_port.value_or(static_cast<uint16_t>(server.port + 2));
  return "https://" + to_text({server.host, port}) + "/update.bin?seed=" + std::to_string(kUsualSeed) +
         "&bytes=" + std::to_string(download_bytes());
}

engine::Pace Options::engine_pace() const {
  if (pace == "vsync") return engine::Pace::vsync;
  return pace == "wait" ? engine::Pace::wait : engine::Pace::sleep;
}

}  // namespace demo
