// SPDX-License-Identifier: MIT
#include "bench/support/frames.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <thread>

namespace framepump::bench {
namespace {

// A frame that starts this much after it was due was missed: the sleep's own inaccuracy is a tenth of it.
constexpr int64_t kLateUs = 1'000;

int64_t read_clock_us(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

// Nearest rank, of sorted figures.
double of_rank(const std::vector<double>& figures, double part) {
  const auto at = static_cast<size_t>(std::ceil(part * static_cast<double>(figures.size())));
  return figures[std::clamp<size_t>(at, 1, figures.size()) - 1];
}

}  // namespace

int64_t wall_us() { return read_clock_us(CLOCK_MONOTONIC); }
int64_t thread_cpu_us() { return read_clock_us(CLOCK_THREAD_CPUTIME_ID); }
int64_t process_cpu_us() { return read_clock_us(CLOCK_PROCESS_CPUTIME_ID); }

void start_idle_thread() {
  std::thread([] {
    for (;;) pause();
  }).detach();
}

nlohmann::json summary(std::vector<double> figures) {
  if (figures.empty()) return {{"count", 0}};
  std::sort(figures.begin(), figures.end());
  return {{"count", figures.size()}, {"min", figures.front()}, {"p50", of_rank(figures, 0.5)}, {"p99", of_rank(figures, 0.99)},
          {"max", figures.back()}};
}

FrameLoop::FrameLoop(double frames_per_s) : frame_us_(1e6 / frames_per_s) {
  tick_us_.reserve(1 << 16);
  tick_cpu_us_.reserve(1 << 16);
}

void FrameLoop::wait_for_frame() {
  const int64_t now = wall_us();
  if (now < next_us_) {
    const timespec until = {next_us_ / 1'000'000, (next_us_ % 1'000'000) * 1000};
    const MeasuredSleep sleep(next_us_ - now);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
  }
  skip_wait();
}

void FrameLoop::wait_begins() {
  wait_start_us_ = wall_us();
  if (loss_) (void)loss_->lap_us();
}

void FrameLoop::skip_wait() {
  const int64_t now = wall_us();
  const int64_t lost_us = loss_ ? loss_->lap_us() : 0;
  if (frames_ == 0) {
    start_us_ = next_us_ = now;
  } else if (now > next_us_ + kLateUs) {
    ++late_frames_;
    if (now - lost_us > std::max(next_us_, wait_start_us_) + kLateUs) ++late_by_own_doing_;
    next_us_ = now;
  }
  ++frames_;
  next_us_ += static_cast<int64_t>(frame_us_);
}

void FrameLoop::tick_begins() {
  tick_start_cpu_us_ = thread_cpu_us();
  tick_start_us_ = wall_us();
}

void FrameLoop::tick_ends() {
  tick_us_.push_back(static_cast<double>(wall_us() - tick_start_us_));
  tick_cpu_us_.push_back(static_cast<double>(thread_cpu_us() - tick_start_cpu_us_));
}

double FrameLoop::seconds() const { return static_cast<double>(wall_us() - start_us_) / 1e6; }

nlohmann::json FrameLoop::report() const {
  nlohmann::json report = {{"frames", frames_}, {"late_frames", late_frames_}, {"seconds", seconds()},
                           {"tick_us", summary(tick_us_)}, {"tick_cpu_us", summary(tick_cpu_us_)}};
  if (loss_) report["late_by_own_doing"] = late_by_own_doing_;
  return report;
}

nlohmann::json FrameLoop::overruns(int64_t slice_us) const {
  constexpr int64_t kOverrunMarginUs = 500;
  const int64_t limit_us = slice_us + kOverrunMarginUs;
  const auto is_over = [&](double tick_us) { return tick_us > static_cast<double>(limit_us); };
  return {{"limit_us", limit_us}, {"wall", std::count_if(tick_us_.begin(), tick_us_.end(), is_over)},
          {"cpu", std::count_if(tick_cpu_us_.begin(), tick_cpu_us_.end(), is_over)}};
}

}  // namespace framepump::bench
