// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "config/temporary_folder.h"

namespace framepump::test {

// nginx as whoever runs the tests, on three free ports of 127.0.0.1: HTTP/1.1, HTTP/2 without TLS, and TLS with both. It serves `files`, and
//   /slow/NAME   the same at 1 MB a second
//   /packed/NAME the same, compressed when asked for
//   /away/NAME   with TLS: redirected to NAME without TLS
class WebServer {
 public:
  WebServer();
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  // False: there is no nginx or no openssl here; a reason was printed.
  bool is_there() const { return pid_ > 0; }
  void put(const std::string& name, std::string_view bytes) const;
  // At once, connections and all; then start again on the same ports.
  void stop();
  void start();

  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::string url_h2(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_h2_) + path; }
  std::string url_tls(const std::string& path) const { return "https://localhost:" + std::to_string(port_tls_) + path; }
  uint32_t port() const { return port_; }
  std::string authority() const { return folder_.file("authority.pem"); }  // the only one who knows this server
  std::string log() const { return read_text(folder_.file("access.log")); }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
  uint32_t port_ = 0;
  uint32_t port_h2_ = 0;
  uint32_t port_tls_ = 0;
};

}  // namespace framepump::test
