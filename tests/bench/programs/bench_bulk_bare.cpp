// SPDX-License-Identifier: MIT
//
// Bulk, with bare system calls. `--drain`: once per frame, until EWOULDBLOCK or the end of the slice, the way FramePump's promise
// is written down in twenty lines; what it read it keeps to the end of the frame, as gameplay would find it. `--raise-window`
// adds the one thing that a reader of one frame in a while needs, a high SO_RCVLOWAT. `--waiting`: reads until the next frame is
// due and as much as `--keep-mib`, waiting in poll(), and keeps it for that frame. `--blocking`: a thread that does nothing else,
// the limit of what this machine can do; what it spends on the hash is left out of its processor time.
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"

namespace bench = framepump::bench;

namespace {

constexpr size_t kReadBytes = 256 * 1024;  // as much as one loopback wake-up brings; smaller reads were slower

// One frame's bytes. Memory that was touched stays: a game has its buffers from the start.
struct FrameBytes {
  std::vector<char> bytes;
  size_t used = 0;
};

constexpr size_t kMostPieces = 64;

// How a draining reader asks for bytes between two looks at the clock.
struct Reads {
  size_t bytes = kReadBytes;
  size_t pieces = 1;  // with more than one, readv into as many buffers of equal size, as a pool of blocks would have them
};

ssize_t read_some(int descriptor, char* to, const Reads& reads) {
  if (reads.pieces == 1) return recv(descriptor, to, reads.bytes, 0);
  iovec pieces[kMostPieces];
  const size_t piece_bytes = reads.bytes / reads.pieces;
  for (size_t at = 0; at < reads.pieces; ++at) pieces[at] = {to + at * piece_bytes, piece_bytes};
  return readv(descriptor, pieces, static_cast<int>(reads.pieces));
}

// False at the end of the stream.
bool drain(int descriptor, int64_t slice_us, const Reads& reads, FrameBytes& frame) {
  const int64_t deadline_us = bench::wall_us() + slice_us;
  while (frame.used + reads.bytes <= frame.bytes.size()) {
    const ssize_t got = read_some(descriptor, frame.bytes.data() + frame.used, reads);
    if (got == 0) return false;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got < 0) bench::die_errno("recv");
    frame.used += static_cast<size_t>(got);
    if (bench::wall_us() >= deadline_us) return true;
  }
  return true;
}

nlohmann::json run_frames(int descriptor, const bench::ReaderOptions& options, const Reads& reads, FrameBytes& frame,
                          bench::ByteHash& hash) {
  bench::set_nonblocking(descriptor);
  bench::FrameLoop frames(options.frames_per_s);
  for (bool is_open = true; is_open;) {
    frames.wait_for_frame();
    frames.tick_begins();
    is_open = drain(descriptor, options.slice_us, reads, frame);
    frames.tick_ends();
    hash.add(frame.bytes.data(), frame.used);
    frame.used = 0;
  }
  return bench::frame_report(frames, options);
}

// Until `deadline_us`, or until the frame has all that it may keep. False at the end of the stream.
bool drain_until(int descriptor, int64_t deadline_us, FrameBytes& frame) {
  while (frame.used + kReadBytes <= frame.bytes.size()) {
    const ssize_t got = recv(descriptor, frame.bytes.data() + frame.used, kReadBytes, 0);
    if (got == 0) return false;
    if (got < 0 && errno != EAGAIN && errno != EINTR) bench::die_errno("recv");
    if (got > 0) frame.used += static_cast<size_t>(got);
    const int64_t left_us = deadline_us - bench::wall_us();
    if (left_us <= 0) return true;
    if (got > 0) continue;
    pollfd readable = {descriptor, POLLIN, 0};
    const timespec limit = {left_us / 1'000'000, (left_us % 1'000'000) * 1000};
    ppoll(&readable, 1, &limit, nullptr);
  }
  return true;
}

nlohmann::json run_waiting(int descriptor, const bench::ReaderOptions& options, FrameBytes& frame, bench::ByteHash& hash) {
  bench::set_nonblocking(descriptor);
  bench::FrameLoop frames(options.frames_per_s);
  frames.count_late_by_own_doing();
  for (bool is_open = true; is_open;) {
    frames.wait_for_frame();  // has come, unless the frame could keep no more
    frames.tick_begins();
    frames.tick_ends();
    hash.add(frame.bytes.data(), frame.used);
    frame.used = 0;
    frames.wait_begins();
    is_open = drain_until(descriptor, frames.next_frame_us(), frame);
  }
  hash.add(frame.bytes.data(), frame.used);
  return bench::frame_report(frames, options);
}

nlohmann::json run_blocking(int descriptor, bench::ByteHash& hash) {
  std::vector<char> buffer(kReadBytes);
  const int64_t start_us = bench::wall_us(), start_cpu_us = bench::thread_cpu_us();
  int64_t hash_cpu_us = 0;
  for (;;) {
    const ssize_t got = recv(descriptor, buffer.data(), buffer.size(), 0);
    if (got == 0) break;
    if (got < 0) bench::die_errno("recv");
    const int64_t hash_starts_us = bench::thread_cpu_us();
    hash.add(buffer.data(), static_cast<size_t>(got));
    hash_cpu_us += bench::thread_cpu_us() - hash_starts_us;
  }
  return {{"seconds", static_cast<double>(bench::wall_us() - start_us) / 1e6},
          {"reader_cpu_seconds", static_cast<double>(bench::thread_cpu_us() - start_cpu_us - hash_cpu_us) / 1e6}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one stream with bare system calls.");
  bench::ReaderOptions options;
  options.add_to(app);
  bool is_blocking = false, is_waiting = false, is_window_raised = false;
  size_t keep_mib = 64, read_kib = kReadBytes / 1024;
  Reads reads;
  app.add_flag("--blocking,!--drain", is_blocking, "block in recv instead of draining once per frame");
  app.add_flag("--waiting", is_waiting, "drain until the next frame is due instead of sleeping");
  app.add_option("--read-kib", read_kib, "most that one recv of a draining reader asks for")->capture_default_str();
  app.add_option("--pieces", reads.pieces, "into so many buffers, with readv")->check(CLI::Range(size_t{1}, kMostPieces))->capture_default_str();
  app.add_option("--keep-mib", keep_mib, "how much is kept for a frame")->capture_default_str();
  app.add_flag("--raise-window", is_window_raised, "set SO_RCVLOWAT as high as it goes");
  int receive_buffer_bytes = 0;
  app.add_option("--receive-buffer", receive_buffer_bytes, "SO_RCVBUF, which turns the kernel's own sizing off (default: leave it)");
  CLI11_PARSE(app, argc, argv);

  reads.bytes = read_kib * 1024;
  bench::ByteHash hash;
  FrameBytes frame;
  if (!is_blocking) frame.bytes.resize(keep_mib << 20);  // takes a frame's time, so before anybody sends
  const int descriptor = bench::tcp_connect(options.host, options.port, receive_buffer_bytes);
  const int most = INT32_MAX;  // the kernel takes what it allows
  if (is_window_raised && setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &most, sizeof(most)) != 0) bench::die_errno("SO_RCVLOWAT");
  nlohmann::json report = is_blocking  ? run_blocking(descriptor, hash)
                          : is_waiting ? run_waiting(descriptor, options, frame, hash)
                                       : run_frames(descriptor, options, reads, frame, hash);
  close(descriptor);
  bench::print_report(std::move(report), hash, options.bytes);
}
