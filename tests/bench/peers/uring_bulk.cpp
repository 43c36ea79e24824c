// SPDX-License-Identifier: MIT
//
// Bulk, with io_uring's multishot receive: the experiment that says whether a backend of that kind would pay. Task work is deferred, so the
// kernel copies only when the tick asks for completions, and the game's other calls stay as long as they were.
#include <liburing.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"

namespace bench = framepump::bench;

namespace {

constexpr int kGroup = 1;
constexpr unsigned kBuffers = 256;  // a power of two; 16 MiB in all, more than a slice of 2 ms can bring

class Ring {
 public:
  Ring(int descriptor, uint32_t buffer_bytes) : descriptor_(descriptor), buffer_bytes_(buffer_bytes), memory_(size_t{kBuffers} * buffer_bytes) {
    io_uring_params parameters = {};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 2 * kBuffers;
    if (const int result = io_uring_queue_init_params(8, &ring_, &parameters); result < 0) {
      bench::cannot_run(std::string("io_uring_queue_init: ") + std::strerror(-result));
    }
    void* shared = nullptr;
    if (posix_memalign(&shared, static_cast<size_t>(sysconf(_SC_PAGESIZE)), kBuffers * sizeof(io_uring_buf)) != 0) bench::die("no memory");
    buffers_ = static_cast<io_uring_buf_ring*>(shared);
    io_uring_buf_ring_init(buffers_);
    io_uring_buf_reg registration = {};
    registration.ring_addr = reinterpret_cast<uint64_t>(shared);
    registration.ring_entries = kBuffers;
    registration.bgid = kGroup;
    check(io_uring_register_buf_ring(&ring_, &registration, 0), "io_uring_register_buf_ring");
    for (unsigned i = 0; i < kBuffers; ++i) offer(static_cast<uint16_t>(i));
    arm();
  }
  ~Ring() {
    io_uring_queue_exit(&ring_);
    free(buffers_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  struct Piece {
    uint16_t buffer;
    uint32_t size_bytes;
  };

  // Collects what came until there is nothing more, the slice is over, or the buffers are. False at the end of the stream.
  bool drain(int64_t slice_us, std::vector<Piece>& pieces) {
    const int64_t deadline_us = bench::wall_us() + slice_us;
    while (pieces.size() < kBuffers) {
      if (!is_armed_) arm();
      io_uring_submit_and_get_events(&ring_);
      io_uring_cqe* completions[kBuffers];
      const unsigned count = io_uring_peek_batch_cqe(&ring_, completions, kBuffers);
      if (count == 0) return true;
      bool is_open = true;
      for (unsigned i = 0; i < count; ++i) is_open = take(*completions[i], pieces) && is_open;
      io_uring_cq_advance(&ring_, count);
      if (!is_open) return false;
      if (bench::wall_us() >= deadline_us) return true;
    }
    return true;
  }
  const char* bytes(Piece piece) const { return memory_.data() + size_t{piece.buffer} * buffer_bytes_; }
  // The kernel may fill them again.
  void give_back(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) offer(piece.buffer);
  }

 private:
  static void check(int result, const char* what) {
    if (result < 0) bench::die(std::string(what) + ": " + std::strerror(-result));
  }
  void arm() {
    io_uring_sqe* request = io_uring_get_sqe(&ring_);
    io_uring_prep_recv_multishot(request, descriptor_, nullptr, 0, 0);
    request->flags |= IOSQE_BUFFER_SELECT;
    request->buf_group = kGroup;
    is_armed_ = true;
  }
  void offer(uint16_t buffer) {
    io_uring_buf_ring_add(buffers_, memory_.data() + size_t{buffer} * buffer_bytes_, buffer_bytes_, buffer,
                          io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(buffers_, 1);
  }
  bool take(const io_uring_cqe& completion, std::vector<Piece>& pieces) {
    if ((completion.flags & IORING_CQE_F_MORE) == 0) is_armed_ = false;
    if (completion.res == -ENOBUFS) return true;  // armed again by the next drain, which has buffers
    if (completion.res < 0) bench::die(std::string("recv: ") + std::strerror(-completion.res));
    if (completion.res == 0) return false;
    pieces.push_back({static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT), static_cast<uint32_t>(completion.res)});
    return true;
  }

  int descriptor_;
  uint32_t buffer_bytes_;
  std::vector<char> memory_;
  io_uring ring_ = {};
  io_uring_buf_ring* buffers_ = nullptr;
  bool is_armed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one stream with io_uring's multishot receive.");
  bench::ReaderOptions options;
  options.add_to(app);
  uint32_t buffer_kib = 64;
  app.add_option("--buffer-kib", buffer_kib, "size of each of the 256 buffers")->check(CLI::Range(4, 1024))->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  bench::ByteHash hash;
  Ring ring(bench::tcp_connect(options.host, options.port), buffer_kib * 1024);
  bench::FrameLoop frames(options.frames_per_s);
  std::vector<Ring::Piece> pieces;
  pieces.reserve(kBuffers + 1);
  for (bool is_open = true; is_open;) {
    frames.wait_for_frame();
    frames.tick_begins();
    is_open = ring.drain(options.slice_us, pieces);
    frames.tick_ends();
    for (const Ring::Piece piece : pieces) hash.add(ring.bytes(piece), piece.size_bytes);
    ring.give_back(pieces);
    pieces.clear();
  }
  bench::print_report(bench::frame_report(frames, options), hash, options.bytes);
}
