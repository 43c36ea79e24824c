// SPDX-License-Identifier: MIT
#if !defined(_WIN32)

#include "support/web_server.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "support/plain_socket.h"

namespace framepump::test {
namespace {

constexpr const char* kConfig = R"(daemon off;
master_process off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events { }
http {
  log_format short '$request | $status | $http_range | $http_if_range | $server_protocol';
  access_log FOLDER/access.log short;
  types { text/plain txt; }
  default_type application/octet-stream;
  sendfile off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  server {
    listen 127.0.0.1:PORT1;
    root FOLDER/files;
    location /slow/ { alias FOLDER/files/; limit_rate 1m; }
    location /packed/ { alias FOLDER/files/; gzip on; gzip_types *; gzip_min_length 1; }
  }
  server {
    listen 127.0.0.1:PORT2 http2;
    root FOLDER/files;
    location /slow/ { alias FOLDER/files/; limit_rate 1m; }
  }
  server {
    listen 127.0.0.1:PORT3 ssl http2;
    listen 127.0.0.2:PORT3 ssl http2;
    ssl_certificate FOLDER/server.pem;
    ssl_certificate_key FOLDER/server.key;
    root FOLDER/files;
    location /away/ { return 302 http://127.0.0.1:PORT1/; }
  }
}
)";

std::string program(const char* name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"}) {
    const std::string path = std::string(folder) + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

// A certificate of its own authority for localhost and 127.0.0.1.
bool make_certificate(const TemporaryFolder& folder) {
  std::string command = "cd FOLDER && exec 2>/dev/null && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                        "-subj /CN=authority -keyout authority.key -out authority.pem && "
                        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr && "
                        "printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' >server.ext && "
                        "openssl x509 -req -days 2 -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -extfile server.ext -out server.pem";
  replace_all(command, "FOLDER", folder.path());
  return std::system(command.c_str()) == 0;
}

bool answers(uint32_t port) {
  PlainSocket probe = PlainSocket::unconnected();
  return probe.try_connect_to(port);
}

}  // namespace

WebServer::WebServer() {
  if (program("nginx").empty() || program("openssl").empty()) {
    std::printf("SKIP: nginx or openssl is not installed\n");
    return;
  }
  std::filesystem::create_directory(folder_.file("files"));
  REQUIRE(make_certificate(folder_));
  {
    const PlainSocket one = PlainSocket::listen();
    const PlainSocket two = PlainSocket::listen();
    const PlainSocket three = PlainSocket::listen();
    port_ = one.port();
    port_h2_ = two.port();
    port_tls_ = three.port();
  }
  std::string config = kConfig;
  replace_all(config, "FOLDER", folder_.path());
  replace_all(config, "PORT1", std::to_string(port_));
  replace_all(config, "PORT2", std::to_string(port_h2_));
  replace_all(config, "PORT3", std::to_string(port_tls_));
  write_text(folder_.file("nginx.conf"), config);
  start();
}

WebServer::~WebServer() { stop(); }

void WebServer::put(const std::string& name, std::string_view bytes) const { write_text(folder_.file("files/" + name), bytes); }

void WebServer::start() {
  const std::string nginx = program("nginx");
  const std::string config = folder_.file("nginx.conf");
  const std::string log = folder_.file("error.log");
  const pid_t parent = getpid();
  pid_ = fork();
  REQUIRE_GE(pid_, 0);
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int null = open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor < 3; ++descriptor) dup2(null, descriptor);
    execl(nginx.c_str(), "nginx", "-e", log.c_str(), "-c", config.c_str(), static_cast<char*>(nullptr));
    _exit(1);
  }
  for (int i = 0; i < 1000 && !answers(port_); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  REQUIRE_MESSAGE(answers(port_), read_text(log));
}

void WebServer::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace framepump::test

#endif
