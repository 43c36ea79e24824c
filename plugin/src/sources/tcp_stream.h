// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gate/arrival_log.h"
#include "gate/stream_gate.h"
#include "platform/features.h"
#include "platform/socket.h"
#include "pump/pump.h"
#include "sources/commandable.h"
#include "sources/environment.h"
#include "sources/hot_set.h"
#include "sources/stream_extension.h"
#include "sources/two_sides.h"

namespace framepump {

class Connector;

class TlsContext;

// A TCP stream, connected or accepted: two sources (receiving and sending have a turn each) around one socket. It is also the
// slot that its handle names; idle it must stay within 512 bytes.
//
// The socket and everything private belong to the holder of the pump token; gameplay reaches it through `gate` alone.
class TcpStream final : public Commandable, public Pollable, private ReceiveSource, private SendSource {
  enum class State : uint8_t { idle, connecting, open, finished };
  static constexpr uint32_t kDeadAfterBits = 17;  // stream.dead_after_s is at most 86400

  // Before the gate, whose first members a turn touches too: all of that lies together.
  Environment& environment_;
  HotMember hot_;
  int64_t active_at_us_ = 0;           // frame time of the last byte either way; connecting, closing: when that began
  uint32_t watch_peer_at_ms_ = 0;      // while it is watched, as bytes are on their way: look then whether its window is closed
  uint32_t rtt_sampled_ms_ = 0;
  uint32_t memory_place_ = WaitingRoom::kNowhere;
  // Its own, since a change of the setting is for new streams.
  uint32_t dead_after_s_ : kDeadAfterBits = 0;
  State state_ : 2 = State::idle;
  bool is_bulky_ : 1 = false;          // its newest turn moved more than a small block holds
  bool is_closing_ : 1 = false;        // close() was called: input is thrown away
  bool is_lingering_ : 1 = false;      // it ends when nothing moves for stream.linger_ms
  bool peer_ended_ : 1 = false;        // its end of stream was read
  bool end_is_announced_ : 1 = false;  // the end is in the kernel's queue: a short read does not mean that it is empty
  bool shutdown_wanted_ : 1 = false;
  bool is_write_shut_ : 1 = false;
  bool is_peer_spared_ : 1 = false;    // its window is closed though it answers: the dead-peer time-out is off
  bool is_peer_watched_ : 1 = false;
  bool has_short_queue_ : 1 = false;   // TCP_NOTSENT_LOWAT is set
  bool has_stamps_ : 1 = false;        // SO_TIMESTAMPNS is set
  bool is_blocked_ : 1 = false;        // counted in Counters::blocked
  bool waits_for_room_ : 1 = false;    // a plain stream: the kernel's queue is full, and the poller was asked

 public:
  StreamGate gate;

  explicit TcpStream(Environment& environment);

  // Before kCommandOpen: the handle that reports and events use.
  void set_handle(framepump_handle handle);
  // The pump accepted this connection, whose socket has these options. It finds out the local address unless the gate knows it.
  void adopt(Socket accepted, const StreamOptions& options, uint32_t priority, HotSetting hot, int64_t now_us);

  // Of its Connector, which is gone afterwards: a socket of the right kind; an attempt that is connected, which it goes on with as if it had
  // connected itself; none is.
  IoResult open_to(AddressFamily family, Socket& out) const;
  void take_connection(Socket connected, const SocketAddress& peer, const TurnContext& context);
  void fail_connect(uint8_t reason, int32_t system_code) { finish(reason, system_code); }

  // It will be a TLS stream: before kCommandOpen or adopt. `server_name` is null for an accepted one. False: no memory.
  bool secure(TlsContext& context, const char* server_name);
  // Null: a plain stream.
  TlsSession* tls() const {
    const StreamExtension* extension = gate.extension.load(std::memory_order_acquire);
    return extension == nullptr ? nullptr : extension->tls;
  }

  void on_commands(uint32_t bits, int64_t now_us) override;
  void on_ready(uint32_t readiness) override;
  uint32_t window_bytes() const { return hot_.window_bytes.load(std::memory_order_relaxed); }  // any thread
  // The network is being destroyed: closes the socket at once and frees what the queues hold.
  void destroy_now();

 private:
  // receiving (tcp_receive.cpp)
  Turn receive_turn(const TurnContext& context) override;
  Turn connecting_turn(const TurnContext& context);
  Turn read_into_queue(const TurnContext& context);
  Turn discard_input(const TurnContext& context);
  Turn look_for_reset(const TurnContext& context);
  // What a read has to do beside reading, null mostly.
  struct Extras {
    TlsSession* session;
    ArrivalLog* log;
  };
  // What one system call fills: the rest of the queue's last block, then fresh ones.
  struct ReadSpace {
    static constexpr uint32_t kMostFresh = 4;  // as much as a turn of a stream that is alone wants with the quantum of 64 KiB

    ReceiveBuffer buffers[1 + kMostFresh];
    Block* fresh[kMostFresh];
    uint32_t count = 0;
    uint32_t fresh_count = 0;
    uint64_t in_room_bytes = 0;
    uint64_t offered_bytes = 0;

    void add(std::span<std::byte> space, uint64_t wanted_bytes) {
      buffers[count] = {space.data(), std::min<uint64_t>(space.size(), wanted_bytes - offered_bytes)};
      offered_bytes += buffers[count++].size_bytes;
    }
  };
  ArrivalLog* arrivals() const;
  ReadSpace find_space(uint64_t queued_bytes, uint64_t wanted_bytes);
  void keep(const ReadSpace& space, uint64_t size_bytes);
  IoResult read_once(const Extras& extras, uint64_t wanted_bytes, uint64_t& offered_bytes, int64_t* arrival_ns);
  Block* take_receive_block(uint64_t queued_bytes);
  uint64_t receive_room(uint64_t queued_bytes) const;
  void block_receiving();
  void unblock_receiving();
  void on_received(uint64_t bytes, int64_t arrival_ns, const TurnContext& context);
  Turn on_peer_end(Turn turn, const TurnContext& context);
  void delay_ack(int64_t now_us);
  void note_talk(uint64_t bytes);
  void end_talk();
  bool is_in_crowd() const;
  void measure(int64_t arrival_ns, const TurnContext& context);
  void sample_rtt(int64_t now_us);

  // sending (tcp_send.cpp)
  Turn send_turn(const TurnContext& context) override;
  void on_opened(int64_t now_us);
  Turn begin_connect(const TurnContext& context);
  Turn continue_connect(const TurnContext& context);
  Turn on_connected(Turn turn, const TurnContext& context);
  void note_connected(int64_t now_us);
  Turn write_from_queue(const TurnContext& context);
  Turn on_all_sent(Turn turn, const TurnContext& context);
  Turn end_sending(Turn turn, const TurnContext& context);
  void watch_peer(int64_t now_us);
  int64_t watch_peer_at_us(int64_t now_us) const;

  // TLS (tcp_secure.cpp)
  void begin_handshake(TlsSession& session);
  Turn handshake_turn(TlsSession& session, const TurnContext& context);
  Turn on_handshake_done(const TurnContext& context);
  void on_ready_secure(TlsSession& session, uint32_t readiness);
  static uint32_t receiving_waits_for(const TlsSession& session);
  static uint32_t sending_waits_for(const TlsSession& session);
  IoResult discard_secure(TlsSession& session, std::span<const ReceiveBuffer> buffers);
  bool is_end_said();
  Turn fail_turn(Turn turn, const IoResult& result);
  void end_session(TlsSession& session, uint8_t reason);

  // life (tcp_stream.cpp)
  Connector* connector() const;
  void end_connector();
  void on_live_commands(uint32_t bits, int64_t now_us);
  bool start_polling(uint32_t directions);
  int64_t linger_us() const;
  int64_t next_deadline_us() const;
  bool check_deadlines(int64_t now_us);
  void watch_deadlines(Turn& turn, int64_t now_us);
  Turn finish_turn(Turn turn, uint8_t reason, int32_t system_code);
  void finish(uint8_t reason, int32_t system_code);
  void close_by_command(int64_t now_us);
  bool has_to_send() const;
  void note_dead_after(uint32_t seconds) { dead_after_s_ = seconds & ((1u << kDeadAfterBits) - 1); }
  void arm(uint32_t direction) { environment_.pump.poller().arm(socket(), static_cast<Pollable*>(this), direction); }
  // Frame time in 32 bits, to save memory: differences are right within 24 days.
  static uint32_t milliseconds(int64_t time_us) { return static_cast<uint32_t>(time_us / 1000); }
  void post(uint32_t notice_bits) { environment_.notices.post(gate, notice_bits); }
  Source& receive_side() { return static_cast<ReceiveSource&>(*this); }
  Source& send_side() { return static_cast<SendSource&>(*this); }
  const Source& receive_side() const { return static_cast<const ReceiveSource&>(*this); }
  Socket& socket() { return hot_.socket; }
};

// Ten thousand streams that say nothing are to take at most 512 bytes each, with their places in the tables.
static_assert(sizeof(void*) != 8 || sizeof(TcpStream) <= (kBitFieldsShareWords ? 488 : 496));

// What a failed call on an open stream means to gameplay.
uint8_t reason_of(IoStatus status);

}  // namespace framepump
