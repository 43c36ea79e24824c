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

// How many bytes of these the stream took; 0 or less: the reader has gone.
using Write = std::function<int64_t(const void* bytes, size_t size_bytes)>;

void send_content(const Write& write, uint64_t size_bytes) {
  constexpr size_t kChunkBytes = 256 * 1024;
  const auto block = bench::content();
  for (uint64_t sent = 0; sent < size_bytes;) {
    const size_t at = sent % block.size();
    const size_t wanted = std::min({kChunkBytes, block.size() - at, static_cast<size_t>(size_bytes - sent)});
    const int64_t took = write(block.data() + at, wanted);
    if (took <= 0) break;  // the reader has gone: its own report says so
    sent += static_cast<uint64_t>(took);
  }
}

// `tls`: null for a plain stream.
void serve(int descriptor, SSL_CTX* tls, uint64_t size_bytes) {
  if (tls == nullptr) {
    send_content([&](const void* bytes, size_t size) { return send(descriptor, bytes, size, MSG_NOSIGNAL); }, size_bytes);
  } else if (const bench::TlsSession session = bench::tls_accept(tls, descriptor)) {
    send_content([&](const void* bytes, size_t size) { return SSL_write(session.get(), bytes, static_cast<int>(size)); }, size_bytes);
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
  std::string host = "127.0.0.1", congestion, certificate_file, key_file;
  uint16_t port = 0;
  uint64_t bytes = 115'000'000;
  app.add_option("--host", host, "numeric address to listen on")->capture_default_str();
  app.add_option("--port", port, "port to listen on; 0 takes a free one")->capture_default_str();
  app.add_option("--bytes", bytes, "bytes for each connection")->capture_default_str();
  app.add_option("--congestion", congestion, "congestion control, as the kernel names it (default: the system's)");
  app.add_option("--certificate", certificate_file, "speak TLS, with this PEM file");
  app.add_option("--key", key_file, "and this one");
  CLI11_PARSE(app, argc, argv);
  const bench::TlsContext tls = certificate_file.empty() ? nullptr : bench::tls_server(certificate_file, key_file);

  const int listener = bench::tcp_listen(host, port);
  if (!congestion.empty() && setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, congestion.c_str(),
                                        static_cast<socklen_t>(congestion.size())) != 0) {
    bench::die_errno("congestion control '" + congestion + "'");
  }
  const std::string hash = bench::content_hash(bytes);  // makes the content too, before the first reader's clock runs
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  std::thread(end_with_stdin).detach();
  std::printf("{\"port\":%u,\"bytes\":%llu,\"hash\":\"%s\"}\n", bench::local_port(listener), static_cast<unsigned long long>(bytes),
              hash.c_str());
  std::fflush(stdout);
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) bench::die_errno("accept");
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::thread(serve, connection, tls.get(), bytes).detach();
  }
}
