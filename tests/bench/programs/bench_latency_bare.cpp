// SPDX-License-Identifier: MIT
//
// Latency, with bare system calls: one socket, read until EAGAIN once per frame; an answer is sent as soon as gameplay has made it.
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "bench/support/talker_options.h"

namespace bench = framepump::bench;

namespace {

// False: the end.
bool drain(int descriptor, std::string& bytes) {
  char buffer[4096];
  for (;;) {
    const ssize_t got = recv(descriptor, buffer, sizeof(buffer), 0);
    if (got == 0) return false;
    if (got < 0 && errno == EAGAIN) return true;
    if (got < 0) bench::die_errno("recv");
    bytes.append(buffer, static_cast<size_t>(got));
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures waits and round trips with bare system calls.");
  bench::TalkerOptions options;
  bool is_echo = false;
  uint32_t interval_us = 7'000;
  uint64_t count = 500;
  options.add_to(app);
  app.add_flag("--echo", is_echo, "answer each stamp");
  app.add_option("--interval-us", interval_us, "pause between two stamps, on average")->capture_default_str();
  app.add_option("--count", count, "how many stamps")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const int descriptor = bench::tcp_connect("127.0.0.1", options.talker);
  const std::string order = (is_echo ? "echo " : "stamps ") + std::to_string(interval_us) + " " + std::to_string(count) + "\n";
  if (send(descriptor, order.data(), order.size(), MSG_NOSIGNAL) < 0) bench::die_errno("send");
  bench::set_nonblocking(descriptor);
  bench::FrameLoop frames(options.frames_per_s);
  bench::WaitMeter waits;
  std::string bytes;
  bool is_open = true, is_report_next = false;
  while (is_open) {
    frames.wait_for_frame();
    const int64_t tick_begin_ns = bench::wall_ns();
    waits.tick_begins();
    frames.tick_begins();
    is_open = drain(descriptor, bytes);
    frames.tick_ends();
    bench::Stamp stamp;
    while (!is_report_next && bytes.size() >= sizeof(stamp)) {
      bytes.copy(reinterpret_cast<char*>(&stamp), sizeof(stamp));
      bytes.erase(0, sizeof(stamp));
      is_report_next = stamp.sent_ns == 0;
      if (is_report_next) break;
      waits.add(stamp.sent_ns);
      const bench::EchoAnswer answer = {stamp, tick_begin_ns, frames.next_frame_us() * 1000};
      if (is_echo && send(descriptor, &answer, sizeof(answer), MSG_NOSIGNAL) < 0) bench::die_errno("send");
    }
  }
  nlohmann::json report = frames.report();
  report["stamps"] = waits.count();
  report["wait_us"] = waits.waits_us();
  report["wait_frames"] = waits.waits_frames();
  report["verified"] = waits.count() == count;
  if (is_echo) report.update(nlohmann::json::parse(bytes, nullptr, false));
  std::printf("%s\n", report.dump().c_str());
}
