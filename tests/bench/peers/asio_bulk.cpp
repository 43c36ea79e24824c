// SPDX-License-Identifier: MIT
//
// Bulk, with standalone asio. Its documentation names two calls for a program that has a loop of its own: `poll()` runs handlers
// until none is ready, `poll_one()` runs one. The first is called once per frame; the second as often as fits the slice.
#include <asio.hpp>

#include "bench/support/frame_chunks.h"
#include "bench/support/frames.h"
#include "bench/support/reader_options.h"

namespace bench = framepump::bench;

namespace {

class Reader {
 public:
  Reader(const bench::ReaderOptions& options, size_t chunk_bytes) : socket_(context_), chunks_(chunk_bytes) {
    socket_.connect({asio::ip::make_address(options.host), options.port});
    socket_.set_option(asio::ip::tcp::no_delay(true));
    read_more();
  }

  void poll() { context_.poll(); }
  void poll_until(int64_t deadline_us) {
    while (context_.poll_one() > 0 && bench::wall_us() < deadline_us) {
    }
  }
  void end_frame(bench::ByteHash& hash) {
    chunks_.consume(hash);
    if (is_full_) read_more();
  }
  bool is_open() const { return is_open_; }

 private:
  void read_more() {
    char* chunk = chunks_.take();
    is_full_ = chunk == nullptr;
    if (is_full_) return;
    const auto buffer = asio::buffer(chunk, chunks_.chunk_bytes());
    socket_.async_read_some(buffer, [this, chunk](const asio::error_code& error, size_t size_bytes) {
      if (size_bytes > 0) chunks_.keep(chunk, size_bytes);
      if (error) {
        is_open_ = false;
      } else {
        read_more();
      }
    });
    if (context_.stopped()) context_.restart();  // poll() stops it when the frame was full and nothing was left to wait for
  }

  asio::io_context context_;
  asio::ip::tcp::socket socket_;
  bench::FrameChunks chunks_;
  bool is_open_ = true;
  bool is_full_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one stream with asio.");
  bench::ReaderOptions options;
  options.add_to(app);
  bool is_one_by_one = false;
  size_t chunk_kib = 256;  // as the bare loop; 64, the most that asio's own composed reads ask for, took 1.4 times as long
  app.add_flag("--poll-one,!--poll", is_one_by_one, "poll_one() within the slice instead of poll()");
  app.add_option("--chunk-kib", chunk_kib, "buffer of one read")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  bench::ByteHash hash;
  bench::FrameLoop frames(options.frames_per_s);
  Reader reader(options, chunk_kib * 1024);
  while (reader.is_open()) {
    frames.wait_for_frame();
    frames.tick_begins();
    if (is_one_by_one) {
      reader.poll_until(bench::wall_us() + options.slice_us);
    } else {
      reader.poll();
    }
    frames.tick_ends();
    reader.end_frame(hash);
  }
  bench::print_report(bench::frame_report(frames, options), hash, options.bytes);
}
