// SPDX-License-Identifier: MIT
//
// Writes what services.trace tells as a file in the Chrome trace format, which ui.perfetto.dev and chrome://tracing open. It needs only the
// public C headers: compile trace_recorder.cpp into your engine or server. plugin/docs/traces.md shows what is in the file.
#pragma once

#include <framepump/framepump.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace framepump::extras {

// The newest events of one network, in memory that is taken once: for each of the two threads that pump (the one that plays the game, and the
// plugin's own) a ring whose oldest events make room for new ones. Recording neither allocates nor locks nor waits.
//
// Each thread writes to a ring of its own, so any number of them may play the game as long as their calls do not overlap, which the plugin
// demands anyway.
class TraceRecorder {
 public:
  static constexpr uint32_t kDefaultEvents = 100'000;  // of each thread: 5.6 MB, and seconds to minutes of a game
  static constexpr uint32_t kFewestEvents = 16;
  static constexpr uint32_t kMostEvents = 10'000'000;

  // Opens the file at once, so that a wrong path is noticed before the game runs. Null: `error` says why.
  static std::unique_ptr<TraceRecorder> open(const std::string& path, uint32_t events_per_thread, std::string& error);
  ~TraceRecorder();
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;

  // For a network without other services. Who has a `user` of its own calls add and note_thread from its own functions.
  void install(framepump_services& services);
  // services.trace, on whichever thread it comes.
  void add(const framepump_trace_event& event);
  // services.thread_started, on that thread.
  static void note_thread(const char* name);
  // The engine's own frame, on services.now_us; on the game's thread.
  void add_frame(uint64_t number, int64_t begin_us, int64_t end_us);

  // Events that made room for newer ones.
  uint64_t dropped() const;
  // Once, when the network is destroyed, or while nothing of it runs. Takes memory for sorting. False: the file could not be written.
  bool write();

 private:
  enum Track : uint32_t { kGame, kBackground, kTracks };
  struct Ring {
    std::unique_ptr<framepump_trace_event[]> events;
    uint64_t count = 0;  // ever added
  };

  TraceRecorder(std::FILE* file, uint32_t capacity) : file_(file), capacity_(capacity) {}
  std::vector<const framepump_trace_event*> sorted(const Ring& ring) const;
  uint64_t flow_of(const framepump_trace_event& event) const;
  void write_names();
  void write_event(const framepump_trace_event& event, Track track);
  void write_span(const framepump_trace_event& event, const char* name, Track track);
  void write_arrivals();
  void begin_line();

  std::FILE* file_;
  uint32_t capacity_;
  Ring rings_[kTracks];
  bool has_line_ = false;
};

}  // namespace framepump::extras
