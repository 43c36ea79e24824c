// SPDX-License-Identifier: MIT
//
// Opening and closing, settings, mode.
#include "network/network.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "network/registry.h"
#include "platform/clock.h"

namespace framepump {
namespace {

uint64_t kib(uint32_t value) { return uint64_t{value} * 1024; }

uint64_t receive_limit_in_force(const framepump_config& config) {
  return std::min(kib(config.receive_limit_kib), kib(config.budget_kib) / 4);
}

// Two reserves of this size are set aside, so it may only be a small part of the budget.
uint64_t peek_limit_in_force(const framepump_config& config) {
  return std::min(kib(config.receive_limit_kib), kib(config.budget_kib) / 16);
}

}  // namespace

Network::Network(const framepump_services* services) : host_(services) {}

Network::~Network() {
  if (downloads_.service != nullptr) downloads_.service->shut_down();
  files_.stop();
  host_.destroy(io_);  // joins its thread: from here on everything is ours
  if (handle_ != 0) unregister_network(handle_);
  streams_.destroy_all();  // first: they leave the pump's lists, in which the others are their neighbours
  for (ListenerSlot& slot : listeners_) host_.destroy(slot.listener);
  for (SourceSlot& slot : sources_.span()) host_.destroy(slot.source);
  destroy_hosts();
  destroy_downloads();
  delete game_wait_set_;
}

uint32_t Network::fail(uint32_t code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error_text_, sizeof(error_text_), format, arguments);
  va_end(arguments);
  return code;
}

uint32_t Network::fail_open(framepump_message& message, uint32_t code, const char* text) {
  message.code = code;
  std::snprintf(message.text, sizeof(message.text), "%s", text);
  return code;
}

// What would otherwise be allocated by the tick that first has something to list. Without memory for it now, that tick tries again; but
// then no stream keeps its last block.
void Network::warm_lists() {
  constexpr uint32_t kCrowdInATick = 512;
  events_.warm(kCrowdInATick);
  (void)readable_.make_room();
  constexpr uint64_t kKeptPartOfBudget = 16;
  const uint64_t kept_blocks = kib(config_.budget_kib) / kKeptPartOfBudget / kSmallBlockBytes;
  emptied_limit_ = static_cast<uint32_t>(std::min<uint64_t>(kept_blocks, config_.limit_streams));
  if (!emptied_.reserve(emptied_limit_)) emptied_limit_ = 0;
  (void)writers_.make_room();
  (void)peeks_.make_room();
  (void)closed_.make_room();
}

uint32_t Network::open(const framepump_config& config, const char* watch_path, Poller* poller, framepump_message& message) {
  if (!socket_system_.start()) return fail_open(message, FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED, "cannot open the network: the system has no sockets to give");
  config_ = config;
  peek_limit_bytes_ = peek_limit_in_force(config);
  apply_settings();
  constexpr uint64_t kOtherDescriptors = 256;  // the game's files, and ours that are no streams
  reserve_descriptors(config.limit_streams + kOtherDescriptors);
  if (!open_poller(config, poller)) {
    return fail_open(message, FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED, "cannot make the poller: out of file descriptors or memory");
  }
  if (!pool_.open(host_, kib(config.budget_kib), peek_limit_bytes_) || !parts_.open(*this) ||
      !streams_.open(*parts_.environment, config.limit_streams)) {
    return fail_open(message, FRAMEPUMP_ERROR_OUT_OF_MEMORY, "cannot open the network: the allocator returned null");
  }
  pool_.warm(receive_limit_in_force(config) + kLargeBlockBytes);  // as much as one stream brings in a frame, small blocks beside it
  warm_lists();
  handle_ = register_network(this);
  if (handle_ == 0) return fail_open(message, FRAMEPUMP_ERROR_LIMIT_REACHED, "63 networks are open, which is the most there can be");
  mode_ = wanted_mode_ = config.threaded != 0 ? FRAMEPUMP_MODE_THREADED : FRAMEPUMP_MODE_FRAME_LOCKED;
  if (!update_role()) {
    return fail_open(message, FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED, "cannot start the IO thread: no thread or descriptor to be had");
  }
  if (watch_path != nullptr && !watcher_.start(watch_path, config, files_)) {
    return fail_open(message, FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED, "cannot start the file thread: no thread or descriptor to be had");
  }
  return FRAMEPUMP_OK;
}

bool Network::open_poller(const framepump_config& config, Poller* poller) {
  parts_.poller = poller;
  if (poller == nullptr && config.backend == FRAMEPUMP_BACKEND_EPOLL) parts_.poller = make_epoll_poller();
  if (parts_.poller == nullptr) parts_.poller = make_poll_poller();  // also where there is no epoll
  if (parts_.poller == nullptr || !game_wake_.open()) return false;
  game_wait_set_ = parts_.poller->make_wait_set();
  return game_wait_set_ != nullptr;
}

bool Network::Parts::open(Network& network) {
  scratch = static_cast<std::byte*>(host.allocate(kLargeBlockBytes, alignof(std::max_align_t)));
  pump = host.create<Pump>(host, *poller);
  if (scratch == nullptr || pump == nullptr) return false;
  hot = host.create<HotSet>(host, *pump, network.settings_, network.counters_);
  memory_waiters = host.create<WaitingRoom>(host, *pump);
  descriptor_waiters = host.create<WaitingRoom>(host, *pump);
  tls_waiters = host.create<WaitingRoom>(host, *pump);
  if (hot == nullptr || memory_waiters == nullptr || descriptor_waiters == nullptr || tls_waiters == nullptr) return false;
  resolver = make_resolver({host, *pump, network.commands_, network.settings_, static_cast<PumpWaker&>(network)});
  if (resolver == nullptr && has_names()) return false;
  environment = host.create<Environment>(Environment{host, *pump, network.pool_, network.notices_, *hot, network.streams_,
                                                     *memory_waiters, *descriptor_waiters, network.settings_, network.counters_, resolver,
                                                     scratch, *tls_waiters});
  tls_contexts = host.create<TlsContexts>(host, network.files_, network.commands_, *tls_waiters, static_cast<PumpWaker&>(network));
  network.io_ = host.create<IoThread>(host, network.token_, *poller, static_cast<BackgroundPump&>(network));
  return environment != nullptr && network.io_ != nullptr && tls_contexts != nullptr;
}

Network::Parts::~Parts() {
  host.destroy(tls_contexts);
  host.destroy(environment);
  destroy_resolver(host, resolver);
  host.destroy(tls_waiters);
  host.destroy(descriptor_waiters);
  host.destroy(memory_waiters);
  host.destroy(hot);
  host.destroy(pump);
  host.release(scratch, kLargeBlockBytes, alignof(std::max_align_t));
  delete poller;
}

uint32_t Network::configure(const framepump_config& config) {
  framepump_message message = {};
  if (!validate(config, message)) return fail(FRAMEPUMP_ERROR_CONFIG, "%s", message.text);
  const KeySet changed = differing_keys(config, config_);
  const KeySet restart = changed & keys_of(KeyChange::restart);
  if (restart != 0) {
    char names[256];
    list_keys(restart, names);
    return fail(FRAMEPUMP_ERROR_NEEDS_RESTART, "%s cannot change while the network is open", names);
  }
  apply_keys(config, changed);
  return FRAMEPUMP_OK;
}

uint32_t Network::current_config(framepump_config& config) const {
  const uint32_t size = std::min<uint32_t>(config.struct_size, sizeof(config_));
  framepump_config copy = config_;
  copy.struct_size = config.struct_size;
  copy.threaded = wanted_mode_ == FRAMEPUMP_MODE_THREADED;
  std::memcpy(&config, &copy, size);
  return FRAMEPUMP_OK;
}

void Network::apply_keys(const framepump_config& config, KeySet keys) {
  const uint32_t threaded_before = config_.threaded;
  const uint32_t idle_timeout_before = config_.idle_timeout_ms;
  copy_keys(keys & keys_of(KeyChange::live), config, config_);
  if (config_.threaded != threaded_before) {
    wanted_mode_ = config_.threaded != 0 ? FRAMEPUMP_MODE_THREADED : FRAMEPUMP_MODE_FRAME_LOCKED;
  }
  apply_settings();
  update_role();
  if (config_.idle_timeout_ms != idle_timeout_before) give_all_a_turn();
}

// Streams that are quiet have no timer for a time-out that came later; a turn sets it.
void Network::give_all_a_turn() {
  for (uint32_t index = 0; index < streams_.limit(); ++index) {
    TcpStream* stream = streams_.at(index);
    if (stream != nullptr && streams_.identity(index).is_live) command(*stream, kCommandRoom);
  }
}

void Network::apply_settings() {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  settings_.quantum_bytes.store(kib(config_.quantum_kib), kRelaxed);
  settings_.receive_limit_bytes.store(receive_limit_in_force(config_), kRelaxed);
  settings_.send_limit_bytes.store(kib(config_.send_limit_kib), kRelaxed);
  settings_.kernel_window_bytes.store(kib(config_.kernel_window_kib), kRelaxed);
  settings_.idle_timeout_us.store(int64_t{config_.idle_timeout_ms} * 1000, kRelaxed);
  settings_.linger_us.store(int64_t{config_.linger_ms} * 1000, kRelaxed);
  settings_.connect_timeout_us.store(int64_t{config_.connect_timeout_ms} * 1000, kRelaxed);
  settings_.datagram_timeout_ms.store(int64_t{config_.datagram_timeout_ms}, kRelaxed);
  settings_.keepalive_s.store(config_.keepalive_s, kRelaxed);
  settings_.dead_after_s.store(config_.dead_after_s, kRelaxed);
  settings_.names_timeout_ms.store(config_.names_timeout_ms, kRelaxed);
  settings_.names_tries.store(config_.names_tries, kRelaxed);
  settings_.names_parallel.store(config_.names_parallel, kRelaxed);
  settings_.names_cache_entries.store(config_.names_cache_entries, kRelaxed);
  settings_.names_ttl_max_s.store(config_.names_ttl_max_s, kRelaxed);
  settings_.names_attempt_delay_us.store(int64_t{config_.names_attempt_delay_ms} * 1000, kRelaxed);
  settings_.no_delay.store(config_.no_delay != 0, kRelaxed);
  settings_.delayed_acks.store(config_.delayed_acks != 0, kRelaxed);
  apply_download_settings();
}

// What the background thread is for now. False: there is no thread to be had.
bool Network::update_role() {
  settings_.is_frame_locked.store(mode_ == FRAMEPUMP_MODE_FRAME_LOCKED, std::memory_order_relaxed);
  const int64_t takeover_us = int64_t{config_.stall_takeover_ms} * 1000;
  if (mode_ == FRAMEPUMP_MODE_THREADED) return io_->set_role(IoThread::Role::pump, takeover_us);
  return io_->set_role(takeover_us > 0 ? IoThread::Role::guard : IoThread::Role::off, takeover_us);
}

uint32_t Network::set_mode(uint32_t mode) {
  if (mode > FRAMEPUMP_MODE_THREADED) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "set_mode: mode is %u, allowed are 0 (frame-locked) and 1 (threaded)", mode);
  }
  wanted_mode_ = mode;
  config_.threaded = mode == FRAMEPUMP_MODE_THREADED ? 1 : 0;
  return FRAMEPUMP_OK;
}

void Network::apply_file_changes() {
  ConfigChange change;
  while (watcher_.take(change)) {
    if (!change.accepted) {
      framepump_event& event = add_event(FRAMEPUMP_EVENT_CONFIG_REFUSED, 0, 0);
      event.text = events_.text("%s", change.message.text);
      host_.log(FRAMEPUMP_LOG_WARNING, change.message.text);
      continue;
    }
    char live[400];
    char restart[400];
    const KeySet restart_keys = change.changed & keys_of(KeyChange::restart);
    list_keys(change.changed & ~restart_keys, live);
    list_keys(restart_keys, restart);
    apply_keys(change.config, change.changed);
    framepump_event& event = add_event(FRAMEPUMP_EVENT_CONFIG_RELOADED, 0, 0);
    event.text = events_.text("%s%s%s%s", live, restart_keys != 0 && live[0] != 0 ? "; " : "", restart,
                              restart_keys != 0 ? " (in force after a restart)" : "");
    host_.log(FRAMEPUMP_LOG_INFO, event.text != nullptr ? event.text : live);
  }
}

void Network::apply_wanted_mode() {
  if (wanted_mode_ == mode_) return;
  const uint32_t mode_before = mode_;
  mode_ = wanted_mode_;
  if (!update_role()) {  // stay as we were, and say so
    mode_ = wanted_mode_ = mode_before;
    config_.threaded = mode_ == FRAMEPUMP_MODE_THREADED ? 1 : 0;
    framepump_event& event = add_event(FRAMEPUMP_EVENT_CONFIG_REFUSED, 0, 0);
    event.text = "pump.threaded: cannot start the IO thread: no thread or descriptor to be had";
    return;
  }
  token_.forget_want();
  ++totals_.mode_switches;
  add_event(FRAMEPUMP_EVENT_MODE_SWITCHED, 0, 0).value = mode_;
  if (!host_.is_traced()) return;
  framepump_trace_event event = {};
  event.kind = FRAMEPUMP_TRACE_MODE_SWITCHED;
  event.detail = mode_;
  event.handle = handle_;
  event.begin_us = host_.now_us();
  host_.trace(event);
}

uint32_t Network::totals(framepump_totals& out) const {
  framepump_totals all = totals_;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  all.struct_size = out.struct_size;
  all.streams = counters_.open_streams.load(kRelaxed);
  all.received_bytes = counters_.received_bytes.load(kRelaxed);
  all.sent_bytes = counters_.sent_bytes.load(kRelaxed);
  all.accepts = counters_.accepts.load(kRelaxed);
  all.connects = counters_.connects.load(kRelaxed);
  all.closes = counters_.closes.load(kRelaxed);
  all.accept_pauses = counters_.accept_pauses.load(kRelaxed);
  all.tls_handshakes = counters_.tls_handshakes.load(kRelaxed);
  all.tls_failures = counters_.tls_failures.load(kRelaxed);
  all.guard_takeovers = guard_takeovers_.load(kRelaxed);
  all.memory_used_bytes = pool_.used_bytes();
  all.memory_peak_bytes = pool_.peak_bytes();
  all.memory_budget_bytes = pool_.budget_bytes();
  all.kernel_window_bytes = parts_.hot->charged_bytes();
  std::memcpy(&out, &all, std::min<size_t>(out.struct_size, sizeof(all)));
  return FRAMEPUMP_OK;
}

}  // namespace framepump
