// SPDX-License-Identifier: MIT
#include "extras/trace_recorder.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "support/allocation_count.h"

using framepump::extras::TraceRecorder;

namespace {

// A file that goes with the test.
class TracePath {
 public:
  TracePath() : path_(std::filesystem::temp_directory_path() / ("framepump_trace_" + std::to_string(getpid()) + ".json")) {}
  ~TracePath() { std::filesystem::remove(path_); }
  operator std::string() const { return path_; }

  nlohmann::json parsed() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return nlohmann::json::parse(text.str(), nullptr, false);
  }

 private:
  std::string path_;
};

std::unique_ptr<TraceRecorder> open(const std::string& path, uint32_t events) {
  std::string error;
  std::unique_ptr<TraceRecorder> recorder = TraceRecorder::open(path, events, error);
  CHECK_EQ(error, "");
  return recorder;
}

framepump_trace_event event_of(uint32_t kind, int64_t begin_us, int64_t duration_us) {
  framepump_trace_event event = {};
  event.struct_size = sizeof(event);
  event.kind = kind;
  event.begin_us = begin_us;
  event.duration_us = duration_us;
  return event;
}

// What the plugin tells of a tick that begins at `begin_us`: a turn and what it brought, publication, the tick.
void add_tick(TraceRecorder& recorder, uint64_t number, int64_t begin_us) {
  framepump_trace_event turn = event_of(FRAMEPUMP_TRACE_TURN, begin_us + 2, 10);
  turn.detail = FRAMEPUMP_PHASE_RECEIVE;
  turn.handle = 0xabc;
  turn.bytes = 1000;
  recorder.add(turn);
  framepump_trace_event published = event_of(FRAMEPUMP_TRACE_PUBLISHED, begin_us - 300, 312);
  published.handle = 0xabc;
  recorder.add(published);
  framepump_trace_event publish = event_of(FRAMEPUMP_TRACE_PHASE, begin_us + 12, 3);
  publish.detail = FRAMEPUMP_PHASE_PUBLISH;
  recorder.add(publish);
  framepump_trace_event tick = event_of(FRAMEPUMP_TRACE_TICK, begin_us, 15);
  tick.value = number;
  recorder.add(tick);
}

}  // namespace

TEST_CASE("a trace is JSON in which what holds others comes before them, and arrows have two ends") {
  const TracePath path;
  const std::unique_ptr<TraceRecorder> recorder = open(path, 100);
  REQUIRE(recorder != nullptr);
  for (uint64_t n = 1; n <= 3; ++n) {
    add_tick(*recorder, n, static_cast<int64_t>(n) * 1000);
    recorder->add_frame(n, static_cast<int64_t>(n) * 1000, static_cast<int64_t>(n) * 1000 + 1000);
  }
  CHECK_EQ(recorder->dropped(), 0);
  REQUIRE(recorder->write());
  const nlohmann::json trace = path.parsed();
  REQUIRE(trace.is_object());
  CHECK_EQ(trace["otherData"]["dropped_events"], "0");
  std::string names;
  std::map<int, int64_t> newest;
  std::map<uint64_t, int> ends;
  for (const nlohmann::json& event : trace["traceEvents"]) {
    if (event["ph"] == "M") continue;
    const int thread = event["tid"];
    CHECK_GE(event["ts"].get<int64_t>(), newest[thread]);
    newest[thread] = event["ts"];
    if (event["ph"] == "s") ++ends[event["id"]];
    if (event["ph"] == "f") ends[event["id"]] += 10;
    if (thread == 1) names += event["name"].get<std::string>() + " ";
  }
  CHECK_EQ(names, "frame tick receive publish wait frame tick receive publish wait frame tick receive publish wait ");
  CHECK_EQ(ends.size(), 3);
  for (const auto& [id, both] : ends) CHECK_EQ(both, 11);
}

TEST_CASE("a turn says who was served, and an overrun who was to blame") {
  const TracePath path;
  const std::unique_ptr<TraceRecorder> recorder = open(path, 100);
  REQUIRE(recorder != nullptr);
  framepump_trace_event turn = event_of(FRAMEPUMP_TRACE_TURN, 5, 7);
  turn.detail = FRAMEPUMP_PHASE_ACCEPT;
  turn.handle = 0xfedcba9876543;
  turn.bytes = 3;
  turn.value = 2;
  recorder->add(turn);
  framepump_trace_event overrun = event_of(FRAMEPUMP_TRACE_OVERRUN, 12, 0);
  overrun.handle = 0x17;
  overrun.value = 6;
  overrun.bytes = 65'536;
  recorder->add(overrun);
  framepump_trace_event mode = event_of(FRAMEPUMP_TRACE_MODE_SWITCHED, 13, 0);
  mode.detail = FRAMEPUMP_MODE_THREADED;
  recorder->add(mode);
  recorder->add(event_of(999, 14, 0));  // of a plugin to come
  REQUIRE(recorder->write());
  nlohmann::json events = path.parsed()["traceEvents"];
  events.erase(std::remove_if(events.begin(), events.end(), [](const nlohmann::json& event) { return event["ph"] == "M"; }), events.end());
  REQUIRE_EQ(events.size(), 3);
  CHECK_EQ(events[0]["name"], "accept");
  CHECK_EQ(events[0]["dur"], 7);
  CHECK_EQ(events[0]["args"], nlohmann::json({{"source", "0xfedcba9876543"}, {"bytes", 3}, {"accepted", 2}}));
  CHECK_EQ(events[1]["args"], nlohmann::json({{"culprit", "0x17"}, {"culprit_us", 6}, {"culprit_bytes", 65'536}}));
  CHECK_EQ(events[2]["name"], "mode: threaded");
}

TEST_CASE("a full trace keeps the newest events, says how many it lost, and takes no more memory") {
  const TracePath path;
  const std::unique_ptr<TraceRecorder> recorder = open(path, 16);
  REQUIRE(recorder != nullptr);
  const uint64_t allocations = framepump::test::allocation_count().value_or(0);
  for (uint64_t n = 1; n <= 1000; ++n) add_tick(*recorder, n, static_cast<int64_t>(n) * 1000);
  CHECK_EQ(framepump::test::allocation_count().value_or(0), allocations);
  CHECK_EQ(recorder->dropped(), 4 * 1000 - 16);
  REQUIRE(recorder->write());
  const nlohmann::json trace = path.parsed();
  CHECK_EQ(trace["otherData"]["dropped_events"], "3984");
  std::vector<uint64_t> ticks;
  for (const nlohmann::json& event : trace["traceEvents"]) {
    if (event["name"] == "tick") ticks.push_back(event["args"]["frame"]);
  }
  CHECK_EQ(ticks, std::vector<uint64_t>{997, 998, 999, 1000});
}

TEST_CASE("the background thread has a ring of its own") {
  const TracePath path;
  const std::unique_ptr<TraceRecorder> recorder = open(path, 16);
  REQUIRE(recorder != nullptr);
  std::thread background([&] {
    TraceRecorder::note_thread("framepump-io");
    for (int n = 0; n < 1000; ++n) recorder->add(event_of(FRAMEPUMP_TRACE_BACKGROUND, n, 1));
  });
  std::thread file([&] { TraceRecorder::note_thread("framepump-file"); });
  for (uint64_t n = 1; n <= 4; ++n) add_tick(*recorder, n, static_cast<int64_t>(n) * 1000);
  background.join();
  file.join();
  CHECK_EQ(recorder->dropped(), 1000 - 16);
  REQUIRE(recorder->write());
  uint32_t ticks = 0;
  uint32_t runs = 0;
  const nlohmann::json trace = path.parsed();
  for (const nlohmann::json& event : trace["traceEvents"]) {
    if (event["name"] == "tick") ticks += event["tid"] == 1 ? 1 : 100;
    if (event["name"] == "background") runs += event["tid"] == 2 ? 1 : 100;
  }
  CHECK_EQ(ticks, 4);
  CHECK_EQ(runs, 16);
}

TEST_CASE("an event of an older plugin is taken as far as it goes") {
  const TracePath path;
  const std::unique_ptr<TraceRecorder> recorder = open(path, 16);
  REQUIRE(recorder != nullptr);
  framepump_trace_event event = event_of(FRAMEPUMP_TRACE_TURN, 5, 7);
  event.struct_size = offsetof(framepump_trace_event, bytes);
  event.bytes = 77;
  recorder->add(event);
  REQUIRE(recorder->write());
  const nlohmann::json trace = path.parsed();
  const nlohmann::json& written = trace["traceEvents"].back();
  CHECK_EQ(written["name"], "command");
  CHECK_EQ(written["dur"], 7);
  CHECK_EQ(written["args"]["bytes"], 0);
}

TEST_CASE("a trace that cannot be taken says why at once") {
  std::string error;
  CHECK(TraceRecorder::open("/nowhere/at/all.json", 100, error) == nullptr);
  CHECK(error.find("/nowhere/at/all.json") != std::string::npos);
  for (uint32_t events : {0u, 15u, 10'000'001u}) {
    CHECK(TraceRecorder::open("/dev/null", events, error) == nullptr);
    CHECK(error.find(std::to_string(events)) != std::string::npos);
    CHECK(error.find("16 to 10000000") != std::string::npos);
  }
}

TEST_CASE("a trace that does not fit the disk is reported as not written") {
  if (!std::filesystem::exists("/dev/full")) {
    std::printf("SKIP: no /dev/full\n");
    return;
  }
  const std::unique_ptr<TraceRecorder> recorder = open("/dev/full", 16);
  REQUIRE(recorder != nullptr);
  add_tick(*recorder, 1, 1000);
  CHECK_FALSE(recorder->write());
}
