// SPDX-License-Identifier: MIT
#include "support/openssl.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

extern char** environ;

namespace framepump::test {
namespace {

constexpr const char* kMakeCertificates = R"sh(
set -eu
exec >log 2>&1
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
names='subjectAltName=DNS:localhost,DNS:*.names.test,IP:127.0.0.1'
key ca
openssl req -x509 -key ca.key -out ca.pem -days 30 -subj '/CN=Test Authority'
# usage: signed NAME SUBJECT DAYS NAMES
signed() {
  key "$1"
  openssl req -new -key "$1.key" -subj "$2" -addext "$4" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" -days "$3" -copy_extensions copy -out "$1.pem"
}
signed good /CN=localhost 30 "$names"
signed expired /CN=localhost -1 "$names"
signed other /CN=other.test 30 subjectAltName=DNS:other.test
signed client /CN=client 30 extendedKeyUsage=clientAuth
key self
openssl req -x509 -key self.key -out self.pem -days 30 -subj /CN=localhost -addext "$names"
)sh";

class Folder {
 public:
  Folder() {
    char pattern[] = "/tmp/framepump-tls-XXXXXX";
    REQUIRE_NE(mkdtemp(pattern), nullptr);
    path_ = pattern;
    const std::string command = "cd " + path_ + " && exec bash -c '" + quoted(kMakeCertificates) + "'";
    const int status = std::system(command.c_str());
    INFO(read_file(path_ + "/log"));
    REQUIRE_EQ(status, 0);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  static std::string quoted(std::string text) {
    for (size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) text.replace(at, 1, "'\\''");
    return text;
  }
  std::string path_;
};

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

std::string certificate(const std::string& file) {
  static const Folder folder;
  return folder.path() + "/" + file;
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TlsOptions TlsOptions::client() {
  TlsOptions options;
  options.ca_file = certificate("ca.pem");
  options.server_name = "localhost";
  return options;
}

TlsOptions TlsOptions::server(const std::string& name) {
  TlsOptions options;
  options.certificate_file = certificate(name + ".pem");
  options.private_key_file = certificate(name + ".key");
  return options;
}

framepump_tls TlsOptions::c() const {
  framepump_tls options = {};
  options.struct_size = sizeof(options);
  options.flags = flags;
  options.min_version = min_version;
  options.server_name = or_null(server_name);
  options.ca_file = or_null(ca_file);
  options.certificate_file = or_null(certificate_file);
  options.private_key_file = or_null(private_key_file);
  options.alpn = or_null(alpn);
  return options;
}

framepump_handle tls_listen(TestNetwork& net, const TlsOptions& options, uint32_t flags, uint32_t priority) {
  const framepump_tls tls = options.c();
  const framepump_endpoint endpoint = {sizeof(endpoint), flags, "127.0.0.1", 0, priority, 0, &tls};
  framepump_handle listener = 0;
  const uint32_t error = api().listen(net.handle(), &endpoint, &listener);
  INFO(net.last_error());
  REQUIRE_EQ(error, FRAMEPUMP_OK);
  return listener;
}

framepump_handle tls_connect(TestNetwork& net, uint32_t port, const TlsOptions& options, uint32_t flags, uint32_t priority) {
  const framepump_tls tls = options.c();
  const framepump_endpoint endpoint = {sizeof(endpoint), flags, "127.0.0.1", port, priority, 0, &tls};
  framepump_handle stream = 0;
  const uint32_t error = api().connect(net.handle(), &endpoint, &stream);
  INFO(net.last_error());
  REQUIRE_EQ(error, FRAMEPUMP_OK);
  return stream;
}

framepump_tls_info tls_info(framepump_handle stream) {
  framepump_tls_info info = {};
  info.struct_size = sizeof(info);
  REQUIRE_EQ(api().tls_info(stream, &info), FRAMEPUMP_OK);
  return info;
}

Pair connect_tls_pair(TestNetwork& client, TestNetwork& server, uint32_t flags, const TlsOptions& client_options,
                      const TlsOptions& server_options) {
  Pair pair;
  pair.listener = tls_listen(server, server_options, flags);
  const size_t seen_before = server.seen().size();
  pair.client = tls_connect(client, server.port_of(pair.listener), client_options, flags);
  REQUIRE(run_until({&client, &server}, [&] {
    for (size_t i = seen_before; i < server.seen().size(); ++i) {
      const SeenEvent& event = server.seen()[i];
      if (event.kind == FRAMEPUMP_EVENT_ACCEPTED && event.other == pair.listener) pair.server = event.handle;
    }
    return pair.server != 0 && client.find(FRAMEPUMP_EVENT_CONNECTED, pair.client) != nullptr;
  }));
  return pair;
}

Openssl::Openssl(std::vector<std::string> arguments, const std::string& input) {
  static int count = 0;
  output_path_ = certificate("output" + std::to_string(count++));
  int ends[2] = {-1, -1};
  if (input.empty()) {
    REQUIRE_EQ(pipe2(ends, O_CLOEXEC), 0);
    input_ = ends[1];
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input.empty()) {
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
  } else {
    posix_spawn_file_actions_addopen(&actions, 0, input.c_str(), O_RDONLY, 0);
  }
  posix_spawn_file_actions_addchdir_np(&actions, certificate("").c_str());  // from where s_server serves files
  posix_spawn_file_actions_addopen(&actions, 1, output_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  arguments.insert(arguments.begin(), "openssl");
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  const int error = posix_spawnp(&pid_, "openssl", &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (ends[0] != -1) ::close(ends[0]);
  REQUIRE_EQ(error, 0);
}

Openssl::~Openssl() {
  close_input();
  kill();
}

void Openssl::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(input_, bytes.data(), bytes.size());
    REQUIRE_GT(written, 0);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void Openssl::close_input() {
  if (input_ != -1) ::close(input_);
  input_ = -1;
}

bool Openssl::wait_for(std::string_view text) const {
  for (int i = 0; i < 1000; ++i) {
    if (output().find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void Openssl::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int Openssl::exit_status() {
  int status = 0;
  REQUIRE_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

namespace {

std::vector<std::string> server_arguments(std::vector<std::string> more, const std::string& name) {
  std::vector<std::string> all = {"s_server", "-accept", "127.0.0.1:0", "-cert", certificate(name + ".pem"), "-key", certificate(name + ".key")};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

OpensslServer::OpensslServer(std::vector<std::string> arguments, const std::string& name) : process(server_arguments(std::move(arguments), name)) {
  const std::string before = "ACCEPT 127.0.0.1:";
  REQUIRE(process.wait_for(before));
  const std::string output = process.output();
  port = static_cast<uint32_t>(std::stoul(output.substr(output.find(before) + before.size())));
}

}  // namespace framepump::test
