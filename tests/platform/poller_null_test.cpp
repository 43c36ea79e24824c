// SPDX-License-Identifier: MIT
#include "platform/poller_null.h"

#include <doctest/doctest.h>

#include <memory>

#include "platform/clock.h"

using namespace framepump;

namespace {

int first_key = 0;
int second_key = 0;

}  // namespace

TEST_CASE("the null poller reports only what it was told, in order and in portions") {
  NullPoller poller;
  PollEvent events[2];
  CHECK(poller.add({7}, &first_key, kReadable) == IoStatus::ok);
  CHECK(poller.harvest(events) == 0);
  poller.report(&first_key, kReadable);
  poller.report(&second_key, kWritable);
  poller.report(&first_key, kReadable | kPeerEnded);
  CHECK(poller.pending() == 3);
  REQUIRE(poller.harvest(events) == 2);
  CHECK(events[0].key == &first_key);
  CHECK(events[0].readiness == kReadable);
  CHECK(events[1].key == &second_key);
  CHECK(events[1].readiness == kWritable);
  REQUIRE(poller.harvest(events) == 1);
  CHECK(events[0].readiness == (kReadable | kPeerEnded));
  CHECK(poller.harvest(events) == 0);
}

TEST_CASE("the null poller drops what was reported for a removed key") {
  NullPoller poller;
  PollEvent events[4];
  poller.report(&first_key, kReadable);
  poller.report(&second_key, kReadable);
  poller.remove({7}, &first_key);
  REQUIRE(poller.harvest(events) == 1);
  CHECK(events[0].key == &second_key);
}

TEST_CASE("the null poller counts its calls") {
  NullPoller poller;
  PollEvent events[1];
  poller.add({1}, &first_key, kReadable);
  poller.add({2}, &second_key, kReadable);
  poller.arm({1}, &first_key, kReadable);
  poller.remove({1}, &first_key);
  poller.harvest(events);
  CHECK(poller.calls.add == 2);
  CHECK(poller.calls.arm == 1);
  CHECK(poller.calls.remove == 1);
  CHECK(poller.calls.harvest == 1);
  CHECK(poller.calls.wait == 0);
}

TEST_CASE("a wait on the null poller ends for a report, a wake or its time") {
  NullPoller poller;
  WakeSignal wake;
  REQUIRE(wake.open());
  const std::unique_ptr<WaitSet> set(poller.make_wait_set());
  REQUIRE(set != nullptr);
  poller.prepare_wait(*set);
  CHECK_FALSE(poller.wait(*set, wake, 0));
  const int64_t start_us = monotonic_us();
  CHECK_FALSE(poller.wait(*set, wake, 5'000));
  CHECK(monotonic_us() - start_us >= 5'000);
  wake.raise();
  CHECK(poller.wait(*set, wake, -1));
  CHECK_FALSE(poller.wait(*set, wake, 0));
  poller.report(&first_key, kReadable);
  CHECK(poller.wait(*set, wake, -1));
  CHECK(poller.pending() == 1);
  CHECK(poller.calls.wait == 5);
}
