// SPDX-License-Identifier: MIT
#include "config/config_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "parsed.h"
#include "source_root.h"
#include "temporary_folder.h"

namespace framepump::test {
namespace {

// Root reads what it likes, so this part of the test is done by nobody.
class WithoutRoot {
 public:
  WithoutRoot() {
    if (geteuid() == 0) REQUIRE(seteuid(kNobody) == 0);
  }
  ~WithoutRoot() {
    if (getuid() == 0) CHECK(seteuid(0) == 0);
  }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
};

}  // namespace

TEST_CASE("the shipped config file loads, and means the defaults") {
  const Parsed loaded = load(in_sources("assets/framepump.toml"));
  CHECK_MESSAGE(loaded.is_ok, loaded.message);
  CHECK(differing_keys(loaded.config, defaults()) == 0);
}

TEST_CASE("a file is loaded, and a mistake in it is told with its path and line") {
  const TemporaryFolder folder;
  write_text(folder.file(), "[pump]\nslice_us = 123\n");
  CHECK(load(folder.file()).config.slice_us == 123);
  write_text(folder.file(), "[pump]\nslice_us = -123\n");
  const Parsed loaded = load(folder.file());
  CHECK_FALSE(loaded.is_ok);
  CHECK(loaded.message == folder.file() + ":2: pump.slice_us is -123; allowed are 0 to 1000000 us");
}

TEST_CASE("an empty file loads as the defaults") {
  const TemporaryFolder folder;
  write_text(folder.file(), "");
  const Parsed loaded = load(folder.file());
  CHECK_MESSAGE(loaded.is_ok, loaded.message);
  CHECK(differing_keys(loaded.config, defaults()) == 0);
}

TEST_CASE("a file that is missing, a folder, or inside of a file is refused with the system's reason") {
  const TemporaryFolder folder;
  CHECK(load(folder.file()).message == folder.file() + ": cannot be read: No such file or directory");
  CHECK(load(folder.path()).message == folder.path() + ": cannot be read: Is a directory");
  CHECK(load("").message == ": cannot be read: No such file or directory");
  write_text(folder.file(), "");
  CHECK(load(folder.file() + "/x").message == folder.file() + "/x: cannot be read: Not a directory");
}

TEST_CASE("a file without permission to read is refused with the system's reason") {
  const TemporaryFolder folder;
  write_text(folder.file(), "");
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  REQUIRE(chmod(folder.file().c_str(), 0000) == 0);
  const WithoutRoot nobody;
  const Parsed loaded = load(folder.file());
  CHECK_FALSE(loaded.is_ok);
  CHECK(loaded.message == folder.file() + ": cannot be read: Permission denied");
}

TEST_CASE("a file of 64 KiB is loaded, and a larger one is refused with the size that is allowed") {
  const TemporaryFolder folder;
  std::string text = "pump.slice_us = 7\n#";
  text.resize(64 * 1024, 'x');
  write_text(folder.file(), text);
  CHECK(load(folder.file()).config.slice_us == 7);
  write_text(folder.file(), text + "x");
  CHECK(load(folder.file()).message == folder.file() + ": cannot be read: File too large; allowed are at most 64 KiB");
  CHECK_FALSE(load("/dev/zero").is_ok);
}

TEST_CASE("two readings are the same only if their bytes, or their reasons, are the same") {
  const TemporaryFolder folder;
  ConfigFile a, b;
  REQUIRE(a.open());
  REQUIRE(b.open());
  const auto are_same = [&](const std::string& first, const std::string& second) {
    a.read(first.c_str());
    b.read(second.c_str());
    return a.same_as(b);
  };
  write_text(folder.file("1"), "ab");
  write_text(folder.file("2"), "ab");
  write_text(folder.file("3"), "ac");
  write_text(folder.file("4"), "abc");
  write_text(folder.file("5"), "");
  CHECK(are_same(folder.file("1"), folder.file("2")));
  CHECK_FALSE(are_same(folder.file("1"), folder.file("3")));
  CHECK_FALSE(are_same(folder.file("1"), folder.file("4")));
  CHECK_FALSE(are_same(folder.file("5"), folder.file("none")));
  CHECK(are_same(folder.file("none"), folder.file("none either")));
  CHECK_FALSE(are_same(folder.path(), folder.file("none")));

  a.read(folder.file("1").c_str());
  CHECK_FALSE(a.is_empty_or_missing());
  a.read(folder.file("5").c_str());
  CHECK(a.is_empty_or_missing());
  a.read(folder.file("none").c_str());
  CHECK(a.is_empty_or_missing());
}

}  // namespace framepump::test
