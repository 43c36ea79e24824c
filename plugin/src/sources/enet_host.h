// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "gate/datagram.h"
#include "gate/peer_gate.h"
#include "platform/socket.h"
#include "pump/pump.h"
#include "sources/commandable.h"
#include "sources/environment.h"
#include "sources/peer_table.h"
#include "sources/two_sides.h"

struct _ENetHost;
struct _ENetPeer;
struct _ENetEvent;
struct _ENetPacket;

namespace framepump {

struct EnetOptions {
  SocketAddress address;  // none: any
  uint32_t peers = 0;
  uint32_t channels = 0;
  uint32_t peers_per_address = 0;  // 0: any number
  uint64_t message_limit_bytes = 0;
  uint64_t queue_limit_bytes = 0;
  uint64_t receive_buffer_bytes = 0;
};

// Sums that a host keeps. One writer at a time (the token's holder), any reader.
struct HostCounters {
  std::atomic<uint64_t> received_packets{0};
  std::atomic<uint64_t> received_bytes{0};
  std::atomic<uint64_t> sent_packets{0};
  std::atomic<uint64_t> sent_bytes{0};
  std::atomic<uint64_t> received_messages{0};
  std::atomic<uint64_t> sent_messages{0};
  std::atomic<uint64_t> queue_drops{0};
  std::atomic<uint64_t> throttled{0};
  std::atomic<uint64_t> kernel_drops{0};
  std::atomic<uint64_t> refused_peers{0};
  std::atomic<uint64_t> socket_errors{0};
  std::atomic<uint64_t> allocations{0};
  std::atomic<uint32_t> connected{0};

  void reset() {
    for (std::atomic<uint64_t>* sum : {&received_packets, &received_bytes, &sent_packets, &sent_bytes, &received_messages,
                                       &sent_messages, &queue_drops, &throttled, &kernel_drops, &refused_peers,
                                       &socket_errors, &allocations}) {
      sum->store(0, std::memory_order_relaxed);
    }
    connected.store(0, std::memory_order_relaxed);
  }
};

// Messages of the library, made and destroyed without a host: any thread may. `ledger` hears of the end of one that is sent.
void* make_packet(const void* bytes, uint64_t size_bytes, uint32_t delivery, SendLedger& ledger);  // null: no memory
void destroy_packet(void* packet);
// Where the functions of ENet come from that this process has given us. False: not from where they should; `text` says so.
bool check_enet_origin(std::span<char> text);

// An ENet host: a UDP socket and its peers. Two sources: receiving is one service call and the messages that it brought, sending
// is what gameplay sent since. ENet's objects belong to the holder of the pump token.
//
// As long as a turn and memory last nothing is left queued inside ENet, since a peer that disconnects takes what is queued there along: it
// goes to gameplay's queue, and what is too much for that stays unacknowledged with its sender.
class EnetHost final : public Commandable, public Pollable, private ReceiveSource, private SendSource {
 public:
  // As many events are passed on in one turn: 256 datagrams of small messages bring about as many, and reading those costs more.
  static constexpr uint32_t kEventsPerTurn = 1024;

  EnetHost(Environment& environment, DatagramGate& gate);
  ~EnetHost();

  // ---- game thread ----

  // Before kCommandOpen, and only while it is closed. Not ok: why the socket could not be had.
  IoResult open(const EnetOptions& options, framepump_handle handle);
  void cancel_open();  // instead of kCommandOpen
  bool is_closed() const { return is_closed_.load(std::memory_order_acquire); }
  void send(Datagram& command) { commands_.push(command); }
  PeerTable& peers() { return peers_; }
  const SocketAddress& address() const { return address_; }
  const EnetOptions& options() const { return options_; }
  const HostCounters& counters() const { return counters_; }
  uint64_t granted_buffer_bytes() const { return granted_buffer_bytes_; }
  SendLedger& broadcast_ledger() { return broadcast_ledger_; }
  framepump_handle handle() const { return ReceiveSource::handle(); }
  uint32_t priority() const { return wanted_priority_.load(std::memory_order_relaxed); }
  void set_wanted_priority(uint32_t priority) {
    wanted_priority_.store(static_cast<uint8_t>(priority), std::memory_order_relaxed);
  }
  void set_user_data(uint64_t user_data) { user_data_.store(user_data, std::memory_order_relaxed); }
  uint64_t user_data() const { return user_data_.load(std::memory_order_relaxed); }

  // ---- with the token ----

  void on_commands(uint32_t bits, int64_t now_us) override;
  void on_ready(uint32_t readiness) override;
  // Frame time may be virtual, ENet's is not: so every tick looks after hosts that have peers.
  void on_tick();

 private:
  // ENet resends and pings inside of service only, and on a local network its shortest time-out is a few milliseconds.
  static constexpr int64_t kBusyStepUs = 10'000;
  enum class Cause : uint8_t { peer, timed_out };
  struct Traffic {
    uint64_t received_bytes;
    uint64_t sent_bytes;
  };

  // receiving
  Turn receive_turn(const TurnContext& context) override;
  void take_back_messages();
  struct ServiceCall;
  static int before_datagram(_ENetHost* host, _ENetEvent* event);
  bool service();
  bool pass_events_on();
  void pass_on(const _ENetEvent& event, Cause cause);
  void count_queue_drop(PeerGate& gate);
  void pass_message_on(PeerGate& gate, const _ENetEvent& event);
  static void keep_payload(Datagram& message, _ENetPacket& packet);
  void meet(_ENetPeer& peer, uint32_t data);
  void hold_full_peers();
  void hold_or_release(PeerGate& gate);
  void forgive_own_stall(int64_t now_us);
  void end_forgiveness(int64_t now_us);
  void set_time_out(_ENetPeer& peer);
  int64_t wake_step_us() const;
  Traffic count_traffic();
  void renew_figures(int64_t now_us);

  // sending
  Turn send_turn(const TurnContext& context) override;
  Datagram* next_command();
  void carry_out(Datagram& command, int64_t now_us);
  PeerGate* attached_peer(const Datagram& command);
  void send_message(const Datagram& command);
  void send_to_all(const Datagram& command);
  void count_sent(PeerGate& gate, uint64_t size_bytes, uint64_t pieces);
  uint64_t flush_wire();
  void start_connect(const Datagram& command);
  void close_peer(PeerGate& gate);
  void abort_peer(PeerGate& gate);
  void begin_closing(int64_t now_us);
  void refuse_newcomers();
  void drop_commands();

  // life
  void attach(PeerGate& gate, _ENetPeer& peer);
  void finish_peer(PeerGate& gate, uint8_t reason, uint32_t data);
  bool has_live_peers() const;
  bool check_closing(int64_t now_us);
  void finish(uint8_t reason);
  void tell(Datagram& datagram, DatagramKind kind, const PeerGate* gate) {
    datagram.host = this;
    datagram.kind = kind;
    datagram.peer = gate != nullptr ? gate->index : 0;
    chain_.add(datagram);
  }
  Source& receive_side() { return static_cast<ReceiveSource&>(*this); }
  Source& send_side() { return static_cast<SendSource&>(*this); }

  Environment& environment_;
  DatagramGate& gate_;
  EnetOptions options_;
  SocketAddress address_;
  Socket socket_;
  uint64_t granted_buffer_bytes_ = 0;
  PeerTable peers_;
  DatagramStack commands_;
  SendLedger broadcast_ledger_;
  HostCounters counters_;
  std::atomic<uint64_t> user_data_{0};
  std::atomic<uint8_t> wanted_priority_{FRAMEPUMP_PRIORITY_NORMAL};
  std::atomic<bool> is_closed_{true};

  // The token holder's.
  _ENetHost* host_ = nullptr;
  Datagram* pending_commands_ = nullptr;
  DatagramChain chain_;            // of this turn, to gameplay
  Datagram closed_;
  int64_t empty_at_us_ = 0;        // monotonic: when the socket was last seen empty
  int64_t serviced_at_us_ = 0;
  int64_t forgiving_until_us_ = 0; // 0: not
  int64_t figures_at_us_ = 0;
  int64_t closing_until_us_ = kNever;
  uint32_t events_left_ = 0;       // of this turn
  uint32_t next_serial_ = 1;
  uint32_t seen_drops_ = 0;
  bool is_one_full_ = false;       // at least one peer's queue to gameplay, and it may have to be held
  bool is_closing_ = false;
  bool has_peers_ = false;
};

}  // namespace framepump
