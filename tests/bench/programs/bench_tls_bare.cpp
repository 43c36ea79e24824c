// SPDX-License-Identifier: MIT
//
// Bulk over TLS, with bare OpenSSL on a blocking socket: what a thread of its own could reach.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/support/frames.h"
#include "bench/support/reader_options.h"
#include "bench/support/tcp.h"
#include "bench/support/tls.h"

namespace bench = framepump::bench;

int main(int argc, char** argv) {
  CLI::App app("Reads one TLS stream with OpenSSL on a blocking socket.");
  bench::ReaderOptions options;
  options.add_to(app);
  std::string ca_file;
  app.add_option("--ca-file", ca_file, "PEM file of the authority to believe")->required();
  CLI11_PARSE(app, argc, argv);

  // Made and connected before the clock starts, as everybody's.
  const bench::TlsContext context = bench::tls_client(ca_file);
  const bench::TlsSession session = bench::tls_connect(context.get(), bench::tcp_connect(options.host, options.port));
  constexpr int kChunkBytes = 256 * 1024;  // as the other bare readers; a call gives one record
  std::vector<char> chunk(kChunkBytes);
  bench::ByteHash hash;
  const int64_t start_us = bench::wall_us();
  const int64_t start_cpu_us = bench::thread_cpu_us();
  for (int got = 1; (got = SSL_read(session.get(), chunk.data(), kChunkBytes)) > 0;) hash.add(chunk.data(), static_cast<size_t>(got));
  nlohmann::json report;
  report["seconds"] = static_cast<double>(bench::wall_us() - start_us) / 1e6;
  report["reader_cpu_seconds"] = static_cast<double>(bench::thread_cpu_us() - start_cpu_us) / 1e6 - hash.seconds();
  bench::print_report(std::move(report), hash, options.bytes);
}
