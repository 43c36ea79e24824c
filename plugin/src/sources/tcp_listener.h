// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "gate/handoff_list.h"
#include "platform/socket.h"
#include "pump/pump.h"
#include "sources/commandable.h"
#include "sources/environment.h"
#include "sources/hot_set.h"

namespace framepump {

class TcpStream;
class TlsContext;

// Makes the handle of an accepted stream; the network's business, since it knows how handles are built. Called by the holder of the token.
class HandleMaker {
 public:
  virtual framepump_handle stream_handle(uint32_t index) = 0;

 protected:
  ~HandleMaker() = default;
};

// A listening socket. One quantum is 4 accepts, which take as long as reading 64 KiB. When descriptors run out it pauses (with edge triggering no new event would come) and
// tries again after 100 ms or as soon as one of our descriptors closes; when streams or memory run out it waits for those.
class TcpListener final : public Commandable, public Pollable, public Source {
 public:
  static constexpr uint32_t kAcceptsPerTurn = 4;

  TcpListener(Environment& environment, HandleMaker& handles);
  ~TcpListener();

  // Game thread, before kCommandOpen; the listener must be closed(). `address` is what the socket is bound to.
  // `tls` null: plain streams; else a hold on it is taken over.
  void prepare(Socket socket, const SocketAddress& address, const StreamOptions& options, HotSetting hot, uint8_t flags, uint64_t user_data,
               TlsContext* tls);
  // Game thread: after kCommandClose was carried out; it may be prepared again.
  bool is_closed() const { return is_closed_.load(std::memory_order_acquire); }

  // With the token: what kCommandClose does, ahead of it.
  void close_now();
  void on_commands(uint32_t bits, int64_t now_us) override;
  void on_ready(uint32_t readiness) override;
  Turn take_turn(const TurnContext& context) override;
  void set_wanted_priority(uint32_t priority) { wanted_priority_.store(static_cast<uint8_t>(priority), std::memory_order_relaxed); }
  void set_user_data(uint64_t user_data) { user_data_.store(user_data, std::memory_order_relaxed); }
  uint64_t user_data() const { return user_data_.load(std::memory_order_relaxed); }

 private:
  enum class AcceptOutcome : uint8_t { accepted, queue_is_empty, no_room, no_descriptor };

  // A connection that has a slot, and is not in the poller yet.
  struct Accepted {
    TcpStream* stream = nullptr;
    Socket socket;
  };

  AcceptOutcome accept_some(std::span<Accepted> accepted, uint32_t& count);
  AcceptOutcome accept_one(Accepted& accepted);
  Turn pause(Turn turn, int64_t now_us);

  Environment& environment_;
  HandleMaker& handles_;
  Socket socket_;
  SocketAddress address_;
  StreamOptions options_;
  HotSetting hot_ = HotSetting::forbidden;
  uint8_t flags_ = 0;
  bool is_polled_ = false;
  TlsContext* tls_ = nullptr;
  uint32_t memory_place_ = WaitingRoom::kNowhere;
  uint32_t descriptor_place_ = WaitingRoom::kNowhere;
  std::atomic<uint64_t> user_data_{0};
  std::atomic<uint8_t> wanted_priority_{FRAMEPUMP_PRIORITY_NORMAL};
  std::atomic<bool> is_closed_{true};
};

}  // namespace framepump
