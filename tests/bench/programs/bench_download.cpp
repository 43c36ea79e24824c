// SPDX-License-Identifier: MIT
//
// A download with FramePump: the file thread fetches and writes, the game ticks. The clock runs from the call to the event.
#include <framepump/framepump.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/framepump_pace.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

struct Options {
  std::string url, path, sha256, ca_file, scheme = "http", host;
  uint16_t port = 0;
  uint64_t bytes = 0;
  double frames_per_s = 60;
  uint32_t slice_us = 2'000;
  bool is_synced = false;
  bench::FramePumpPace pace;

  void add_to(CLI::App& app) {
    app.add_option("--url", url, "what to download; without it, what scheme, host and port say");
    app.add_option("--scheme", scheme, "http or https")->capture_default_str();
    app.add_option("--host", host, "numeric address of the server");
    app.add_option("--port", port, "its port");
    app.add_option("--ca-file", ca_file, "PEM file of the authority to believe (default: the system's)");
    app.add_option("--path", path, "the file to write")->required();
    app.add_option("--bytes", bytes, "how many bytes of the senders' it has")->required();
    app.add_option("--sha256", sha256, "let FramePump check this");
    app.add_flag("--sync", is_synced, "wait until it is on the disk");
    app.add_option("--fps", frames_per_s, "frames a second")->check(CLI::Range(1.0, 1000.0))->capture_default_str();
    app.add_option("--slice-us", slice_us, "microseconds of network work a frame")->capture_default_str();
    pace.add_to(app);
  }
};

// True once it has ended well; what goes wrong ends the program.
bool has_finished(fp::Network& net) {
  for (const fp::Event& event : net.events()) {
    if (event.what() == fp::EventKind::download_failed) bench::die(event.words());
    if (event.what() == fp::EventKind::download_finished) return true;
  }
  return false;
}

std::string url_of(const Options& options) {
  return options.url.empty() ? options.scheme + "://" + options.host + ":" + std::to_string(options.port) + "/file" : options.url;
}

nlohmann::json run(fp::Network& net, const Options& options) {
  fp::DownloadOptions wanted;
  wanted.flags = FRAMEPUMP_DOWNLOAD_START_ANEW | (options.is_synced ? 0 : FRAMEPUMP_DOWNLOAD_NO_SYNC);
  wanted.sha256 = options.sha256.empty() ? nullptr : options.sha256.c_str();
  wanted.proxy = "";
  wanted.ca_file = options.ca_file.empty() ? nullptr : options.ca_file.c_str();
  const std::string url = url_of(options);
  bench::FrameLoop frames(options.frames_per_s);
  const int64_t start_us = bench::wall_us();
  const auto download = net.download(url.c_str(), options.path.c_str(), wanted);
  if (!download) bench::die(download.error().text());
  for (uint64_t frame = 0;; ++frame) {
    options.pace.wait_for_frame(net, frames);
    frames.tick_begins();
    net.tick({.frame = frame, .now_us = bench::wall_us()});
    frames.tick_ends();
    if (has_finished(net)) break;
    net.flush();
  }
  const int64_t end_us = bench::wall_us();
  const auto info = download->info();
  nlohmann::json report = frames.report();
  if (info) report["http_version"] = info->http_version;
  report["seconds"] = static_cast<double>(end_us - start_us) / 1e6;
  report["overruns"] = frames.overruns(options.slice_us);
  return report;
}

// Afterwards, on nobody's clock.
void hash_file(const std::string& path, bench::ByteHash& hash) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) bench::die_errno(path);
  std::vector<char> chunk(1 << 20);
  for (size_t got = 1; got > 0;) {
    got = std::fread(chunk.data(), 1, chunk.size(), file);
    hash.add(chunk.data(), got);
  }
  std::fclose(file);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Downloads one file with FramePump.");
  Options options;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);

  fp::Config config;
  config.slice_us = options.slice_us;
  fp::Network net = options.pace.open(config);
  nlohmann::json report = run(net, options);
  bench::ByteHash hash;
  hash_file(options.path, hash);
  std::remove(options.path.c_str());
  report["bytes"] = hash.size_bytes();
  report["verified"] = hash.size_bytes() == options.bytes && hash.hex() == bench::content_hash(options.bytes);
  std::printf("%s\n", report.dump().c_str());
}
