// SPDX-License-Identifier: MIT
#include "platform/disk_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "config/temporary_folder.h"

using namespace framepump;
using namespace framepump::test;

TEST_CASE("a file is written, read, shortened and brought to the disk") {
  const TemporaryFolder folder;
  const std::string path = folder.file("part");
  DiskFile file;
  REQUIRE(file.open(path.c_str()).ok());
  REQUIRE(file.write(3, std::string("abcdef")).ok());
  file.start_write_back(0, 9);
  file.wait_for_write_back(0, 9);
  CHECK(file.sync().ok());
  CHECK(file.size().size_bytes == 9);
  char bytes[20] = {};
  CHECK(file.read(3, bytes).size_bytes == 6);
  CHECK(std::string(bytes, 6) == "abcdef");
  CHECK(file.resize(5).ok());
  CHECK(file.read(0, bytes).size_bytes == 5);
}

TEST_CASE("one owner has a file, and what is no regular one is none's") {
  const TemporaryFolder folder;
  const std::string path = folder.file("part");
  DiskFile first;
  DiskFile second;
  REQUIRE(first.open(path.c_str()).ok());
  CHECK(second.open(path.c_str()).status == DiskStatus::locked);
  CHECK_FALSE(second.is_open());
  first.close();
  CHECK(second.open(path.c_str()).ok());
  std::filesystem::create_symlink("part", folder.file("link"));
  DiskFile other;
  CHECK(other.open(folder.file("link").c_str()).status == DiskStatus::failed);
  CHECK(other.open(folder.path().c_str()).status == DiskStatus::failed);
  CHECK(other.open("/dev/null").status == DiskStatus::failed);
  CHECK(other.open(folder.file("no/such").c_str()).system_code != 0);
}

TEST_CASE("a file is renamed over another, replaced as a whole, and removed") {
  const TemporaryFolder folder;
  const std::string from = folder.file("from");
  const std::string to = folder.file("to");
  write_text(from, "new");
  write_text(to, "old");
  CHECK(replace_file(from.c_str(), to.c_str()).ok());
  CHECK(sync_folder_of(to.c_str()).ok());
  CHECK(read_text(to) == "new");
  CHECK(replace_file(from.c_str(), to.c_str()).status == DiskStatus::failed);
  CHECK(write_whole_file(to.c_str(), std::string("newer")).ok());
  CHECK(read_text(to) == "newer");
  CHECK_FALSE(write_whole_file(folder.file("no/such").c_str(), std::string("x")).ok());
  CHECK(is_folder(folder.path().c_str()));
  CHECK_FALSE(is_folder(to.c_str()));
  CHECK(remove_file(to.c_str()).ok());
  CHECK(remove_file(to.c_str()).ok());  // well, it is not there
  CHECK_FALSE(remove_file(folder.path().c_str()).ok());
}
