// SPDX-License-Identifier: MIT
//
// Small messages on many connections with FramePump: gameplay takes each message from its stream in the frame that published it.
#include <framepump/framepump.hpp>

#include "bench/support/messages.h"

namespace bench = framepump::bench;
namespace fp = framepump;

namespace {

// A message names its connection; that it is always the same stream's is part of the check.
void gameplay(fp::Network& net, bench::MessageCheck& check, std::vector<framepump_handle>& streams) {
  for (const fp::Stream stream : net.readable()) {
    while (const auto message = stream.peek(sizeof(bench::Message))) {
      uint32_t connection = 0;
      std::memcpy(&connection, message->data(), sizeof(connection));
      if (connection >= streams.size()) bench::die("a message names connection " + std::to_string(connection));
      if (streams[connection] == 0) streams[connection] = stream.value();
      if (streams[connection] != stream.value()) bench::die("a message came on another stream");
      check.take(connection, message->data(), message->size());
      (void)stream.consume(message->size());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads messages with FramePump.");
  bench::MessageOptions options;
  bool is_threaded = false;
  options.add_to(app);
  app.add_flag("--threaded", is_threaded, "pump on the IO thread");
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(options.connections + 100);
  fp::Config config;
  config.threaded = is_threaded ? 1 : 0;
  config.slice_us = 20'000;  // the others have no slice at all
  auto net = fp::Network::create(fp::Api::linked(), config);
  if (!net) bench::die(net.error().text());
  for (uint32_t at = 0; at < options.connections; ++at) {
    if (const auto stream = net->connect(options.host.c_str(), options.port); !stream) bench::die(stream.error().text());
  }
  std::vector<framepump_handle> streams(options.connections);
  uint64_t frame = 0;
  while (net->totals().connects < options.connections) {
    net->tick({.frame = frame++, .now_us = bench::wall_us()});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  bench::align_to(options.frames_per_s, 0);
  bench::MessageRun run(options);
  while (!run.is_done()) {
    run.frame_begins();
    net->tick({.frame = frame++, .now_us = bench::wall_us()});
    run.tick_ends();
    gameplay(*net, run.check(), streams);
    net->flush();
    run.frame_ends();
  }
  run.print();
}
