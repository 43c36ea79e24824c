// SPDX-License-Identifier: MIT
#include "demo/client/tour.h"

namespace demo {
namespace {

constexpr int64_t kNaiveUs = 5'000'000;  // enough to see that it will take minutes

}  // namespace

bool Tour::advance(bool run_is_finished, int64_t run_us) {
  if (!is_on_) return false;
  const bool is_cut_off = lane_ == Lane::naive && run_us >= kNaiveUs;
  if (!run_is_finished && !is_cut_off) return false;
  if (lane_ == Lane::threaded) {
    is_on_ = false;
  } else {
    lane_ = lane_ == Lane::naive ? Lane::drain : Lane::threaded;
  }
  return true;
}

}  // namespace demo
