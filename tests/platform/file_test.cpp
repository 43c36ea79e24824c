// SPDX-License-Identifier: MIT
#include "platform/file.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "platform/clock.h"
#include "platform/loopback.h"
#include "platform/wake_signal.h"

using namespace framepump;
using namespace framepump::test;
namespace fs = std::filesystem;

namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/framepump-file-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  fs::path path;
};

void write_text(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::trunc) << text; }

// A watch whose wait() ends for lack of a change after a limit.
struct WatchFixture {
  TemporaryDirectory directory;
  fs::path file = directory.path / "settings.toml";
  FileWatch watch;
  WakeSignal wake;

  WatchFixture() {
    write_text(file, "one");
    REQUIRE(wake.open());
  }
  void open(const fs::path& path) {
    REQUIRE(watch.open(path.c_str()));
    REQUIRE(changes());  // the first one
  }
  void open() { open(file); }

  bool changes_within(int64_t limit_us) {
    WakeSignal is_over;
    REQUIRE(is_over.open());
    std::thread alarm([&] {
      if (!is_over.sleep(limit_us)) wake.raise();
    });
    const bool has_changed = wait();
    is_over.raise();
    alarm.join();
    wake.clear();
    return has_changed;
  }
  // False: it was woken.
  bool wait() {
    while (!watch.may_have_changed()) {
      const intptr_t descriptor = watch.descriptor();
      const int64_t at_us = watch.look_again_at_us();
      const int64_t timeout_us = at_us == INT64_MAX ? -1 : std::max<int64_t>(at_us - monotonic_us(), 0);
      if (wake.sleep(timeout_us, {&descriptor, descriptor == -1 ? 0u : 1u})) return false;
    }
    return true;
  }
  bool changes() { return changes_within(kLimitUs); }
  // Shorter than the 250 ms after which a watch that cannot tell looks again.
  bool stays_quiet() { return !changes_within(100'000); }
  // One save may be told in several steps.
  void settle() {
    REQUIRE(becomes_true([&] { return stays_quiet(); }));
  }
};

}  // namespace

TEST_CASE("a file is read whole, or refused with the reason") {
  const TemporaryDirectory directory;
  const fs::path file = directory.path / "text";
  write_text(file, "0123456789");
  char buffer[10];
  const FileResult fits = read_file(file.c_str(), buffer);
  CHECK(fits.ok);
  CHECK(fits.size_bytes == 10);
  CHECK(std::string(buffer, 10) == "0123456789");

  char small[9];
  const FileResult too_large = read_file(file.c_str(), small);
  CHECK_FALSE(too_large.ok);
  CHECK(too_large.system_code == EFBIG);

  const FileResult missing = read_file((directory.path / "none").c_str(), buffer);
  CHECK_FALSE(missing.ok);
  CHECK(missing.system_code == ENOENT);

  const FileResult not_a_file = read_file(directory.path.c_str(), buffer);
  CHECK_FALSE(not_a_file.ok);
  CHECK(not_a_file.system_code == EISDIR);

  write_text(file, "");
  const FileResult empty = read_file(file.c_str(), buffer);
  CHECK(empty.ok);
  CHECK(empty.size_bytes == 0);
}

TEST_CASE_FIXTURE(WatchFixture, "a watch tells of a write in place") {
  open();
  CHECK(stays_quiet());
  write_text(file, "two");
  CHECK(changes());
  settle();
  std::ofstream(file, std::ios::app) << "and more";
  CHECK(changes());
}

TEST_CASE_FIXTURE(WatchFixture, "a watch tells of a new file renamed over the old one, again and again") {
  open();
  for (int i = 0; i < 3; ++i) {
    const fs::path fresh = directory.path / "settings.toml.swp";
    write_text(fresh, "two");
    CHECK(stays_quiet());
    fs::rename(fresh, file);
    CHECK(changes());
    settle();
  }
}

TEST_CASE_FIXTURE(WatchFixture, "a watch tells of removal and of the file's return") {
  open();
  fs::remove(file);
  CHECK(changes());
  settle();
  write_text(file, "back");
  CHECK(changes());
}

TEST_CASE_FIXTURE(WatchFixture, "a watch does not tell of other files in the directory") {
  open();
  write_text(directory.path / "settings.toml.bak", "x");
  write_text(directory.path / "settings", "x");
  CHECK(stays_quiet());
}

TEST_CASE_FIXTURE(WatchFixture, "a change before the first wait is told") {
  REQUIRE(watch.open(file.c_str()));
  CHECK(changes_within(100'000));
  write_text(file, "two");
  CHECK(changes());
}

TEST_CASE_FIXTURE(WatchFixture, "a raised wake ends the wait, from another thread and beforehand") {
  open();
  wake.raise();
  CHECK_FALSE(wait());
  std::atomic<bool> is_over{false};
  std::thread waiter([&] {
    wait();
    is_over = true;
  });
  wake.raise();
  CHECK(becomes_true([&] { return is_over.load(); }));
  waiter.join();
}

TEST_CASE_FIXTURE(WatchFixture, "while the directory is missing the wait ends every 250 ms, and its return is told") {
  const int64_t start_us = monotonic_us();
  open(directory.path / "later" / "settings.toml");
  CHECK(changes());
  CHECK(monotonic_us() - start_us >= 240'000);
  fs::create_directory(directory.path / "later");
  write_text(directory.path / "later" / "settings.toml", "new");
  CHECK(changes());
  settle();
  write_text(directory.path / "later" / "settings.toml", "newer");
  CHECK(changes_within(kLimitUs));
  settle();
}

TEST_CASE_FIXTURE(WatchFixture, "a directory that is replaced is watched again") {
  const fs::path inner = directory.path / "inner";
  fs::create_directory(inner);
  write_text(inner / "settings.toml", "one");
  open(inner / "settings.toml");
  fs::rename(inner, directory.path / "old");
  CHECK(changes());
  fs::create_directory(inner);
  write_text(inner / "settings.toml", "two");
  CHECK(changes());
  settle();
  write_text(directory.path / "old" / "settings.toml", "not ours any more");
  CHECK(stays_quiet());
  write_text(inner / "settings.toml", "three");
  CHECK(changes());
}

TEST_CASE_FIXTURE(WatchFixture, "what a symbolic link points to is looked at every 250 ms") {
  const fs::path link = directory.path / "link.toml";
  fs::create_directory(directory.path / "elsewhere");
  write_text(directory.path / "elsewhere" / "real.toml", "one");
  fs::create_symlink(directory.path / "elsewhere" / "real.toml", link);
  open(link);
  // Noise in the directory must not put the look off for ever.
  std::atomic<bool> is_over{false};
  std::thread noise([&] {
    while (!becomes_true([&] { return is_over.load(); }, 20'000)) write_text(directory.path / "noise", "x");
  });
  CHECK(changes());
  is_over = true;
  noise.join();
}

TEST_CASE("a watch works for a bare file name and one in the root") {
  WatchFixture fixture;
  const fs::path before = fs::current_path();
  fs::current_path(fixture.directory.path);
  fixture.open("settings.toml");
  fs::current_path(before);
  write_text(fixture.file, "two");
  CHECK(fixture.changes());

  WatchFixture in_root;
  in_root.open("/no-such-file.toml");
  CHECK(in_root.stays_quiet());
}

TEST_CASE("a path that is too long is looked at and not watched") {
  WatchFixture fixture;
  REQUIRE(fixture.watch.open(("/" + std::string(10'000, 'x') + "/settings.toml").c_str()));
  CHECK(fixture.changes());
  CHECK(fixture.changes());
}
