// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/tcp.h"

namespace framepump::bench {

// What a messenger sends once per frame on each of its connections.
struct Message {
  uint32_t connection = 0;
  uint32_t number = 0;  // 0, 1, 2 ... on each connection
  char filling[56] = {};
};
static_assert(sizeof(Message) == 64);

inline Message make_message(uint32_t connection, uint32_t number) {
  Message message{connection, number, {}};
  std::memset(message.filling, static_cast<int>((connection * 31 + number) & 0xff), sizeof(message.filling));
  return message;
}

// Looks at every message: none is missing, none is wrong, none comes on another connection.
class MessageCheck {
 public:
  explicit MessageCheck(size_t connections) : seen_(connections) {}

  // Whole messages that came on one connection.
  void take(size_t at, const void* bytes, size_t size_bytes) {
    is_right_ = is_right_ && size_bytes % sizeof(Message) == 0;
    for (size_t offset = 0; offset + sizeof(Message) <= size_bytes; offset += sizeof(Message)) {
      Message got;
      std::memcpy(&got, static_cast<const char*>(bytes) + offset, sizeof(got));
      Seen& seen = seen_[at];
      if (seen.count == 0) seen.connection = got.connection;
      const Message right = make_message(seen.connection, seen.count);
      is_right_ = is_right_ && std::memcmp(&got, &right, sizeof(got)) == 0;
      ++seen.count;
      ++total_;
    }
  }
  uint64_t total() const { return total_; }
  bool is_right() const { return is_right_; }

 private:
  struct Seen {
    uint32_t connection = 0;
    uint32_t count = 0;
  };

  std::vector<Seen> seen_;
  uint64_t total_ = 0;
  bool is_right_ = true;
};

struct MessageOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  uint32_t connections = 1000;
  uint32_t messages = 120;
  double frames_per_s = 30;

  void add_to(CLI::App& app) {
    app.add_option("--host", host, "numeric address of the messenger")->capture_default_str();
    app.add_option("--port", port, "its port")->required();
    app.add_option("--connections", connections, "how many")->capture_default_str();
    app.add_option("--messages", messages, "that come on each")->capture_default_str();
    app.add_option("--fps", frames_per_s, "frames a second")->check(CLI::Range(1.0, 1000.0))->capture_default_str();
  }
  uint64_t expected() const { return uint64_t{connections} * messages; }
};

// Sleeps until the clock is this part of a period beyond a whole number of periods: a messenger and a reader that do not know each other keep
// apart this way.
inline void align_to(double frames_per_s, double part) {
  const auto period_us = static_cast<int64_t>(1e6 / frames_per_s);
  const auto wanted_us = static_cast<int64_t>(part * static_cast<double>(period_us));
  const int64_t late_us = (wall_us() - wanted_us) % period_us;
  std::this_thread::sleep_for(std::chrono::microseconds(period_us - late_us));
}

// Measures what the frames of a reader of messages compute: taking them from the kernel and looking at each of them.
class MessageRun {
 public:
  // Everyone's process has a second thread, as a game's does: system calls then count references to descriptors.
  explicit MessageRun(const MessageOptions& options) : options_(options), check_(options.connections), frames_(options.frames_per_s) {
    start_idle_thread();
  }

  MessageCheck& check() { return check_; }
  bool is_done() const { return check_.total() >= options_.expected() || frames_.frames() > options_.messages + kPatienceFrames; }
  void frame_begins() {
    frames_.wait_for_frame();
    frames_.tick_begins();
    cpu_at_us_ = thread_cpu_us();
    if (frames_.frames() == 1) process_begin_us_ = process_cpu_us();
  }
  void tick_ends() { frames_.tick_ends(); }
  void frame_ends() {
    cpu_us_ += thread_cpu_us() - cpu_at_us_;
    process_end_us_ = process_cpu_us();
  }
  void print(nlohmann::json more = {}) const {
    nlohmann::json report = frames_.report();
    const auto count = static_cast<double>(check_.total());
    report["messages"] = check_.total();
    report["cpu_ns"] = static_cast<double>(cpu_us_) * 1000 / count;
    report["process_cpu_ns"] = static_cast<double>(process_end_us_ - process_begin_us_) * 1000 / count;
    report["verified"] = check_.is_right() && check_.total() == options_.expected();
    if (more.is_object()) report.update(more);
    std::printf("%s\n", report.dump().c_str());
  }

 private:
  static constexpr uint64_t kPatienceFrames = 300;

  MessageOptions options_;
  MessageCheck check_;
  FrameLoop frames_;
  int64_t cpu_at_us_ = 0;
  int64_t cpu_us_ = 0;
  int64_t process_begin_us_ = 0;
  int64_t process_end_us_ = 0;
};

}  // namespace framepump::bench
