// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "config/temporary_folder.h"
#include "support/test_network.h"

namespace framepump::test {

// Attempts follow each other at once.
inline framepump_config hasty_config(uint32_t threaded = 0) {
  framepump_config config = default_config();
  config.threaded = threaded;
  config.budget_kib = 4096;
  config.download_retry_ms = 2;
  config.download_retry_limit_ms = 40;
  config.names_timeout_ms = is_sanitized() ? 1000 : 50;
  config.names_tries = 1;
  return config;
}

inline framepump_download_options download_options() {
  framepump_download_options options = {};
  options.struct_size = sizeof(options);
  options.priority = FRAMEPUMP_PRIORITY_NORMAL;
  options.proxy = "";  // whatever the environment of the tests says
  return options;
}

inline bool is_file(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0;
}

inline uint64_t file_bytes(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

// A network that downloads into a folder of its own.
class Downloader {
 public:
  explicit Downloader(const framepump_config& config = hasty_config(), const framepump_services* services = nullptr) : network(config, services) {}

  framepump_handle start(const std::string& url, const std::string& name, framepump_download_options options = download_options()) {
    const std::string path = folder.file(name);
    options.url = url.c_str();
    options.path = path.c_str();
    framepump_handle handle = 0;
    error = api().download_start(network.handle(), &options, &handle);
    return handle;
  }
  framepump_download_info info(framepump_handle handle) const {
    framepump_download_info info = {};
    info.struct_size = sizeof(info);
    api().download_info(handle, &info);
    return info;
  }
  // The event of its end.
  SeenEvent end_of(framepump_handle handle, int limit_ms = 20'000) {
    const auto find = [&]() -> const SeenEvent* {
      const SeenEvent* good = network.find(FRAMEPUMP_EVENT_DOWNLOAD_FINISHED, handle);
      return good != nullptr ? good : network.find(FRAMEPUMP_EVENT_DOWNLOAD_FAILED, handle);
    };
    run_until({&network}, [&] { return find() != nullptr; }, limit_ms);
    const SeenEvent* found = find();
    return found != nullptr ? *found : SeenEvent{};
  }
  bool has_bytes(framepump_handle handle, uint64_t bytes) {
    return run_until({&network}, [&] { return info(handle).bytes >= bytes; });
  }

  TemporaryFolder folder;
  TestNetwork network;
  uint32_t error = 0;
};

}  // namespace framepump::test
