// SPDX-License-Identifier: MIT
//
// Latency, with bare system calls: one socket, read until EAGAIN once per frame; an answer is sent as soon as gameplay has made it.
// `--threaded` reads on a thread that waits in recv, and gameplay takes at its tick what that has handed over.
#include <sys/socket.h>

#include <cerrno>
#include <mutex>
#include <string>
#include <thread>

#include "bench/support/talker_options.h"

namespace bench = framepump::bench;

namespace {

// Where gameplay has its bytes from. False: the end.
class Reader {
 public:
  Reader(int descriptor, bool is_threaded) : descriptor_(descriptor) {
    if (is_threaded) {
      thread_ = std::thread([this] { read_all(); });
    } else {
      bench::set_nonblocking(descriptor_);
    }
  }
  ~Reader() {
    if (thread_.joinable()) thread_.join();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool take(std::string& bytes) { return thread_.joinable() ? take_handed_over(bytes) : drain(bytes); }

 private:
  bool drain(std::string& bytes) {
    char buffer[4096];
    for (;;) {
      const ssize_t got = recv(descriptor_, buffer, sizeof(buffer), 0);
      if (got == 0) return false;
      if (got < 0 && errno == EAGAIN) return true;
      if (got < 0) bench::die_errno("recv");
      bytes.append(buffer, static_cast<size_t>(got));
    }
  }
  bool take_handed_over(std::string& bytes) {
    const std::lock_guard lock(mutex_);
    bytes += handed_over_;
    handed_over_.clear();
    return is_open_;
  }
  void read_all() {
    char buffer[4096];
    for (bool is_open = true; is_open;) {
      const ssize_t got = recv(descriptor_, buffer, sizeof(buffer), 0);
      if (got < 0) bench::die_errno("recv");
      is_open = got > 0;
      const std::lock_guard lock(mutex_);
      handed_over_.append(buffer, static_cast<size_t>(got));
      is_open_ = is_open;
    }
  }

  int descriptor_;
  std::mutex mutex_;
  std::string handed_over_;
  bool is_open_ = true;
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures waits and round trips with bare system calls.");
  bench::TalkerOptions options;
  bool is_echo = false, is_threaded = false;
  uint32_t interval_us = bench::kStampIntervalUs;
  uint64_t count = 500;
  options.add_to(app);
  app.add_flag("--echo", is_echo, "answer each stamp");
  app.add_flag("--threaded", is_threaded, "read on a thread of its own");
  app.add_option("--interval-us", interval_us, "from stamp to stamp; with --echo from answer to stamp, on average")->capture_default_str();
  app.add_option("--count", count, "how many stamps")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const int descriptor = bench::tcp_connect("127.0.0.1", options.talker);
  const std::string order = (is_echo ? "echo " : "stamps ") + std::to_string(interval_us) + " " + std::to_string(count) + "\n";
  if (send(descriptor, order.data(), order.size(), MSG_NOSIGNAL) < 0) bench::die_errno("send");
  Reader reader(descriptor, is_threaded);
  bench::FrameLoop frames(options.frames_per_s);
  bench::WaitMeter waits;
  std::string bytes;
  bool is_open = true, is_report_next = false;
  while (is_open) {
    frames.wait_for_frame();
    const int64_t tick_begin_ns = bench::wall_ns();
    waits.tick_begins();
    frames.tick_begins();
    is_open = reader.take(bytes);
    const int64_t readable_ns = bench::wall_ns();
    frames.tick_ends();
    bench::Stamp stamp;
    while (!is_report_next && bytes.size() >= sizeof(stamp)) {
      bytes.copy(reinterpret_cast<char*>(&stamp), sizeof(stamp));
      bytes.erase(0, sizeof(stamp));
      is_report_next = stamp.sent_ns == 0;
      if (is_report_next) break;
      waits.add(stamp.sent_ns, readable_ns);
      const bench::EchoAnswer answer = {stamp, tick_begin_ns, frames.next_frame_us() * 1000};
      if (is_echo && send(descriptor, &answer, sizeof(answer), MSG_NOSIGNAL) < 0) bench::die_errno("send");
    }
  }
  nlohmann::json report = frames.report();
  report["stamps"] = waits.count();
  report["wait_us"] = waits.waits_us();
  report["waits_us"] = waits.each_us();
  report["wait_frames"] = waits.waits_frames();
  report["verified"] = waits.count() == count;
  if (is_echo) report.update(nlohmann::json::parse(bytes, nullptr, false));
  std::printf("%s\n", report.dump().c_str());
}
