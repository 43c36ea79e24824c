// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>

#include "config/temporary_folder.h"
#include "support/name_server.h"
#include "support/test_network.h"

namespace framepump::test {

// The files in which a network looks names up, and services that name them.
class NameFiles {
 public:
  explicit NameFiles(const std::string& resolv_conf, const std::string& hosts = "") {
    write_resolv_conf(resolv_conf);
    write_hosts(hosts);
    services_.struct_size = sizeof(services_);
    services_.log = [](void*, uint32_t, const char*) {};
    services_.resolv_conf = resolv_conf_.c_str();
    services_.hosts_file = hosts_.c_str();
  }
  void write_resolv_conf(const std::string& text) { write_text(resolv_conf_, text); }
  void write_hosts(const std::string& text) { write_text(hosts_, text); }
  const framepump_services* services() const { return &services_; }

 private:
  TemporaryFolder folder_;
  std::string resolv_conf_ = folder_.file("resolv.conf");
  std::string hosts_ = folder_.file("hosts");
  framepump_services services_ = {};
};

// With every mode and poller backend.
inline void in_all_ways(const std::function<void(const framepump_config&)>& body) {
  for (uint32_t threaded : {0u, 1u}) {
    for (uint32_t backend : {FRAMEPUMP_BACKEND_EPOLL, FRAMEPUMP_BACKEND_POLL}) {
      CAPTURE(threaded);
      CAPTURE(backend);
      framepump_config config = default_config();
      config.threaded = threaded;
      config.backend = backend;
      body(config);
    }
  }
}

}  // namespace framepump::test
