// SPDX-License-Identifier: MIT
//
// Bulk, with bare system calls on a thread of its own that hands every byte to gameplay: what FramePump's threaded mode is
// written down in a mutex and two lists. Gameplay takes at its tick what there is; the thread waits while as much as `--keep-mib`
// is unread. It sleeps in recv(), as only a thread with a single socket can, or with `--epoll` in epoll_wait(), as one with many has to.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"

namespace bench = framepump::bench;

namespace {

constexpr size_t kChunkBytes = 256 * 1024;  // as the other bare readers

struct Chunk {
  char* bytes;
  size_t size_bytes;
};

enum class Sleep { in_recv, in_epoll };

class ReaderThread {
 public:
  ReaderThread(int descriptor, size_t keep_bytes, Sleep sleep) : descriptor_(descriptor), sleep_(sleep), memory_(keep_bytes) {
    if (sleep_ == Sleep::in_epoll) watch();
    for (size_t at = 0; at + kChunkBytes <= keep_bytes; at += kChunkBytes) free_.push_back({memory_.data() + at, 0});
    thread_ = std::thread([this] { read_all(); });
  }
  ~ReaderThread() {
    thread_.join();
    if (epoll_fd_ >= 0) close(epoll_fd_);
  }

  // Takes what has come. False: there will be no more.
  bool take(std::vector<Chunk>& chunks) {
    const std::lock_guard lock(mutex_);
    std::swap(chunks, filled_);
    return is_open_;
  }
  // Gameplay is done with these.
  void give_back(std::vector<Chunk>& chunks) {
    {
      const std::lock_guard lock(mutex_);
      free_.insert(free_.end(), chunks.rbegin(), chunks.rend());
    }
    chunks.clear();
    room_.notify_one();
  }
  // Valid after the end.
  double cpu_seconds() const { return static_cast<double>(cpu_us_) / 1e6; }

 private:
  void read_all() {
    const int64_t start_us = bench::thread_cpu_us();
    for (bool is_open = true; is_open;) {
      Chunk chunk = take_free();
      chunk.size_bytes = receive(chunk);
      is_open = chunk.size_bytes > 0;
      if (!is_open) cpu_us_ = bench::thread_cpu_us() - start_us;
      const std::lock_guard lock(mutex_);
      filled_.push_back(chunk);
      is_open_ = is_open;
    }
  }

  void watch() {
    epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    if (epoll_fd_ < 0 || epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, descriptor_, &event) < 0) bench::die_errno("epoll");
  }

  size_t receive(const Chunk& chunk) {
    const bool is_in_epoll = sleep_ == Sleep::in_epoll;
    while (true) {
      if (is_in_epoll && !may_have_more_) wait_until_ready();
      const ssize_t got = recv(descriptor_, chunk.bytes, kChunkBytes, is_in_epoll ? MSG_DONTWAIT : 0);
      if (got < 0 && errno != EAGAIN) bench::die_errno("recv");
      // What comes after a short read is a new edge, but for an end that was announced already.
      may_have_more_ = has_ended_ || got == static_cast<ssize_t>(kChunkBytes);
      if (got >= 0) return static_cast<size_t>(got);
    }
  }
  void wait_until_ready() {
    epoll_event event = {};
    while (epoll_wait(epoll_fd_, &event, 1, -1) < 0) {
      if (errno != EINTR) bench::die_errno("epoll_wait");
    }
    has_ended_ = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  }

  Chunk take_free() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return !free_.empty(); });
    const Chunk chunk = free_.back();  // the one that was used last
    free_.pop_back();
    return chunk;
  }

  int descriptor_;
  Sleep sleep_;
  int epoll_fd_ = -1;
  bool may_have_more_ = false;
  bool has_ended_ = false;
  std::vector<char> memory_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Chunk> free_;
  std::vector<Chunk> filled_;
  bool is_open_ = true;
  int64_t cpu_us_ = 0;
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one stream with bare system calls on a thread, and hands it to gameplay.");
  bench::ReaderOptions options;
  options.add_to(app);
  size_t keep_mib = 16;
  app.add_option("--keep-mib", keep_mib, "how much may wait for gameplay")->capture_default_str();
  bool is_in_epoll = false;
  app.add_flag("--epoll", is_in_epoll, "sleep in epoll_wait instead of recv");
  CLI11_PARSE(app, argc, argv);

  bench::ByteHash hash;
  bench::FrameLoop frames(options.frames_per_s);
  ReaderThread reader(bench::tcp_connect(options.host, options.port), keep_mib << 20, is_in_epoll ? Sleep::in_epoll : Sleep::in_recv);
  std::vector<Chunk> chunks;
  for (bool is_open = true; is_open;) {
    frames.wait_for_frame();
    frames.tick_begins();
    is_open = reader.take(chunks);
    frames.tick_ends();
    for (const Chunk& chunk : chunks) hash.add(chunk.bytes, chunk.size_bytes);
    reader.give_back(chunks);
  }
  nlohmann::json report = bench::frame_report(frames, options);
  report["reader_cpu_seconds"] = reader.cpu_seconds();
  bench::print_report(std::move(report), hash, options.bytes);
}
