// SPDX-License-Identifier: MIT
//
// Bulk, with a bufferevent of libevent. Its documentation offers EVLOOP_NONBLOCK to a program that has a loop of its own: it runs
// what is ready and returns when nothing is. With EVLOOP_ONCE it makes one pass, here as many as fit the slice.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <array>

#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"

namespace bench = framepump::bench;

namespace {

class Reader {
 public:
  explicit Reader(const bench::ReaderOptions& options) : base_(event_base_new()), frame_(evbuffer_new()) {
    const int descriptor = bench::tcp_connect(options.host, options.port);
    bench::set_nonblocking(descriptor);
    stream_ = bufferevent_socket_new(base_, descriptor, BEV_OPT_CLOSE_ON_FREE);
    // Moves whole buffers: no byte is copied.
    const auto on_read = [](bufferevent* stream, void* self) {
      evbuffer_add_buffer(static_cast<Reader*>(self)->frame_, bufferevent_get_input(stream));
    };
    const auto on_event = [](bufferevent*, short what, void* self) {
      if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) static_cast<Reader*>(self)->is_open_ = false;
    };
    bufferevent_setcb(stream_, on_read, nullptr, on_event, this);
    bufferevent_enable(stream_, EV_READ);
  }
  ~Reader() {
    bufferevent_free(stream_);
    evbuffer_free(frame_);
    event_base_free(base_);
  }

  void run() { event_base_loop(base_, EVLOOP_NONBLOCK); }
  void run_until(int64_t deadline_us) {
    for (size_t before = SIZE_MAX; evbuffer_get_length(frame_) != before && bench::wall_us() < deadline_us;) {
      before = evbuffer_get_length(frame_);
      event_base_loop(base_, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    }
  }
  void end_frame(bench::ByteHash& hash) {
    std::array<evbuffer_iovec, 64> runs;
    while (evbuffer_get_length(frame_) > 0) {
      const int wanted = evbuffer_peek(frame_, -1, nullptr, runs.data(), static_cast<int>(runs.size()));
      const size_t count = std::min(runs.size(), static_cast<size_t>(wanted));
      size_t size_bytes = 0;
      for (size_t i = 0; i < count; ++i) {
        hash.add(runs[i].iov_base, runs[i].iov_len);
        size_bytes += runs[i].iov_len;
      }
      evbuffer_drain(frame_, size_bytes);
    }
  }
  bool is_open() const { return is_open_; }

 private:
  event_base* base_;
  evbuffer* frame_;
  bufferevent* stream_ = nullptr;
  bool is_open_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one stream with libevent.");
  bench::ReaderOptions options;
  options.add_to(app);
  bool is_in_passes = false;
  app.add_flag("--passes,!--nonblock", is_in_passes, "single passes within the slice");
  CLI11_PARSE(app, argc, argv);

  bench::ByteHash hash;
  bench::FrameLoop frames(options.frames_per_s);
  Reader reader(options);
  while (reader.is_open()) {
    frames.wait_for_frame();
    frames.tick_begins();
    if (is_in_passes) {
      reader.run_until(bench::wall_us() + options.slice_us);
    } else {
      reader.run();
    }
    frames.tick_ends();
    reader.end_frame(hash);
  }
  bench::print_report(bench::frame_report(frames, options), hash, options.bytes);
}
