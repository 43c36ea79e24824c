// SPDX-License-Identifier: MIT
//
// Bulk, with libuv. Its documentation offers `uv_run(UV_RUN_NOWAIT)` to a program that has a loop of its own: it polls for input
// once. Called once per frame, or again within the slice for as long as it brings something.
#include <uv.h>

#include "bench/support/frame_chunks.h"
#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"

namespace bench = framepump::bench;

namespace {

constexpr size_t kChunkBytes = 64 * 1024;  // what libuv suggests to its allocation callback

void check(int status, const char* what) {
  if (status < 0) bench::die(std::string(what) + ": " + uv_strerror(status));
}

class Reader {
 public:
  explicit Reader(const bench::ReaderOptions& options) : chunks_(kChunkBytes) {
    check(uv_loop_init(&loop_), "uv_loop_init");
    check(uv_tcp_init(&loop_, &stream_), "uv_tcp_init");
    check(uv_tcp_open(&stream_, bench::tcp_connect(options.host, options.port)), "uv_tcp_open");
    stream_.data = this;
    start();
  }

  void run_once() { uv_run(&loop_, UV_RUN_NOWAIT); }
  void run_until(int64_t deadline_us) {
    for (size_t before = SIZE_MAX; chunks_.kept_chunks() != before && bench::wall_us() < deadline_us;) {
      before = chunks_.kept_chunks();
      run_once();
    }
  }
  void end_frame(bench::ByteHash& hash) {
    chunks_.consume(hash);
    if (is_full_) start();
  }
  bool is_open() const { return is_open_; }

 private:
  static Reader& of(void* data) { return *static_cast<Reader*>(data); }

  void start() {
    is_full_ = false;
    const auto allocate = [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
      char* chunk = of(handle->data).chunks_.take();
      *buffer = uv_buf_init(chunk, chunk == nullptr ? 0 : kChunkBytes);  // none: the read callback gets UV_ENOBUFS
    };
    const auto read = [](uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
      of(stream->data).on_read(got, buffer->base);
    };
    check(uv_read_start(reinterpret_cast<uv_stream_t*>(&stream_), allocate, read), "uv_read_start");
  }

  void on_read(ssize_t got, char* chunk) {
    if (got > 0) return chunks_.keep(chunk, static_cast<size_t>(got));
    if (chunk != nullptr) chunks_.give_back(chunk);
    is_full_ = got == UV_ENOBUFS;
    if (got < 0) uv_read_stop(reinterpret_cast<uv_stream_t*>(&stream_));
    if (got < 0 && !is_full_) is_open_ = false;
  }

  uv_loop_t loop_ = {};
  uv_tcp_t stream_ = {};
  bench::FrameChunks chunks_;
  bool is_open_ = true;
  bool is_full_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one stream with libuv.");
  bench::ReaderOptions options;
  options.add_to(app);
  bool is_repeated = false;
  app.add_flag("--again,!--once", is_repeated, "uv_run(UV_RUN_NOWAIT) again within the slice while it brings something");
  CLI11_PARSE(app, argc, argv);

  bench::ByteHash hash;
  bench::FrameLoop frames(options.frames_per_s);
  Reader reader(options);
  while (reader.is_open()) {
    frames.wait_for_frame();
    frames.tick_begins();
    if (is_repeated) {
      reader.run_until(bench::wall_us() + options.slice_us);
    } else {
      reader.run_once();
    }
    frames.tick_ends();
    reader.end_frame(hash);
  }
  bench::print_report(bench::frame_report(frames, options), hash, options.bytes);
}
