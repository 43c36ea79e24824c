// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "config/config_watcher.h"
#include "framepump/framepump.h"
#include "gate/block_pool.h"
#include "platform/growable_array.h"
#include "gate/handoff_list.h"
#include "gate/stream_gate.h"
#include "network/datagrams.h"
#include "network/downloads.h"
#include "network/event_list.h"
#include "network/handle.h"
#include "platform/host.h"
#include "platform/poller.h"
#include "platform/thread.h"
#include "pump/io_thread.h"
#include "pump/pump.h"
#include "pump/pump_token.h"
#include "sources/environment.h"
#include "sources/hot_set.h"
#include "sources/stream_extension.h"
#include "sources/resolver.h"
#include "sources/stream_table.h"
#include "sources/tcp_listener.h"
#include "sources/tls_contexts.h"
#include "sources/user_source.h"

namespace framepump {

// The subsystem: one pump, its sockets, its memory, and what gameplay sees of them. The functions are those of framepump.h, whose
// comments are their contract; the boundary has checked pointers and forwards.
//
// Calls never overlap (the boundary sees to it). Members are gameplay's own unless they say otherwise.
class Network final : public HandleMaker, public BackgroundPump, public PumpWaker {
 public:
  explicit Network(const framepump_services* services);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Once, before anything else. Takes `poller` (null: makes the configured one). `watch_path` null: no file is watched.
  uint32_t open(const framepump_config& config, const char* watch_path, Poller* poller, framepump_message& message);

  framepump_handle handle() const { return handle_; }
  const Host& host() const { return host_; }
  const char* last_error() const { return error_text_; }
  // Notes why the boundary refused a call.
  uint32_t refuse(uint32_t code, const char* text) { return fail(code, "%s", text); }
  // Calls do not overlap. One is made inside another one only by gameplay's own code that runs in that, on its thread: a guest.
  enum class Entry : uint8_t { refused, outer, inner };
  Entry enter_call() {
    if (!in_call_.exchange(true, std::memory_order_acquire)) return Entry::outer;
    return guest_thread_.load(std::memory_order_relaxed) == this_thread_mark() ? Entry::inner : Entry::refused;
  }
  void leave_call(Entry entry) {
    if (entry == Entry::outer) in_call_.store(false, std::memory_order_release);
  }

  // network.cpp
  uint32_t configure(const framepump_config& config);
  uint32_t current_config(framepump_config& config) const;
  uint32_t set_mode(uint32_t mode);
  uint32_t totals(framepump_totals& totals) const;

  // frame.cpp
  uint32_t tick(const framepump_frame& frame, framepump_tick_report* report);
  uint32_t flush();
  uint32_t wait_until(int64_t deadline_us, uint32_t until);
  uint32_t events(const framepump_event** events, uint32_t* count);
  uint32_t readable(const framepump_handle** streams, uint32_t* count);

  // endpoints.cpp
  uint32_t connect(const framepump_endpoint& endpoint, framepump_handle* stream);
  uint32_t listen(const framepump_endpoint& endpoint, framepump_handle* listener);
  uint32_t listener_port(framepump_handle listener, uint32_t* port);
  uint32_t close(framepump_handle handle);
  uint32_t abort(framepump_handle stream);
  uint32_t abort_because(framepump_handle stream, uint32_t reason, const char* text);
  uint32_t shutdown_write(framepump_handle stream);
  uint32_t set_priority(framepump_handle handle, uint32_t priority);
  uint32_t set_user_data(framepump_handle handle, uint64_t user_data);
  uint32_t stream_info(framepump_handle stream, framepump_stream_info& info);
  uint32_t tls_info(framepump_handle stream, framepump_tls_info& info);
  uint32_t add_source(const framepump_source& source, framepump_handle* handle);
  uint32_t wake_source(framepump_handle source);
  // The network goes: closes every source, while all else is still there for what they call in the end.
  void dismiss_sources();

  // reading.cpp
  uint32_t available(framepump_handle stream, uint64_t* bytes);
  uint32_t front(framepump_handle stream, const void** view, uint64_t* size_bytes);
  uint32_t run_at(framepump_handle stream, uint64_t offset_bytes, const void** view, uint64_t* size_bytes);
  uint32_t peek(framepump_handle stream, uint64_t size_bytes, const void** view);
  uint32_t read(framepump_handle stream, void* buffer, uint64_t capacity_bytes, uint64_t* taken);
  uint32_t consume(framepump_handle stream, uint64_t size_bytes);

  // writing.cpp
  uint32_t write(framepump_handle stream, const void* bytes, uint64_t size_bytes, uint64_t* taken);
  uint32_t write_all(framepump_handle stream, const void* bytes, uint64_t size_bytes);
  uint32_t write_parts(framepump_handle stream, const framepump_part* parts, uint32_t count);
  uint32_t reserve(framepump_handle stream, uint64_t size_bytes, void** room);
  uint32_t commit(framepump_handle stream, uint64_t size_bytes);

  // arrivals.cpp
  uint32_t watch_arrivals(framepump_handle stream, uint32_t on);
  uint32_t arrival(framepump_handle stream, uint64_t offset_bytes, framepump_arrival& arrival);

  // datagrams.cpp
  struct Message {
    uint32_t channel;
    const void* bytes;
    uint64_t size_bytes;
    uint32_t delivery;
  };
  uint32_t host_open(const framepump_host_options& options, framepump_handle* host);
  uint32_t host_port(framepump_handle host, uint32_t* port);
  uint32_t peer_connect(framepump_handle host, const framepump_endpoint& endpoint, uint32_t data, framepump_handle* peer);
  uint32_t send(framepump_handle peer, const Message& message);
  uint32_t broadcast(framepump_handle host, const Message& message);
  uint32_t messages(const framepump_received** messages, uint32_t* count);
  uint32_t peer_info(framepump_handle peer, framepump_peer_info& info);
  uint32_t host_info(framepump_handle host, framepump_host_info& info);

  // downloads.cpp
  uint32_t download_start(const framepump_download_options& options, framepump_handle* handle);
  uint32_t download_info(framepump_handle download, framepump_download_info& info);
  uint32_t download_pause(framepump_handle download, uint32_t paused);

  // HandleMaker
  framepump_handle stream_handle(uint32_t index) override;

 private:
  // While gameplay's own code runs inside a call and may make calls.
  class Guest {
   public:
    explicit Guest(Network& network) : network_(network), before_(network.guest_thread_.load(std::memory_order_relaxed)) {
      network_.guest_thread_.store(this_thread_mark(), std::memory_order_relaxed);
    }
    ~Guest() { network_.guest_thread_.store(before_, std::memory_order_relaxed); }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

   private:
    Network& network_;
    const void* before_;
  };
  struct ListenerSlot {
    TcpListener* listener = nullptr;
    uint32_t generation = 0;
    uint32_t port = 0;
    bool is_live = false;
  };
  struct SourceSlot {
    UserSource* source = nullptr;
    uint32_t generation = 0;
  };
  // What can only be made once the poller is there. Outlives the streams.
  struct Parts {
    explicit Parts(const Host& network_host) : host(network_host) {}
    ~Parts();
    bool open(Network& network);

    const Host& host;
    Poller* poller = nullptr;
    Pump* pump = nullptr;
    HotSet* hot = nullptr;
    WaitingRoom* memory_waiters = nullptr;
    WaitingRoom* descriptor_waiters = nullptr;
    Resolver* resolver = nullptr;
    WaitingRoom* tls_waiters = nullptr;
    TlsContexts* tls_contexts = nullptr;
    Environment* environment = nullptr;
    std::byte* scratch = nullptr;
  };
  struct PeerPlace {
    Datagrams::HostSlot* slot = nullptr;
    PeerGate* gate = nullptr;
  };
  static constexpr uint32_t kMaxListeners = 64;
  static constexpr uint32_t kMaxSources = 1024;
  static constexpr uint32_t kTickStarts = 64;

  // network.cpp
  uint32_t fail(uint32_t code, const char* format, ...) __attribute__((format(printf, 3, 4)));
  void warm_lists();
  uint32_t fail_open(framepump_message& message, uint32_t code, const char* text);
  bool open_poller(const framepump_config& config, Poller* poller);
  void apply_keys(const framepump_config& config, KeySet keys);
  void apply_settings();
  void give_all_a_turn();
  bool update_role();
  void apply_file_changes();
  void apply_wanted_mode();
  int64_t pump_now_us() const;

  // frame.cpp
  void begin_frame(const framepump_frame& frame);
  bool pump_frame(Slice& slice, RunReport& run);
  void run_game_sources(Slice& slice, RunReport& run);
  void run_published_sources(Slice& slice, RunReport& run);
  void run_sockets(uint32_t lines, uint32_t tick_serial, Slice& slice, RunReport& run);
  void run_commands(Slice& slice, RunReport& run);
  void wake_memory_waiters();
  bool has_news() const {
    if (notice_reader_.has_more() || datagrams_.has_arrivals() || has_ended_download()) return true;
    return parts_.pump->has_ready(line_bit(Line::published));  // they wait for a tick, whatever it publishes
  }
  void wake_io_thread_if_needed();
  void finish_tick(Slice& slice, RunReport& run, uint32_t token_busy, framepump_tick_report* report);
  void report_overrun(const RunReport& run, int64_t tick_us);
  void trace_tick(const Slice& slice, const RunReport& run, bool is_overrun) const;
  const char* take_hint();
  void warn_of_unverified();
  uint32_t wait_frame_locked(int64_t deadline_us, uint32_t until);
  uint32_t wait_threaded(int64_t deadline_us, uint32_t until);

  // publish.cpp
  void end_last_frame();
  void list_missing();
  void list_readable(StreamGate& gate);
  void list_writer(StreamGate& gate);
  void list_closed(StreamGate& gate);
  void release_closed();
  void trim_readable();
  bool keep_last_block(StreamGate& gate);
  void release_last_block(TcpStream& stream, bool has_token);
  void release_silent_blocks();
  void remove_finished_sources();
  void publish(Slice& slice, RunReport& run);
  void publish_stream(StreamGate& gate, uint32_t bits);
  void publish_bytes(StreamGate& gate);
  void measure_dwell(StreamGate& gate, int64_t arrival_ns, uint64_t new_bytes);
  uint32_t ticks_since(int64_t realtime_ns) const;
  void trace_published(framepump_handle handle, int64_t arrived_us, uint64_t bytes, uint32_t frames) const;
  void publish_closed(StreamGate& gate);
  const char* closing_text(const StreamGate& gate);
  void drop_unannounced(StreamGate& gate);
  void serve_writers();
  void serve_peeks();
  bool fits_into_reserve(const StreamGate& gate) const;
  void grant_peek(uint32_t index);
  void end_peek_grant();
  void watch_peek_grant();
  framepump_event& add_event(uint32_t kind, framepump_handle handle, uint64_t user_data);

  // arrivals.cpp
  ArrivalLog* arrival_log(const StreamGate& gate) const;
  StreamExtension* extension_of(StreamGate& gate);
  ArrivalLog::FrameTime frame_time() const;
  void publish_arrivals(StreamGate& gate);

  // datagrams.cpp
  uint32_t find_host(framepump_handle handle, Datagrams::HostSlot*& slot);
  uint32_t find_peer(framepump_handle handle, PeerPlace& place);
  uint32_t place_of(const Datagrams::HostSlot& slot, const PeerGate& gate) const;
  framepump_handle peer_handle(const Datagrams::HostSlot& slot, const PeerGate& gate);
  Datagrams::HostSlot* free_host_slot();
  bool reserve_peer_lists(uint32_t opening);
  uint32_t check_datagram_address(const framepump_endpoint& endpoint, uint32_t lowest_port, const char* what,
                                  SocketAddress& address);
  uint32_t check_host_options(const framepump_host_options& options, EnetOptions& wanted);
  uint32_t check_message(const EnetHost& host, uint32_t channels, const Message& message);
  uint32_t check_room(const EnetHost& host, const SendLedger& ledger, const Message& message);
  Datagram* take_command(DatagramKind kind);
  void give_command(EnetHost& host, Datagram& given);
  uint32_t queue_message(EnetHost& host, SendLedger& ledger, const PeerGate* to, const Message& message);
  static bool is_leaving(uint8_t state, DatagramKind how);
  uint32_t leave_peer(framepump_handle handle, DatagramKind how);
  uint32_t leave_host(framepump_handle handle, DatagramKind how);

  // publish_datagrams.cpp
  void release_datagrams();
  Datagram* next_arrival();
  void publish_datagrams(Slice& slice, RunReport& run);
  void publish_datagram(Datagram& datagram, int64_t now_us);
  void publish_message(Datagram& datagram, Datagrams::HostSlot& slot, PeerGate& gate, int64_t now_us);
  void publish_peer_closed(const Datagram& datagram, Datagrams::HostSlot& slot, PeerGate& gate);
  void serve_waiting_peers();
  void destroy_hosts();

  // downloads.cpp
  uint32_t find_download(framepump_handle handle, Downloads::Slot*& slot);
  void apply_download_settings();
  uint32_t ensure_download_service();
  Downloads::Slot* free_download_slot(uint32_t& index);
  uint32_t leave_download(framepump_handle handle, uint32_t order);
  void forget_download(uint32_t index);
  bool has_ended_download() const { return downloads_.service != nullptr && downloads_.service->untold_ends.load() > 0; }
  void publish_downloads(Slice& slice, RunReport& run);
  void forget_old_ends();
  void publish_download(DownloadGate& gate, uint32_t bits);
  void publish_download_end(DownloadGate& gate, Downloads::Slot& slot);
  void destroy_downloads();

  // BackgroundPump
  void pump_in_background() override;
  int64_t next_timer_us() override;
  bool may_sleep() override;
  void on_takeover() override;

  // PumpWaker
  void wake_pump() override;

  // lookups
  TcpStream* live_stream(Handle parts) const;
  uint32_t find_stream(framepump_handle handle, TcpStream*& stream);
  uint32_t find_listener(framepump_handle handle, ListenerSlot*& slot);
  uint32_t find_source(framepump_handle handle, SourceSlot*& slot);
  uint32_t stale(framepump_handle handle, const char* wanted);
  uint32_t first_generation() const;
  framepump_handle make_handle(HandleKind kind, uint32_t index, uint32_t generation) const;
  TcpStream& stream_at(uint32_t index) { return streams_.slot(index); }
  uint64_t user_data_of(framepump_handle handle);
  framepump_handle handle_of(const StreamGate& gate) { return stream_handle(gate.index); }
  void command(Commandable& target, uint32_t bits) {
    commands_.post(target, bits);
    is_command_urgent_ |= bits != kCommandReclaim;
  }
  uint32_t check_port(const framepump_endpoint& endpoint, uint32_t lowest_port, const char* what);
  uint32_t check_endpoint(const framepump_endpoint& endpoint, uint32_t lowest_port, const char* what, SocketAddress& address);
  uint32_t make_connector(const framepump_endpoint& endpoint, StreamExtension*& extension);
  uint32_t check_tls(const framepump_endpoint& endpoint, TlsRole role, const char* what);
  bool secure_client(TcpStream& stream, const framepump_endpoint& endpoint);
  uint32_t fail_socket(const char* what, const SocketAddress& address, const IoResult& result);
  ListenerSlot* free_listener_slot();
  void leave_stream(TcpStream& stream, uint32_t command_bit);
  void close_listener(ListenerSlot& slot);
  void close_source(uint32_t index);

  // writing
  uint32_t check_writable(framepump_handle handle, TcpStream*& stream);
  uint64_t write_share(uint64_t free_bytes) const;
  uint64_t write_room(const TcpStream& stream) const;
  uint64_t largest_write(const TcpStream& stream) const;
  Block* take_send_block(TcpStream& stream, uint64_t wanted_bytes);
  Block* take_shared_send_block(const StreamGate& gate, uint64_t wanted_bytes);
  uint64_t write_some(TcpStream& stream, const void* bytes, uint64_t size_bytes);
  uint32_t write_bytes(framepump_handle handle, const char* what, std::span<const framepump_part> parts, uint64_t size_bytes);
  bool write_everything(TcpStream& stream, std::span<const framepump_part> parts, uint64_t size_bytes);
  void give_back_list(Block* list);
  void after_write(TcpStream& stream);
  void drop_reservation(StreamGate& gate);
  void want_writable(StreamGate& gate, uint64_t refused_bytes);

  SocketSystem socket_system_;
  Host host_;
  framepump_handle handle_ = 0;
  framepump_config config_ = {};
  LiveSettings settings_;
  uint64_t peek_limit_bytes_ = 0;
  Counters counters_;
  BlockPool pool_;
  HandoffList commands_;  // gameplay to pump
  HandoffList notices_;   // pump to gameplay
  HandoffReader notice_reader_{notices_};
  PumpToken token_;

  // The token holder's.
  HandoffReader command_reader_{commands_};
  Parts parts_{host_};
  int64_t pump_time_us_ = INT64_MIN;  // of the newest run: time never goes back
  std::atomic<uint64_t> seen_given_back_{0};

  StreamTable streams_{host_};
  ListenerSlot listeners_[kMaxListeners];
  GrowableArray<SourceSlot> sources_{host_};
  Datagrams datagrams_{host_};
  Downloads downloads_{host_};

  IoThread* io_ = nullptr;
  WakeSignal game_wake_;
  WaitSet* game_wait_set_ = nullptr;
  ConfigWatcher watcher_;
  FileThread files_{host_};  // after what it works on
  std::atomic<bool> game_waits_for_data_{false};
  std::atomic<uint64_t> guard_takeovers_{0};
  std::atomic<int64_t> frame_minus_monotonic_us_{0};

  uint32_t mode_ = FRAMEPUMP_MODE_FRAME_LOCKED;
  uint32_t wanted_mode_ = FRAMEPUMP_MODE_FRAME_LOCKED;
  uint64_t frame_number_ = 0;
  int64_t frame_now_us_ = 0;
  int64_t io_woken_at_us_ = 0;       // by gameplay's calls; of the frame's clock
  bool is_command_urgent_ = false;   // some command that may not be taken yet wants more than memory given back
  int64_t frame_realtime_ns_ = 0;
  int64_t tick_began_us_ = 0;     // both on services.now_us, of the newest tick; for traces
  int64_t publish_began_us_ = 0;
  uint32_t tick_serial_ = 0;
  bool has_ticked_ = false;
  int64_t tick_starts_ns_[kTickStarts] = {};  // realtime, newest at tick_count_ % kTickStarts
  uint64_t tick_count_ = 0;

  EventList events_{host_};
  GrowableArray<framepump_handle> readable_{host_};
  GrowableArray<framepump_handle> emptied_{host_};  // read out, but with their last block
  uint32_t emptied_limit_ = 0;
  uint32_t emptied_hand_ = 0;
  uint32_t emptied_way_ = 0;  // of the hand, not gone yet; in parts of a stream
  GrowableArray<uint32_t> closed_{host_};   // published as closed, not yet released
  GrowableArray<uint32_t> writers_{host_};  // with unsent bytes or waiting for room
  GrowableArray<uint32_t> peeks_{host_};    // incomplete, or were; looked through while somebody lacks memory
  bool is_stream_missing_ = false;          // on one of these, for lack of memory
  uint32_t peek_grant_index_ = UINT32_MAX;
  uint64_t peek_grant_arrived_ = 0;         // of its stream, at the last tick
  uint32_t peek_grant_quiet_ticks_ = 0;     // in which nothing more arrived
  uint64_t published_bytes_ = 0;            // in this tick
  uint64_t reported_received_bytes_ = 0;
  uint64_t reported_sent_bytes_ = 0;
  uint64_t reported_accepts_ = 0;
  uint32_t told_hints_ = 0;
  uint64_t told_takeovers_ = 0;
  framepump_totals totals_ = {};
  bool has_unverified_ = false;             // some TLS stream believes anybody
  bool told_unverified_ = false;
  int64_t told_refused_us_ = INT64_MIN;     // of the frame's clock: when a failed handshake was logged
  uint64_t untold_refused_ = 0;

  bool is_leaving_ = false;  // it takes no more sources
  std::atomic<bool> in_call_{false};
  std::atomic<const void*> guest_thread_{nullptr};  // its mark; null: nobody may make calls inside the one under way
  char error_text_[512] = "no error";
};

}  // namespace framepump
