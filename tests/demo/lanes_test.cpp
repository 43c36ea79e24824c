// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "demo/client/lanes.h"
#include "demo/client/tour.h"

using demo::Lane;
using demo::Lanes;
using demo::Tour;

namespace {

constexpr int64_t kFrameUs = 10'000;

// So many frames in this lane, each of which receives `bytes_per_frame`.
void run(Lanes& lanes, Lane lane, int frames, uint64_t bytes_per_frame, uint64_t& bytes, int64_t& now_us) {
  for (int i = 0; i < frames; ++i) {
    lanes.add_frame(lane, bytes, now_us, kFrameUs, 100);
    bytes += bytes_per_frame;
    now_us += kFrameUs;
  }
}

}  // namespace

TEST_CASE("a whole run is recorded with its time and rate, and the next run of another lane does not touch it") {
  Lanes lanes;
  int64_t now_us = 5'000'000;
  uint64_t bytes = 0;
  lanes.begin_run(now_us);
  run(lanes, Lane::drain, 10, 1'000'000, bytes, now_us);
  lanes.end_run(bytes, now_us);
  CHECK_FALSE(lanes.is_running());
  CHECK(lanes.record(Lane::drain).is_whole);
  CHECK_EQ(lanes.record(Lane::drain).seconds, doctest::Approx(0.1));
  CHECK_EQ(lanes.record(Lane::drain).mb_per_s(), doctest::Approx(100));
  bytes = 0;
  lanes.begin_run(now_us);
  run(lanes, Lane::threaded, 5, 4'000'000, bytes, now_us);
  lanes.end_run(bytes, now_us);
  CHECK_EQ(lanes.record(Lane::drain).mb_per_s(), doctest::Approx(100));
  CHECK_EQ(lanes.best_mb_per_s(), doctest::Approx(400));
  CHECK(lanes.record(Lane::naive).is_empty());
}

TEST_CASE("a run that changes lanes midway is whole in neither, and each has the rate of its own part") {
  Lanes lanes;
  int64_t now_us = 0;
  uint64_t bytes = 0;
  lanes.begin_run(now_us);
  run(lanes, Lane::naive, 11, 10'000, bytes, now_us);
  const uint64_t at_switch = bytes;
  run(lanes, Lane::drain, 5, 2'000'000, bytes, now_us);
  lanes.end_run(bytes, now_us);
  CHECK_FALSE(lanes.record(Lane::naive).is_whole);
  CHECK_FALSE(lanes.record(Lane::drain).is_whole);
  CHECK_EQ(lanes.record(Lane::naive).mb_per_s(), doctest::Approx(1));
  CHECK_EQ(lanes.record(Lane::drain).bytes, bytes - at_switch);
  CHECK_EQ(lanes.record(Lane::drain).mb_per_s(), doctest::Approx(200));
}

TEST_CASE("the tour cuts the naive lane off, waits for the others to finish, and then is over") {
  Tour tour(true);
  CHECK(tour.lane() == Lane::naive);
  CHECK_FALSE(tour.advance(false, 4'900'000));
  CHECK(tour.advance(false, 5'000'000));
  CHECK(tour.lane() == Lane::drain);
  CHECK_FALSE(tour.advance(false, 60'000'000));
  CHECK(tour.advance(true, 700'000));
  CHECK(tour.lane() == Lane::threaded);
  CHECK(tour.is_on());
  CHECK(tour.advance(true, 300'000));
  CHECK_FALSE(tour.is_on());
  CHECK_FALSE(tour.advance(true, 300'000));
}

TEST_CASE("a naive run that finishes early is not waited out, and a stopped tour stays where it is") {
  Tour tour(true);
  CHECK(tour.advance(true, 1'000'000));
  CHECK(tour.lane() == Lane::drain);
  tour.stop();
  CHECK_FALSE(tour.advance(true, 1'000'000));
  Tour off(false);
  CHECK_FALSE(off.advance(true, 10'000'000));
}
