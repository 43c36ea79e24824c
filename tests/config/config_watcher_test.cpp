// SPDX-License-Identifier: MIT
#include "config/config_watcher.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "parsed.h"
#include "temporary_folder.h"

namespace framepump::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLimit{10'000};
// Longer than any change takes to be told when nothing is slow: what has not come by then is not on its way.
constexpr milliseconds kQuiet{300};

milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

// False: no change came within this time.
bool comes_within(milliseconds limit, ConfigWatcher& watcher, ConfigChange& change) {
  for (const Clock::time_point start = Clock::now(); !watcher.take(change); std::this_thread::sleep_for(milliseconds(1))) {
    if (since(start) >= limit) return false;
  }
  return true;
}

// The next change, waited for.
ConfigChange next_of(ConfigWatcher& watcher) {
  ConfigChange change;
  REQUIRE_MESSAGE(comes_within(kLimit, watcher, change), "no change came");
  return change;
}

// A watched file in a folder of its own.
class Watched {
 public:
  explicit Watched(const std::string& text = "[pump]\nslice_us = 1000\n") {
    write_text(path(), text);
    const Parsed loaded = load(path());
    REQUIRE_MESSAGE(loaded.is_ok, loaded.message);
    REQUIRE(watcher.start(path().c_str(), loaded.config, thread));
  }

  std::string path() const { return folder.file(); }
  // As most editors do: nobody ever sees a part of it.
  void save(const std::string& text) {
    write_text(folder.file("framepump.toml.new"), text);
    // As editors do: Windows replaces no file that somebody has open, as the watcher may at this moment.
    std::error_code error;
    for (int tries = 0; tries < 1000; ++tries) {
      std::filesystem::rename(folder.file("framepump.toml.new"), path(), error);
      if (!error) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    REQUIRE_FALSE(error);
  }
  ConfigChange next() { return next_of(watcher); }
  uint32_t next_slice_us() {
    const ConfigChange change = next();
    CHECK_MESSAGE(change.accepted, change.message.text);
    CHECK(change.changed == slice_key());
    return change.config.slice_us;
  }
  std::string next_refusal() {
    const ConfigChange change = next();
    CHECK_FALSE(change.accepted);
    CHECK(change.message.code == FRAMEPUMP_ERROR_CONFIG);
    return change.message.text;
  }
  bool stays_quiet() {
    ConfigChange change;
    return !comes_within(kQuiet, watcher, change);
  }

  static KeySet slice_key() {
    framepump_config other = defaults();
    other.slice_us += 1;
    return differing_keys(other, defaults());
  }

  TemporaryFolder folder;
  Host host;
  ConfigWatcher watcher;
  FileThread thread{host};
};

std::string slice(uint32_t slice_us) {
  return "[pump]\nslice_us = " + std::to_string(slice_us) + "\n";
}

// Does `steps` with a pause between them, as an editor that saves in several steps. True: it all took less than `most`, so that
// the watcher must not have noticed.
bool save_in_steps(const std::vector<std::function<void()>>& steps, milliseconds pause, milliseconds most) {
  const Clock::time_point start = Clock::now();
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i > 0) std::this_thread::sleep_for(pause);
    steps[i]();
  }
  return since(start) < most;
}

// The machine may be slow in the middle of a save; such tries do not count.
constexpr int kTries = 20;
constexpr char kTooSlow[] = "SKIP: this machine was too slow to save a file in steps, twenty times";

void check_is_one_edit(const std::function<std::vector<std::function<void()>>(Watched&)>& steps_of, milliseconds pause,
                       milliseconds most) {
  for (int tries = 0; tries < kTries; ++tries) {
    Watched watched;
    if (!save_in_steps(steps_of(watched), pause, most)) continue;
    CHECK(watched.next_slice_us() == 2222);
    CHECK(watched.stays_quiet());
    return;
  }
  std::puts(kTooSlow);
}

// Saves text_of(1) and so on; nobody takes the changes. A second watcher of the same file tells when the first one has seen an
// edit, too, give or take a little.
void save_for_nobody(Watched& watched, uint32_t edits, const std::function<std::string(uint32_t)>& text_of) {
  ConfigWatcher other;
  FileThread thread(watched.host);
  REQUIRE(other.start(watched.path().c_str(), load(watched.path()).config, thread));
  for (uint32_t i = 1; i <= edits; ++i) {
    watched.save(text_of(i));
    next_of(other);
    std::this_thread::sleep_for(milliseconds(20));
  }
}

}  // namespace

TEST_CASE("a file written in place is handed over with the keys that changed and all that the file says") {
  Watched watched("[pump]\nslice_us = 1000\n[limits]\nstreams = 77\n");
  write_text(watched.path(), "[pump]\nslice_us = 1000\nthreaded = true\n[limits]\nstreams = 78\n");
  const ConfigChange change = watched.next();
  CHECK(change.accepted);
  framepump_config expected = defaults();
  expected.slice_us = 1000;
  expected.limit_streams = 77;
  const framepump_config before = expected;
  expected.threaded = 1;
  expected.limit_streams = 78;
  CHECK(change.changed == differing_keys(before, expected));
  CHECK(differing_keys(change.config, expected) == 0);
  CHECK(watched.stays_quiet());
}

TEST_CASE("a new file renamed over the old one is an edit, time and again") {
  Watched watched;
  for (uint32_t slice_us : {2000u, 3000u, 4000u}) {
    watched.save(slice(slice_us));
    CHECK(watched.next_slice_us() == slice_us);
  }
}

TEST_CASE("a key deleted from the file goes back to its default") {
  Watched watched;
  write_text(watched.path(), "# nothing\n");
  CHECK(watched.next_slice_us() == defaults().slice_us);
}

TEST_CASE("an edit between the loading of the file and the start of the watcher is seen") {
  const TemporaryFolder folder;
  write_text(folder.file(), slice(5));
  const Host host;
  ConfigWatcher watcher;
  FileThread thread(host);
  REQUIRE(watcher.start(folder.file().c_str(), defaults(), thread));
  CHECK(next_of(watcher).config.slice_us == 5);
}

TEST_CASE("a file that is truncated and then written is one edit") {
  check_is_one_edit(
      [](Watched& watched) -> std::vector<std::function<void()>> {
        return {[&] { write_text(watched.path(), ""); }, [&] { write_text(watched.path(), slice(2222)); }};
      },
      milliseconds(100), milliseconds(180));
}

TEST_CASE("a file that is deleted and then created is one edit") {
  check_is_one_edit(
      [](Watched& watched) -> std::vector<std::function<void()>> {
        return {[&] { std::filesystem::remove(watched.path()); }, [&] { write_text(watched.path(), slice(2222)); }};
      },
      milliseconds(100), milliseconds(180));
}

TEST_CASE("a file that is written in pieces is one edit, be a piece wrong or right for itself") {
  check_is_one_edit(
      [](Watched& watched) -> std::vector<std::function<void()>> {
        return {[&] { write_text(watched.path(), "[pump]\nslice_us ="); },
                [&] { write_text(watched.path(), "[pump]\nslice_us = 22"); },
                [&] { write_text(watched.path(), "[pump]\nslice_us = 2222\n"); }};
      },
      milliseconds(15), milliseconds(45));
}

TEST_CASE(
    "a bad edit is refused with line, key, value and what is allowed, and the good file after it counts from the last good one") {
  Watched watched;
  watched.save("[pump]\nslice_us = -5\nthreaded = true\n");
  CHECK(watched.next_refusal() == watched.path() + ":2: pump.slice_us is -5; allowed are 0 to 1000000 us");
  watched.save("[pump]\nslize_us = 5\n");
  CHECK(watched.next_refusal() == watched.path() + ":2: unknown key pump.slize_us; did you mean pump.slice_us?");
  watched.save(slice(5));
  CHECK(watched.next_slice_us() == 5);
}

TEST_CASE("the same refusal is not told again when the file is saved again, and is after a good file") {
  Watched watched;
  watched.save("[pump]\nslice_us = -5\n");
  watched.next_refusal();
  watched.save("[pump]\nslice_us = -5\n# another comment\n");
  CHECK(watched.stays_quiet());
  // Nothing tells when the good file was seen: if it was not, another time.
  ConfigChange change;
  bool is_told = false;
  for (int tries = 0; tries < kTries && !is_told; ++tries) {
    watched.save(slice(1000));
    CHECK(watched.stays_quiet());  // as it was before the mistake
    watched.save("[pump]\nslice_us = -5\n");
    is_told = comes_within(kLimit, watched.watcher, change);
  }
  REQUIRE(is_told);
  CHECK_FALSE(change.accepted);
  CHECK(change.message.code == FRAMEPUMP_ERROR_CONFIG);
  CHECK(change.message.text == watched.path() + ":2: pump.slice_us is -5; allowed are 0 to 1000000 us");
}

TEST_CASE("a new time stamp, another comment or another order of keys is no change") {
  Watched watched("[pump]\nslice_us = 1000\nthreaded = true\n");
  std::filesystem::last_write_time(watched.path(), std::filesystem::file_time_type::clock::now());
  CHECK(watched.stays_quiet());
  watched.save("# said otherwise\npump.threaded = true\npump.slice_us = 1_000\n");
  CHECK(watched.stays_quiet());
}

TEST_CASE("an edit that is put back at once is no change") {
  for (int tries = 0; tries < kTries; ++tries) {
    Watched watched;
    if (!save_in_steps({[&] { watched.save(slice(7)); }, [&] { watched.save(slice(1000)); }}, milliseconds(20), milliseconds(45)))
      continue;
    CHECK(watched.stays_quiet());
    return;
  }
  std::puts(kTooSlow);
}

TEST_CASE("changes count from the file before, so that putting an edit back later is a change, too") {
  Watched watched(slice(1000) + "quantum_kib = 1\n");
  watched.save(slice(1000) + "quantum_kib = 2\n");
  const KeySet quantum = watched.next().changed;
  watched.save(slice(3) + "quantum_kib = 2\n");
  CHECK(watched.next_slice_us() == 3);
  watched.save(slice(1000) + "quantum_kib = 1\n");
  const ConfigChange back = watched.next();
  CHECK(back.changed == (quantum | Watched::slice_key()));
  CHECK(back.config.slice_us == 1000);
  CHECK(back.config.quantum_kib == 1);
}

TEST_CASE("a file that is missing is refused once, and counts again when it is back") {
  Watched watched;
  std::filesystem::remove(watched.path());
  CHECK(watched.next_refusal() == watched.path() + ": cannot be read: No such file or directory");
  CHECK(watched.stays_quiet());
  watched.save(slice(1000));
  CHECK(watched.stays_quiet());
  watched.save(slice(3));
  CHECK(watched.next_slice_us() == 3);
}

TEST_CASE("the folder may vanish and come back, with the same file or another") {
  Watched watched;
  for (uint32_t slice_us : {3u, 4u}) {
    std::filesystem::rename(watched.folder.path(), watched.folder.path() + "-gone");
    CHECK(watched.next_refusal() == watched.path() + ": cannot be read: No such file or directory");
    write_text(watched.folder.path() + "-gone/framepump.toml", slice(slice_us));
    std::filesystem::rename(watched.folder.path() + "-gone", watched.folder.path());
    CHECK(watched.next_slice_us() == slice_us);
  }
  std::filesystem::remove_all(watched.folder.path());
  watched.next_refusal();
  std::filesystem::create_directory(watched.folder.path());
  write_text(watched.path(), slice(5));
  CHECK(watched.next_slice_us() == 5);
}

TEST_CASE("a link that is pointed at another file is an edit") {
  const TemporaryFolder folder;
  write_text(folder.file("old"), slice(1));
  write_text(folder.file("new"), slice(2222));
  std::filesystem::create_symlink("old", folder.file());
  const Host host;
  ConfigWatcher watcher;
  FileThread thread(host);
  REQUIRE(watcher.start(folder.file().c_str(), load(folder.file()).config, thread));
  std::filesystem::create_symlink("new", folder.file("link"));
  std::filesystem::rename(folder.file("link"), folder.file());
  CHECK(next_of(watcher).config.slice_us == 2222);
}

TEST_CASE("when nobody takes changes, the first ones wait and the newest gets through in the end") {
  constexpr uint32_t kEdits = ChangeQueue::kCapacity + 4;
  for (int tries = 0; tries < kTries; ++tries) {
    Watched watched;
    // The last edits find the queue full; quantum_kib changes in the first ones only.
    save_for_nobody(watched, kEdits,
                    [](uint32_t i) { return slice(i) + "quantum_kib = " + std::to_string(std::min(i, 3u)) + "\n"; });
    framepump_config state = defaults();
    state.slice_us = 1000;
    uint32_t changes = 0;
    while (state.slice_us != kEdits) {
      const ConfigChange change = watched.next();
      REQUIRE(change.accepted);
      copy_keys(change.changed, change.config, state);
      CHECK(differing_keys(state, change.config) == 0);  // no changed key was left out
      ++changes;
    }
    CHECK(state.quantum_kib == 3);
    CHECK(changes < kEdits);
    if (changes <= ChangeQueue::kCapacity) continue;  // it was not full
    CHECK(watched.stays_quiet());
    return;
  }
  std::puts(kTooSlow);
}

TEST_CASE("a bad edit while nobody takes changes is told in the end") {
  Watched watched;
  constexpr uint32_t kEdits = ChangeQueue::kCapacity + 2;
  save_for_nobody(watched, kEdits, [](uint32_t i) { return i == kEdits ? "[pump]\nslice_us = -1\n" : slice(i); });
  ConfigChange change = watched.next();
  while (change.accepted) change = watched.next();
  CHECK(std::string(change.message.text).ends_with(":2: pump.slice_us is -1; allowed are 0 to 1000000 us"));
}

TEST_CASE("many saves in a row end in what the file says, whoever takes changes meanwhile") {
  Watched watched;
  std::thread writer([&] {
    for (uint32_t i = 1; i <= 60; ++i) {
      watched.save(i % 5 == 0 ? "slice_us" : slice(i));
      std::this_thread::sleep_for(milliseconds(i % 7 == 0 ? 70 : 2));
    }
    watched.save(slice(6060));
  });
  framepump_config state = defaults();
  while (state.slice_us != 6060) {
    const ConfigChange change = watched.next();
    if (change.accepted) copy_keys(change.changed, change.config, state);
  }
  writer.join();
  CHECK(watched.stays_quiet());
}

TEST_CASE("stop ends the thread at once, whether it waits for an edit or for a file to settle") {
  const auto shortest_stop = [](const std::function<void(Watched&)>& prepare) {
    milliseconds shortest = kLimit;
    for (int tries = 0; tries < 3; ++tries) {
      Watched watched;
      prepare(watched);
      std::this_thread::sleep_for(milliseconds(20));  // into the wait
      const Clock::time_point start = Clock::now();
      watched.thread.stop();
      watched.thread.stop();  // a second one does nothing
      shortest = std::min(shortest, since(start));
    }
    return shortest;
  };
  const milliseconds at_rest = shortest_stop([](Watched&) {});
  const milliseconds settling = shortest_stop([](Watched& watched) { std::filesystem::remove(watched.path()); });
  const milliseconds without_folder = shortest_stop([](Watched& watched) { std::filesystem::remove_all(watched.folder.path()); });
#ifdef NDEBUG
  CHECK(at_rest < milliseconds(100));
  CHECK(settling < milliseconds(100));  // of 200 that it would settle
  CHECK(without_folder < milliseconds(100));
#else
  CHECK(std::max({at_rest, settling, without_folder}) < kLimit);
#endif
}

TEST_CASE("what was handed over can be taken after stop") {
  Watched watched;
  watched.save(slice(1));
  CHECK(watched.next_slice_us() == 1);
  watched.save("x");
  watched.next_refusal();
  watched.thread.stop();
  ConfigChange change;
  CHECK_FALSE(watched.watcher.take(change));
}

TEST_CASE("the hook of the host runs first on the new thread, with the thread's name") {
  struct Hook {
    std::atomic<bool> is_called{false};
    std::thread::id thread;
    std::string name;
  } hook;
  const TemporaryFolder folder;
  write_text(folder.file(), "");
  framepump_services services = {};
  services.struct_size = sizeof(services);
  services.user = &hook;
  services.thread_started = [](void* user, const char* name) {
    Hook* self = static_cast<Hook*>(user);
    self->thread = std::this_thread::get_id();
    self->name = name;
    self->is_called.store(true);
  };
  const Host host(&services);
  ConfigWatcher watcher;
  FileThread thread(host);
  REQUIRE(watcher.start(folder.file().c_str(), defaults(), thread));
  thread.stop();
  CHECK(hook.is_called.load());
  CHECK(hook.thread != std::this_thread::get_id());
  CHECK(hook.name == "framepump-file");
}

TEST_CASE(
    "a watcher that was never started can be taken from and destroyed, and none starts with a path that cannot be") {
  const Host host;
  ConfigWatcher watcher;
  FileThread thread(host);
  ConfigChange change;
  CHECK_FALSE(watcher.take(change));
  thread.stop();
  CHECK_FALSE(watcher.start(std::string(5000, 'x').c_str(), defaults(), thread));
  CHECK_FALSE(watcher.take(change));
}

#ifdef NDEBUG
TEST_CASE("an edit is handed over within half a second") {
  Watched watched;
  // Until the thread is at rest.
  CHECK(watched.stays_quiet());
  std::vector<int64_t> times_ms;
  for (uint32_t i = 1; i <= 5; ++i) {
    const Clock::time_point start = Clock::now();
    watched.save(slice(i));
    CHECK(watched.next_slice_us() == i);
    times_ms.push_back(since(start).count());
  }
  std::sort(times_ms.begin(), times_ms.end());
  CHECK(times_ms[2] < 500);  // others can make one or two of them late
}
#endif

}  // namespace framepump::test
