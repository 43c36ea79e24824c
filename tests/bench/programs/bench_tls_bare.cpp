// SPDX-License-Identifier: MIT
//
// Bulk over TLS, with bare OpenSSL. By default on a blocking socket: what a thread of its own could reach. `--drain`: once per frame, until
// OpenSSL wants more from the socket or the slice ends, and what it read is kept to the end of the frame, as gameplay would find it;
// `--raise-window` adds a high SO_RCVLOWAT. `--connections`: so many of them instead, one after the other, each read to its end.
#include <CLI/CLI.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"
#include "bench/support/tls.h"

namespace bench = framepump::bench;

namespace {

constexpr size_t kChunkBytes = 256 * 1024;  // as the other bare readers; a call gives one record
constexpr size_t kFrameBytes = size_t{64} << 20;

nlohmann::json run_blocking(SSL* session, bench::ByteHash& hash) {
  std::vector<char> chunk(kChunkBytes);
  const int64_t start_us = bench::wall_us();
  const int64_t start_cpu_us = bench::thread_cpu_us();
  for (int got = 1; (got = SSL_read(session, chunk.data(), kChunkBytes)) > 0;) hash.add(chunk.data(), static_cast<size_t>(got));
  nlohmann::json report;
  report["seconds"] = static_cast<double>(bench::wall_us() - start_us) / 1e6;
  report["reader_cpu_seconds"] = static_cast<double>(bench::thread_cpu_us() - start_cpu_us) / 1e6 - hash.seconds();
  return report;
}

// False at the end of the stream.
bool drain(SSL* session, int64_t slice_us, std::vector<char>& frame, size_t& used) {
  const int64_t deadline_us = bench::wall_us() + slice_us;
  while (used + kChunkBytes <= frame.size()) {
    const int got = SSL_read(session, frame.data() + used, kChunkBytes);
    if (got <= 0) return SSL_get_error(session, got) == SSL_ERROR_WANT_READ;
    used += static_cast<size_t>(got);
    if (bench::wall_us() >= deadline_us) return true;
  }
  return true;
}

nlohmann::json run_frames(SSL* session, const bench::ReaderOptions& options, bench::ByteHash& hash) {
  bench::set_nonblocking(SSL_get_fd(session));
  bench::FrameLoop frames(options.frames_per_s);
  std::vector<char> frame(kFrameBytes);
  for (bool is_open = true; is_open;) {
    size_t used = 0;
    frames.wait_for_frame();
    frames.tick_begins();
    is_open = drain(session, options.slice_us, frame, used);
    frames.tick_ends();
    hash.add(frame.data(), used);
  }
  return bench::frame_report(frames, options);
}

// Whether the stream brings just so many bytes of the senders'.
bool is_right(SSL* session, uint64_t bytes) {
  std::vector<char> got(bytes + 1);
  size_t used = 0;
  for (int more = 1; more > 0 && used < got.size(); used += static_cast<size_t>(std::max(more, 0))) {
    more = SSL_read(session, got.data() + used, static_cast<int>(got.size() - used));
  }
  return used == bytes && std::memcmp(got.data(), bench::content().data(), bytes) == 0;
}

int run_connections(SSL_CTX* context, const bench::ReaderOptions& options, uint32_t count) {
  uint32_t right = 0;
  (void)bench::content();  // made before the clock starts
  const int64_t start_us = bench::wall_us(), start_cpu_us = bench::process_cpu_us();
  for (uint32_t i = 0; i < count; ++i) {
    const int descriptor = bench::tcp_connect(options.host, options.port);
    const bench::TlsSession session = bench::tls_connect(context, descriptor);
    right += is_right(session.get(), options.bytes);
    close(descriptor);
  }
  const double seconds = static_cast<double>(bench::wall_us() - start_us) / 1e6;
  const nlohmann::json report = {{"seconds", seconds}, {"connections_per_s", count / seconds}, {"verified", right == count},
                                 {"cpu_us_each", static_cast<double>(bench::process_cpu_us() - start_cpu_us) / count}};
  std::printf("%s\n", report.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reads one TLS stream with bare OpenSSL.");
  bench::ReaderOptions options;
  options.add_to(app);
  std::string ca_file;
  bool is_draining = false, is_window_raised = false;
  app.add_option("--ca-file", ca_file, "PEM file of the authority to believe")->required();
  app.add_flag("--drain", is_draining, "once per frame instead of blocking");
  app.add_flag("--raise-window", is_window_raised, "set SO_RCVLOWAT as high as it goes");
  uint32_t connections = 0;
  app.add_option("--connections", connections, "this many, one after the other");
  CLI11_PARSE(app, argc, argv);

  // Made and connected before the clock starts, as everybody's.
  const bench::TlsContext context = bench::tls_client(ca_file);
  if (connections > 0) return run_connections(context.get(), options, connections);
  const int descriptor = bench::tcp_connect(options.host, options.port);
  const bench::TlsSession session = bench::tls_connect(context.get(), descriptor);
  const int most = INT32_MAX;  // the kernel takes what it allows
  if (is_window_raised && setsockopt(descriptor, SOL_SOCKET, SO_RCVLOWAT, &most, sizeof(most)) != 0) bench::die_errno("SO_RCVLOWAT");
  bench::ByteHash hash;
  nlohmann::json report = is_draining ? run_frames(session.get(), options, hash) : run_blocking(session.get(), hash);
  bench::print_report(std::move(report), hash, options.bytes);
}
