// SPDX-License-Identifier: MIT
//
// Small messages on many connections with asio: async_read_some on each, and poll() once per frame.
#include <array>
#include <asio.hpp>
#include <memory>

#include "bench/support/messages.h"

namespace bench = framepump::bench;

namespace {

class Reader {
 public:
  Reader(asio::io_context& context, size_t at, bench::MessageCheck& check) : socket(context), at_(at), check_(check) {}

  void read() {
    socket.async_read_some(asio::buffer(buffer_), [this](const asio::error_code& error, size_t size_bytes) {
      if (error) return;
      check_.take(at_, buffer_.data(), size_bytes);
      read();
    });
  }

  asio::ip::tcp::socket socket;

 private:
  size_t at_;
  bench::MessageCheck& check_;
  std::array<char, 2048> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads messages with asio.");
  bench::MessageOptions options;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(options.connections + 100);
  asio::io_context context(1);  // the hint that only one thread runs it
  bench::MessageRun run(options);
  std::vector<std::unique_ptr<Reader>> readers;
  for (uint32_t at = 0; at < options.connections; ++at) {
    readers.push_back(std::make_unique<Reader>(context, at, run.check()));
    readers.back()->socket.connect({asio::ip::make_address(options.host), options.port});
    readers.back()->socket.set_option(asio::ip::tcp::no_delay(true));
    readers.back()->read();
  }
  bench::align_to(options.frames_per_s, 0);
  while (!run.is_done()) {
    run.frame_begins();
    context.poll();
    run.tick_ends();
    run.frame_ends();
  }
  run.print();
}
