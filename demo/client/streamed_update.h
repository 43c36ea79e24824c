// SPDX-License-Identifier: MIT
#pragma once

#include <xxhash.h>
#include <framepump/framepump.hpp>

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "demo/client/expected_hash.h"
#include "demo/client/update.h"
#include "demo/protocol/address.h"

namespace demo {

// Streams the update: connects, asks, hashes every byte as it comes. When the connection is refused or dies it says so, waits a
// little longer each time, and goes on where it stopped.
class StreamedUpdate final : public Update {
 public:
  StreamedUpdate(framepump::Network& network, const framepump_api& api, HostPort server, ExpectedHash& expected);
  ~StreamedUpdate() override;
  StreamedUpdate(const StreamedUpdate&) = delete;
  StreamedUpdate& operator=(const StreamedUpdate&) = delete;

  // False: leaves what arrives unread, so that the server has to wait.
  void set_reading(bool reads) override { reads_ = reads; }
  void update(int64_t now_us) override;
  UpdateSight sight(int64_t now_us) const override;
  framepump::Stream stream() const override { return stream_; }

 private:
  enum class State { waiting, connecting, asked, receiving, verifying, finished };

  uint64_t size_bytes() const { return expected_.size_bytes(); }
  void connect(int64_t now_us);
  void on_event(const framepump::Event& event, int64_t now_us);
  void read_response();
  void receive(int64_t now_us);
  void give_up_when_quiet(int64_t now_us);
  void give_up(const std::string& why);
  void end(int64_t now_us);
  void verify();
  void retry_later(const std::string& why, int64_t now_us);

  struct FreeHash {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  framepump::Network& network_;
  const framepump_api& api_;
  HostPort server_;
  ExpectedHash& expected_;
  bool reads_ = true;
  uint64_t received_bytes_ = 0;
  State state_ = State::waiting;
  framepump::Stream stream_;
  std::unique_ptr<XXH3_state_t, FreeHash> hash_;
  bool is_verified_ = false;
  int64_t begin_us_ = 0;
  int64_t end_us_ = 0;
  int64_t heard_at_us_ = 0;  // when the server last sent something
  std::string trouble_;      // why we gave this connection up; empty: we did not
  int64_t retry_at_us_ = 0;
  int64_t back_off_us_;
  uint32_t interruptions_ = 0;
  std::mt19937 random_{std::random_device{}()};
  std::string status_ = "waiting";
};

}  // namespace demo
