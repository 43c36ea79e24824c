// SPDX-License-Identifier: MIT
//
// Datagram hosts, their peers and messages: borrowed handles as those of stream.hpp. Dropping one closes nothing; using a stale
// one returns ErrorCode::stale_handle. All calls are for the thread that ticks; none blocks.
#pragma once

#include <framepump/stream.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

enum class Delivery : uint32_t {
  unreliable = FRAMEPUMP_UNRELIABLE,
  reliable = FRAMEPUMP_RELIABLE,
  unsequenced = FRAMEPUMP_UNSEQUENCED,
};

struct HostOptions : framepump_host_options {
  HostOptions() : framepump_host_options{} {
    struct_size = sizeof(framepump_host_options);
    priority = FRAMEPUMP_PRIORITY_NORMAL;
  }
  // Bound to this address; a client needs none.
  HostOptions(const char* address, uint16_t on_port) : HostOptions() {
    host = address;
    port = on_port;
  }
};

struct PeerInfo : framepump_peer_info {
  PeerInfo() : framepump_peer_info{} { struct_size = sizeof(framepump_peer_info); }
};

struct HostInfo : framepump_host_info {
  HostInfo() : framepump_host_info{} { struct_size = sizeof(framepump_host_info); }
};

// A message of the last tick. Valid, with its bytes, until the next tick.
struct Received : framepump_received {
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(payload), size_bytes}; }
  std::string_view text() const { return {static_cast<const char*>(payload), size_bytes}; }
  Delivery how() const { return static_cast<Delivery>(delivery); }
};
static_assert(sizeof(Received) == 48, "a message is an array element of the C interface");

// The other end of a connection. Its life is events: connected or accepted, then closed with a reason.
class Peer : public Handle {
 public:
  using Handle::Handle;

  // Errors: not_yet (not connected), closed, no_room (a writable event follows), too_large.
  Status send(std::span<const std::byte> bytes, Delivery delivery = Delivery::reliable, uint32_t channel = 0) const {
    return status(api_->send(value_, channel, bytes.data(), bytes.size(), static_cast<uint32_t>(delivery)));
  }
  Status send(std::string_view text, Delivery delivery = Delivery::reliable, uint32_t channel = 0) const {
    return send(std::as_bytes(std::span(text)), delivery, channel);
  }
  // Graceful: what was sent reliably still arrives. The closed event follows.
  Status close() const { return status(api_->close(value_)); }
  Status abort() const { return status(api_->abort(value_)); }
  Result<PeerInfo> info() const {
    PeerInfo info;
    const uint32_t error = api_->peer_info(value_, &info);
    if (error != FRAMEPUMP_OK) return status(error).error();
    return info;
  }
};

// A UDP socket and its peers.
class Host : public Handle {
 public:
  using Handle::Handle;

  uint16_t port() const {  // 0 for a stale handle
    uint32_t port = 0;
    api_->host_port(value_, &port);
    return static_cast<uint16_t>(port);
  }
  // Starts to connect; the outcome is an event. The other side's accepted event carries `data`.
  Result<Peer> connect(const char* address, uint16_t port, uint32_t data = 0) const {
    const framepump_endpoint endpoint = {sizeof(endpoint), 0, address, port, FRAMEPUMP_PRIORITY_NORMAL, 0, nullptr};
    framepump_handle peer = 0;
    const uint32_t error = api_->peer_connect(value_, &endpoint, data, &peer);
    if (error != FRAMEPUMP_OK) return status(error).error();
    return Peer(api_, peer);
  }
  Status broadcast(std::span<const std::byte> bytes, Delivery delivery = Delivery::reliable, uint32_t channel = 0) const {
    return status(api_->broadcast(value_, channel, bytes.data(), bytes.size(), static_cast<uint32_t>(delivery)));
  }
  Status broadcast(std::string_view text, Delivery delivery = Delivery::reliable, uint32_t channel = 0) const {
    return broadcast(std::as_bytes(std::span(text)), delivery, channel);
  }
  // Graceful: tells every peer, and closes the socket when they know or stream.linger_ms is over.
  Status close() const { return status(api_->close(value_)); }
  Status abort() const { return status(api_->abort(value_)); }
  Result<HostInfo> info() const {
    HostInfo info;
    const uint32_t error = api_->host_info(value_, &info);
    if (error != FRAMEPUMP_OK) return status(error).error();
    return info;
  }
};

}  // namespace v0
}  // namespace framepump
