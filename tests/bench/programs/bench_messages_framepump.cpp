// SPDX-License-Identifier: MIT
//
// Small messages on many connections with FramePump: gameplay takes each message from its stream in the frame that published it.
#include <framepump/framepump.hpp>

#include "bench/support/messages.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

// A message names its connection; that it is always the same stream's is part of the check.
struct Gameplay {
  bench::MessageCheck& check;
  std::vector<framepump_handle> streams = {};  // by connection

  void run(const fp::Network& net) {
    for (const fp::Stream stream : net.readable()) {
      const auto bytes = stream.front();  // mostly all there is
      const size_t whole_bytes = bytes.size() - bytes.size() % sizeof(bench::Message);
      if (whole_bytes > 0) take(stream, bytes.first(whole_bytes));
      if (whole_bytes == bytes.size()) continue;  // more behind it keeps the stream on the list
      if (const auto message = stream.peek(sizeof(bench::Message))) take(stream, *message);
    }
  }
  void take(fp::Stream stream, std::span<const std::byte> messages) {
    uint32_t connection = 0;
    std::memcpy(&connection, messages.data(), sizeof(connection));
    if (connection >= streams.size()) bench::die("a message names connection " + std::to_string(connection));
    if (streams[connection] == 0) streams[connection] = stream.value();
    if (streams[connection] != stream.value()) bench::die("a message came on another stream");
    check.take(connection, messages.data(), messages.size());
    (void)stream.consume(messages.size());
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads messages with FramePump.");
  bench::MessageOptions options;
  bool is_threaded = false, acknowledges_at_once = false;
  options.add_to(app);
  app.add_flag("--threaded", is_threaded, "pump on the IO thread");
  app.add_flag("--ack-at-once", acknowledges_at_once, "without stream.delayed_acks");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(options.connections + 100);
  fp::Config config;
  config.threaded = is_threaded ? 1 : 0;
  config.delayed_acks = acknowledges_at_once ? 0 : 1;
  config.slice_us = 20'000;  // the others have no slice at all
  auto net = fp::Network::create(fp::Api::linked(), config);
  if (!net) bench::die(net.error().text());
  for (uint32_t at = 0; at < options.connections; ++at) {
    if (const auto stream = net->connect(options.host.c_str(), options.port); !stream) bench::die(stream.error().text());
  }
  uint64_t frame = 0;
  while (net->totals().connects < options.connections) {
    net->tick({.frame = frame++, .now_us = bench::wall_us()});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  bench::align_to(options.frames_per_s, 0);
  bench::MessageRun run(options);
  Gameplay gameplay{run.check(), std::vector<framepump_handle>(options.connections)};
  while (!run.is_done()) {
    run.frame_begins();
    net->tick({.frame = frame++, .now_us = bench::wall_us()});
    run.tick_ends();
    gameplay.run(*net);
    net->flush();
    run.frame_ends();
  }
  run.print();
}
