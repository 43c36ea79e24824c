// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "framepump/framepump.h"
#include "support/test_network.h"

namespace framepump::test {

// Certificates made by the openssl command in a folder that is gone when the test program ends. Files: ca.pem (a private authority), and
// for each NAME in good, expired, other, self and client NAME.pem and NAME.key. All but `other` (other.test) and `client` (CN=client) are for
// localhost, *.names.test and 127.0.0.1; `self` has signed itself.
std::string certificate(const std::string& file);
// A file beside them.
void write_file(const std::string& path, std::string_view bytes);
std::string read_file(const std::string& path);

// Options that hold their texts.
struct TlsOptions {
  // Believes the private authority, expects localhost.
  static TlsOptions client();
  static TlsOptions server(const std::string& name = "good");

  framepump_tls c() const;

  uint32_t flags = 0;
  uint32_t min_version = 0;
  std::string server_name;
  std::string ca_file;
  std::string certificate_file;
  std::string private_key_file;
  std::string alpn;
};

framepump_handle tls_listen(TestNetwork& net, const TlsOptions& options, uint32_t flags = 0, uint32_t priority = 1);
framepump_handle tls_connect(TestNetwork& net, uint32_t port, const TlsOptions& options, uint32_t flags = 0, uint32_t priority = 1);
framepump_tls_info tls_info(framepump_handle stream);
// As connect_pair.
Pair connect_tls_pair(TestNetwork& client, TestNetwork& server, uint32_t flags = 0, const TlsOptions& client_options = TlsOptions::client(),
                      const TlsOptions& server_options = TlsOptions::server());

// The openssl command with these arguments; it dies with this object.
class Openssl {
 public:
  // `input`: a file; empty: what write() says.
  explicit Openssl(std::vector<std::string> arguments, const std::string& input = "");
  ~Openssl();
  Openssl(const Openssl&) = delete;
  Openssl& operator=(const Openssl&) = delete;

  void write(std::string_view bytes);
  void close_input();
  std::string output() const { return read_file(output_path_); }  // so far, both kinds
  // False: it did not come within ten seconds.
  bool wait_for(std::string_view text) const;
  void kill();
  int exit_status();  // waits; negative: a signal

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  std::string output_path_;
};

// s_server on a port that the system chooses.
struct OpensslServer {
  explicit OpensslServer(std::vector<std::string> arguments, const std::string& name = "good");
  Openssl process;
  uint32_t port = 0;
};

}  // namespace framepump::test
