// SPDX-License-Identifier: MIT
#include "demo/client/settings.h"

namespace demo {
namespace {

constexpr uint32_t kNaiveQuantumKib = 16;  // what games that poll give recv, one call per frame

constexpr uint32_t kPeerTimeoutMs = 2'000;  // short, so that a halt of the game thread shows
constexpr uint32_t kRetryMs = 100;            // as the raw stream does: somebody looks on
constexpr uint32_t kRetryLimitMs = 2'000;

bool is_naive(const framepump::Config& config) {
  return config.threaded == 0 && config.slice_us == 0 && config.quantum_kib == kNaiveQuantumKib;
}

}  // namespace

Settings::Settings(framepump::Network& network) : network_(network) {
  const uint32_t configured_ms = network.config().stall_takeover_ms;
  guard_ms_ = configured_ms > 0 ? configured_ms : framepump::Config().stall_takeover_ms;
}

framepump::Status Settings::apply(const Options& options) {
  if (options.naive) {
    if (framepump::Status status = set_lane(Lane::naive); !status) return status;
  }
  framepump::Config config = network_.config();
  config.datagram_timeout_ms = kPeerTimeoutMs;
  config.download_retry_ms = kRetryMs;
  config.download_retry_limit_ms = kRetryLimitMs;
  if (options.slice_us) config.slice_us = *options.slice_us;
  if (!options.threaded.empty()) config.threaded = options.threaded == "on" ? 1 : 0;
  return network_.configure(config);
}

Lane Settings::lane() const {
  const framepump::Config config = network_.config();
  if (config.threaded != 0) return Lane::threaded;
  return is_naive(config) ? Lane::naive : Lane::drain;
}

framepump::Status Settings::set_lane(Lane lane) {
  framepump::Config config = network_.config();
  if (lane == Lane::naive) {
    if (!is_naive(config)) before_naive_ = config;
    config.slice_us = 0;
    config.quantum_kib = kNaiveQuantumKib;
    config.stall_takeover_ms = 0;
    config.kernel_window_kib = 0;
  } else if (is_naive(config)) {
    const framepump::Config usual = before_naive_.value_or(framepump::Config());
    config.slice_us = usual.slice_us;
    config.quantum_kib = usual.quantum_kib;
    config.stall_takeover_ms = usual.stall_takeover_ms;
    config.kernel_window_kib = usual.kernel_window_kib;
  }
  config.threaded = lane == Lane::threaded ? 1 : 0;
  return network_.configure(config);
}

framepump::Status Settings::set_slice_us(uint32_t slice_us) {
  framepump::Config config = network_.config();
  config.slice_us = slice_us;
  return network_.configure(config);
}

framepump::Status Settings::toggle_guard() {
  framepump::Config config = network_.config();
  config.stall_takeover_ms = has_guard() ? 0 : guard_ms_;
  return network_.configure(config);
}

}  // namespace demo
