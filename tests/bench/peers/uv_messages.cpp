// SPDX-License-Identifier: MIT
//
// Small messages on many connections with libuv: uv_read_start on each, and uv_run(UV_RUN_NOWAIT) once per frame.
#include <uv.h>

#include <memory>

#include "bench/support/messages.h"

namespace bench = framepump::bench;

namespace {

struct Reader {
  uv_tcp_t socket = {};
  size_t at = 0;
  bench::MessageCheck* check = nullptr;
  char buffer[2048];
};

void allocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  auto& reader = *static_cast<Reader*>(handle->data);
  *buffer = uv_buf_init(reader.buffer, sizeof(reader.buffer));
}

void on_read(uv_stream_t* stream, ssize_t size_bytes, const uv_buf_t* buffer) {
  auto& reader = *static_cast<Reader*>(stream->data);
  if (size_bytes > 0) reader.check->take(reader.at, buffer->base, static_cast<size_t>(size_bytes));
  if (size_bytes < 0) uv_read_stop(stream);
}

void must(int result, const char* what) {
  if (result < 0) bench::die(std::string(what) + ": " + uv_strerror(result));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads messages with libuv.");
  bench::MessageOptions options;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);

  bench::raise_descriptor_limit(options.connections + 100);
  uv_loop_t loop;
  must(uv_loop_init(&loop), "uv_loop_init");
  bench::MessageRun run(options);
  std::vector<std::unique_ptr<Reader>> readers;
  for (uint32_t at = 0; at < options.connections; ++at) {
    readers.push_back(std::make_unique<Reader>());
    Reader& reader = *readers.back();
    reader.at = at;
    reader.check = &run.check();
    must(uv_tcp_init(&loop, &reader.socket), "uv_tcp_init");
    reader.socket.data = &reader;
    must(uv_tcp_open(&reader.socket, bench::tcp_connect(options.host, options.port)), "uv_tcp_open");
    must(uv_read_start(reinterpret_cast<uv_stream_t*>(&reader.socket), allocate, on_read), "uv_read_start");
  }
  bench::align_to(options.frames_per_s, 0);
  while (!run.is_done()) {
    run.frame_begins();
    uv_run(&loop, UV_RUN_NOWAIT);
    run.tick_ends();
    run.frame_ends();
  }
  run.print();
}
