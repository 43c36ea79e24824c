// SPDX-License-Identifier: MIT
#include "extras/trace_recorder.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>
#include <new>
#include <utility>

namespace framepump::extras {
namespace {

constexpr uint32_t kFrame = 1'000;    // a kind of our own, above all of the plugin's
constexpr uint32_t kArrivals = 2;     // a track of its own for what came in, after those of the two threads
constexpr const char* kIoThread = "framepump-io";

// The plugin's other helper thread only reads a file.
thread_local bool is_background = false;

const char* span_name(const framepump_trace_event& event) {
  switch (event.kind) {
    case kFrame: return "frame";
    case FRAMEPUMP_TRACE_TICK: return "tick";
    case FRAMEPUMP_TRACE_FLUSH: return "flush";
    case FRAMEPUMP_TRACE_WAIT: return "wait_until";
    case FRAMEPUMP_TRACE_BACKGROUND: return "background";
    default: break;
  }
  constexpr const char* kPhases[] = {"command", "poll", "receive", "accept", "source", "send", "publish"};
  return kPhases[std::min<size_t>(event.detail, std::size(kPhases) - 1)];
}

const char* mode_name(uint32_t mode) { return mode == FRAMEPUMP_MODE_THREADED ? "threaded" : "frame-locked"; }

// Of what begins together, who holds the others.
int depth(const framepump_trace_event& event) {
  if (event.kind == kFrame) return 0;
  if (event.kind <= FRAMEPUMP_TRACE_BACKGROUND) return 1;
  return event.kind <= FRAMEPUMP_TRACE_TURN ? 2 : 3;
}

int64_t place_us(const framepump_trace_event& event) {
  return event.kind == FRAMEPUMP_TRACE_PUBLISHED ? event.begin_us + event.duration_us : event.begin_us;
}

bool comes_before(const framepump_trace_event* a, const framepump_trace_event* b) {
  if (place_us(*a) != place_us(*b)) return place_us(*a) < place_us(*b);
  return depth(*a) < depth(*b);
}

bool arrived_before(const framepump_trace_event* a, const framepump_trace_event* b) { return a->begin_us < b->begin_us; }

}  // namespace

std::unique_ptr<TraceRecorder> TraceRecorder::open(const std::string& path, uint32_t events_per_thread, std::string& error) {
  if (events_per_thread < kFewestEvents || events_per_thread > kMostEvents) {
    error = "a trace of " + std::to_string(events_per_thread) + " events a thread: allowed are " + std::to_string(kFewestEvents) + " to " +
            std::to_string(kMostEvents);
    return nullptr;
  }
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    error = "cannot write the trace " + path + ": is its folder there, and may this program write to it?";
    return nullptr;
  }
  std::unique_ptr<TraceRecorder> recorder(new TraceRecorder(file, events_per_thread));
  for (Ring& ring : recorder->rings_) {
    ring.events.reset(new (std::nothrow) framepump_trace_event[events_per_thread]());  // touched, so that no page is missing later
    if (ring.events != nullptr) continue;
    error = "no memory for a trace of " + std::to_string(events_per_thread) + " events a thread";
    return nullptr;
  }
  return recorder;
}

TraceRecorder::~TraceRecorder() {
  if (file_ != nullptr) std::fclose(file_);
}

void TraceRecorder::install(framepump_services& services) {
  services.user = this;
  services.trace = [](void* self, const framepump_trace_event* event) { static_cast<TraceRecorder*>(self)->add(*event); };
  services.thread_started = [](void*, const char* name) { note_thread(name); };
}

void TraceRecorder::note_thread(const char* name) { is_background = std::strcmp(name, kIoThread) == 0; }

void TraceRecorder::add(const framepump_trace_event& event) {
  Ring& ring = rings_[is_background ? kBackground : kGame];
  framepump_trace_event& place = ring.events[ring.count++ % capacity_];
  if (event.struct_size >= sizeof(place)) {
    place = event;
  } else {
    place = {};
    std::memcpy(&place, &event, event.struct_size);
  }
}

void TraceRecorder::add_frame(uint64_t number, int64_t begin_us, int64_t end_us) {
  framepump_trace_event event = {};
  event.struct_size = sizeof(event);
  event.kind = kFrame;
  event.begin_us = begin_us;
  event.duration_us = end_us - begin_us;
  event.value = number;
  add(event);
}

uint64_t TraceRecorder::dropped() const {
  uint64_t dropped = 0;
  for (const Ring& ring : rings_) dropped += ring.count - std::min<uint64_t>(ring.count, capacity_);
  return dropped;
}

// By time, and what holds others before them: then a reader can go through the file once.
std::vector<const framepump_trace_event*> TraceRecorder::sorted(const Ring& ring) const {
  std::vector<const framepump_trace_event*> events;
  events.reserve(std::min<uint64_t>(ring.count, capacity_));
  for (uint64_t i = ring.count - std::min<uint64_t>(ring.count, capacity_); i < ring.count; ++i) {
    events.push_back(&ring.events[i % capacity_]);
  }
  std::stable_sort(events.begin(), events.end(), comes_before);
  return events;
}

bool TraceRecorder::write() {
  if (file_ == nullptr) return false;
  std::fprintf(file_, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"framepump\":\"%s\",\"dropped_events\":\"%" PRIu64 "\"},\"traceEvents\":[",
               FRAMEPUMP_VERSION_STRING, dropped());
  write_names();
  write_arrivals();
  for (Track track : {kGame, kBackground}) {
    for (const framepump_trace_event* event : sorted(rings_[track])) write_event(*event, track);
  }
  std::fputs("\n]}\n", file_);
  const bool is_whole = std::ferror(file_) == 0;
  return (std::fclose(std::exchange(file_, nullptr)) == 0) && is_whole;
}

void TraceRecorder::write_names() {
  begin_line();
  std::fputs("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"FramePump\"}}", file_);
  constexpr const char* kNames[] = {"game", kIoThread, "arrivals (kernel)"};
  for (uint32_t track = 0; track < std::size(kNames); ++track) {
    begin_line();
    std::fprintf(file_, "{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}", track + 1, kNames[track]);
    begin_line();
    std::fprintf(file_, "{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%u}}", track + 1, track);
  }
}

void TraceRecorder::write_event(const framepump_trace_event& event, Track track) {
  switch (event.kind) {
    case FRAMEPUMP_TRACE_PUBLISHED:
      begin_line();
      std::fprintf(file_, "{\"ph\":\"f\",\"bp\":\"e\",\"pid\":1,\"tid\":%u,\"ts\":%" PRId64 ",\"cat\":\"wait\",\"name\":\"wait\",\"id\":%" PRIu64 "}",
                   track + 1, place_us(event), flow_of(event));
      return;
    case FRAMEPUMP_TRACE_MODE_SWITCHED:
      begin_line();
      std::fprintf(file_, "{\"ph\":\"i\",\"s\":\"g\",\"pid\":1,\"tid\":%u,\"ts\":%" PRId64 ",\"cat\":\"mode\",\"name\":\"mode: %s\"}", track + 1,
                   event.begin_us, mode_name(event.detail));
      return;
    case FRAMEPUMP_TRACE_OVERRUN:
      begin_line();
      std::fprintf(file_,
                   "{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":%u,\"ts\":%" PRId64 ",\"cat\":\"overrun\",\"name\":\"overrun\",\"args\":"
                   "{\"culprit\":\"0x%" PRIx64 "\",\"culprit_us\":%" PRIu64 ",\"culprit_bytes\":%" PRIu64 "}}",
                   track + 1, event.begin_us, event.handle, event.value, event.bytes);
      return;
    case kFrame:
    case FRAMEPUMP_TRACE_TICK:
    case FRAMEPUMP_TRACE_FLUSH:
    case FRAMEPUMP_TRACE_WAIT:
    case FRAMEPUMP_TRACE_BACKGROUND:
    case FRAMEPUMP_TRACE_PHASE:
    case FRAMEPUMP_TRACE_TURN: return write_span(event, span_name(event), track);
    default: return;  // of a newer plugin
  }
}

void TraceRecorder::write_span(const framepump_trace_event& event, const char* name, Track track) {
  const bool is_turn = event.kind == FRAMEPUMP_TRACE_TURN;
  const char* const category = is_turn ? "turn" : event.kind == FRAMEPUMP_TRACE_PHASE ? "phase" : name;
  begin_line();
  std::fprintf(file_, "{\"ph\":\"X\",\"pid\":1,\"tid\":%u,\"ts\":%" PRId64 ",\"dur\":%" PRId64 ",\"cat\":\"%s\",\"name\":\"%s\"", track + 1,
               event.begin_us, event.duration_us, category, name);
  if (event.kind == kFrame) {
    std::fprintf(file_, ",\"args\":{\"frame\":%" PRIu64 "}", event.value);
  } else if (event.kind == FRAMEPUMP_TRACE_TICK) {
    std::fprintf(file_, ",\"args\":{\"frame\":%" PRIu64 ",\"mode\":\"%s\",\"published_bytes\":%" PRIu64 "}", event.value, mode_name(event.detail),
                 event.bytes);
  } else if (is_turn) {
    std::fprintf(file_, ",\"args\":{\"source\":\"0x%" PRIx64 "\",\"bytes\":%" PRIu64, event.handle, event.bytes);
    if (event.value > 0) std::fprintf(file_, ",\"accepted\":%" PRIu64, event.value);
    std::fputs("}", file_);
  } else if (event.kind != FRAMEPUMP_TRACE_PHASE) {
    std::fprintf(file_, ",\"args\":{\"bytes\":%" PRIu64 "}", event.bytes);
  }
  std::fputs("}", file_);
}

// A mark on a track of their own, and an arrow from there to the tick that published. An arrow begins and ends in the span that surrounds its
// point, so each arrival is one.
void TraceRecorder::write_arrivals() {
  std::vector<const framepump_trace_event*> arrivals = sorted(rings_[kGame]);
  std::erase_if(arrivals, [](const framepump_trace_event* event) { return event->kind != FRAMEPUMP_TRACE_PUBLISHED; });
  std::stable_sort(arrivals.begin(), arrivals.end(), arrived_before);
  for (const framepump_trace_event* event : arrivals) {
    begin_line();
    std::fprintf(file_,
                 "{\"ph\":\"X\",\"pid\":1,\"tid\":%u,\"ts\":%" PRId64 ",\"dur\":1,\"cat\":\"arrival\",\"name\":\"arrival\",\"args\":"
                 "{\"source\":\"0x%" PRIx64 "\",\"bytes\":%" PRIu64 ",\"wait_us\":%" PRId64 ",\"frames\":%" PRIu64 "}}",
                 kArrivals + 1, event->begin_us, event->handle, event->bytes, event->duration_us, event->value);
    begin_line();
    std::fprintf(file_, "{\"ph\":\"s\",\"pid\":1,\"tid\":%u,\"ts\":%" PRId64 ",\"cat\":\"wait\",\"name\":\"wait\",\"id\":%" PRIu64 "}",
                 kArrivals + 1, event->begin_us, flow_of(*event));
  }
}

// Only ticks publish, so these are all in the game's ring.
uint64_t TraceRecorder::flow_of(const framepump_trace_event& event) const { return static_cast<uint64_t>(&event - rings_[kGame].events.get()) + 1; }

void TraceRecorder::begin_line() { std::fputs(std::exchange(has_line_, true) ? ",\n" : "\n", file_); }

}  // namespace framepump::extras
