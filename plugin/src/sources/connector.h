// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

#include "platform/socket.h"
#include "pump/pump.h"
#include "sources/address_order.h"
#include "sources/environment.h"
#include "sources/host_name.h"
#include "sources/resolver.h"

namespace framepump {

class TcpStream;

// Brings a stream to a host name: looks the name up and lets its addresses race for the connection, as RFC 8305 says. IPv6 and IPv4 take turns;
// each has names.attempt_delay_ms before the next one is tried beside it; the first to connect wins, and its socket becomes the stream's. One
// turn begins one attempt. The stream keeps the time (stream.connect_timeout_ms) and destroys it when it has done its work or is given up.
class Connector final : public Source, private LookUp {
 public:
  // `host_name` has passed wrong_in_host_name.
  Connector(Environment& environment, const char* host_name, uint16_t port);
  ~Connector();

  // Game thread, before kCommandOpen.
  void attach(TcpStream& stream, framepump_handle handle);
  // With the token: begins.
  void open(int64_t now_us);

  Turn take_turn(const TurnContext& context) override;

  // The stream's time is over: the reason, and what was tried, into the stream's closing text.
  uint8_t give_up(int64_t now_us);

 private:
  static constexpr uint32_t kMostAttempts = 2 * kAddressesPerFamily;

  struct Attempt final : Pollable {
    Connector* connector = nullptr;
    Socket socket;
    SocketAddress peer;
    int64_t began_at_us = 0;
    IoResult failure;
    bool is_ready = false;  // the poller has news of it

    void on_ready(uint32_t) override {
      is_ready = true;
      connector->environment_.pump.make_ready(*connector);
    }
  };

  void on_answer(const NameAnswer& answer) override;
  void add(std::span<const SocketAddress> addresses);
  bool is_known(const SocketAddress& address) const;
  void plan();
  int64_t next_attempt_at_us() const;
  Attempt* finish_one();
  bool begin_attempt(int64_t now_us);
  void fail_attempt(Attempt& attempt, const IoResult& result);
  void leave_poller(Attempt& attempt);
  Turn win(Attempt& attempt, const TurnContext& context);
  Turn fail(Turn turn, int64_t now_us);
  uint8_t reason_of_attempts(int32_t& system_code) const;
  void describe_attempts(int64_t now_us);

  Environment& environment_;
  TcpStream* stream_ = nullptr;
  char host_name_[kNameBytes] = {};
  uint16_t port_;
  bool has_asked_ = false;
  bool has_heard_ = false;          // of one family at least
  bool is_answered_ = false;        // both families
  bool has_news_ = false;           // addresses that are not in order yet
  bool has_ipv6_ = false;
  uint8_t name_reason_ = 0;
  uint32_t planned_ = 0;            // in destinations_, not tried yet
  uint32_t attempt_count_ = 0;
  uint32_t under_way_ = 0;
  int64_t now_us_ = 0;
  int64_t began_at_us_ = 0;
  int64_t first_answer_at_us_ = 0;
  int64_t newest_attempt_at_us_ = 0;
  AddressFamily newest_family_ = AddressFamily::none;
  Destination destinations_[kMostAttempts];
  Attempt attempts_[kMostAttempts];
  char text_[1000] = {};
};

}  // namespace framepump
