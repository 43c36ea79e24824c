// SPDX-License-Identifier: MIT
//
// The other end of the bulk benchmarks: sends the same bytes to everyone who connects, with blocking calls, and closes. Prints its port,
// the number of bytes and their hash as one line of JSON; ends when its standard input does.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "bench/support/bytes.h"
#include "bench/support/tcp.h"
#include "bench/support/tls.h"

namespace bench = framepump::bench;

namespace {

// The reader's end of a connection. How many bytes a call took or gave; 0 or less: the reader has gone.
struct Peer {
  std::function<int64_t(const void* bytes, size_t size_bytes)> write;
  std::function<int64_t(void* bytes, size_t size_bytes)> read;
};

struct Options {
  std::string host = "127.0.0.1", congestion, certificate_file, key_file;
  uint16_t port = 0;
  uint64_t bytes = 115'000'000;
  bool is_http = false;

  void add_to(CLI::App& app) {
    app.add_option("--host", host, "numeric address to listen on")->capture_default_str();
    app.add_option("--port", port, "port to listen on; 0 takes a free one")->capture_default_str();
    app.add_option("--bytes", bytes, "bytes for each connection")->capture_default_str();
    app.add_option("--congestion", congestion, "congestion control, as the kernel names it (default: the system's)");
    app.add_option("--certificate", certificate_file, "speak TLS, with this PEM file");
    app.add_option("--key", key_file, "and this one");
    app.add_flag("--http", is_http, "send them as the answer to a request, whatever it asks for");
  }
};

void send_content(const Peer& peer, uint64_t size_bytes) {
  constexpr size_t kChunkBytes = 256 * 1024;
  const auto block = bench::content();
  for (uint64_t sent = 0; sent < size_bytes;) {
    const size_t at = sent % block.size();
    const size_t wanted = std::min({kChunkBytes, block.size() - at, static_cast<size_t>(size_bytes - sent)});
    const int64_t took = peer.write(block.data() + at, wanted);
    if (took <= 0) break;  // the reader has gone: its own report says so
    sent += static_cast<uint64_t>(took);
  }
}

// False: the reader has gone before it asked for something.
bool read_request(const Peer& peer) {
  constexpr size_t kLongestBytes = 64 * 1024;
  std::string request;
  char chunk[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const int64_t got = peer.read(chunk, sizeof(chunk));
    if (got <= 0 || request.size() > kLongestBytes) return false;
    request.append(chunk, static_cast<size_t>(got));
  }
  return true;
}

void answer(const Peer& peer, const Options& options) {
  if (options.is_http) {
    if (!read_request(peer)) return;
    const std::string header = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(options.bytes) + "\r\nConnection: close\r\n\r\n";
    if (peer.write(header.data(), header.size()) != static_cast<int64_t>(header.size())) return;
  }
  send_content(peer, options.bytes);
}

// `tls`: null for a plain stream.
void serve(int descriptor, SSL_CTX* tls, const Options& options) {
  if (tls == nullptr) {
    answer({[&](const void* bytes, size_t size) { return send(descriptor, bytes, size, MSG_NOSIGNAL); },
            [&](void* bytes, size_t size) { return recv(descriptor, bytes, size, 0); }}, options);
  } else if (const bench::TlsSession session = bench::tls_accept(tls, descriptor)) {
    answer({[&](const void* bytes, size_t size) { return SSL_write(session.get(), bytes, static_cast<int>(size)); },
            [&](void* bytes, size_t size) { return SSL_read(session.get(), bytes, static_cast<int>(size)); }}, options);
    SSL_shutdown(session.get());
  }
  shutdown(descriptor, SHUT_WR);
  char rest[256];
  while (recv(descriptor, rest, sizeof(rest), 0) > 0) {
  }
  close(descriptor);
}

// The sender ends with whoever started it, also when that one is killed.
void end_with_stdin() {
  char rest[64];
  while (read(STDIN_FILENO, rest, sizeof(rest)) > 0) {
  }
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sends bytes to everyone who connects.");
  Options options;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);
  const bench::TlsContext tls = options.certificate_file.empty() ? nullptr : bench::tls_server(options.certificate_file, options.key_file);

  const int listener = bench::tcp_listen(options.host, options.port);
  const std::string& congestion = options.congestion;
  if (!congestion.empty() && setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, congestion.c_str(),
                                        static_cast<socklen_t>(congestion.size())) != 0) {
    bench::die_errno("congestion control '" + congestion + "'");
  }
  const std::string hash = bench::content_hash(options.bytes);  // makes the content too, before the first reader's clock runs
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  std::thread(end_with_stdin).detach();
  std::printf("{\"port\":%u,\"bytes\":%llu,\"hash\":\"%s\"}\n", bench::local_port(listener),
              static_cast<unsigned long long>(options.bytes), hash.c_str());
  std::fflush(stdout);
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) bench::die_errno("accept");
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::thread(serve, connection, tls.get(), std::cref(options)).detach();
  }
}
