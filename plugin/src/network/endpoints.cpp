// SPDX-License-Identifier: MIT
//
// What handles name: making, closing and asking about streams, listeners and user sources.
#include <algorithm>
#include <cstring>

#include "network/network.h"
#include "sources/connector.h"
#include "sources/host_name.h"
#include "sources/stream_extension.h"

namespace framepump {
namespace {

constexpr const char* kKindNames[] = {"null", "network", "stream", "listener", "source", "host", "peer", "download"};

const char* kind_name(HandleKind kind) { return kKindNames[static_cast<int>(kind) <= 7 ? static_cast<int>(kind) : 0]; }

uint32_t error_of(IoStatus status) {
  switch (status) {
    case IoStatus::address_in_use: return FRAMEPUMP_ERROR_ADDRESS_IN_USE;
    case IoStatus::address_not_available: return FRAMEPUMP_ERROR_ADDRESS_NOT_AVAILABLE;
    case IoStatus::permission_denied: return FRAMEPUMP_ERROR_PERMISSION_DENIED;
    case IoStatus::descriptors_exhausted: return FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED;
    case IoStatus::out_of_memory: return FRAMEPUMP_ERROR_OUT_OF_MEMORY;
    case IoStatus::unsupported: return FRAMEPUMP_ERROR_UNSUPPORTED;
    default: return FRAMEPUMP_ERROR_SYSTEM;
  }
}

}  // namespace

// A stale handle of the right kind, or a handle of another kind.
uint32_t Network::stale(framepump_handle handle, const char* wanted) {
  const Handle parts = unpack(handle);
  if (std::strcmp(kind_name(parts.kind), wanted) == 0) {
    return fail(FRAMEPUMP_ERROR_STALE_HANDLE, "the %s with handle %#llx is gone", wanted, static_cast<unsigned long long>(handle));
  }
  return fail(FRAMEPUMP_ERROR_FOREIGN_HANDLE, "handle %#llx names a %s, allowed is a %s", static_cast<unsigned long long>(handle),
              kind_name(parts.kind), wanted);
}

// Generations of different networks in one place of the registry start apart, so that an old network's handles stay stale.
uint32_t Network::first_generation() const {
  constexpr uint32_t kApart = 40503;  // odd, so all 2^22 starting points come up before one repeats
  return unpack(handle_).generation * kApart;
}

framepump_handle Network::make_handle(HandleKind kind, uint32_t index, uint32_t generation) const {
  return pack({.kind = kind, .network = unpack(handle_).network, .index = index, .generation = first_generation() + generation});
}

framepump_handle Network::stream_handle(uint32_t index) {
  return make_handle(HandleKind::stream, index, streams_.identity(index).generation);
}

// Null: the handle is stale, or no stream's.
TcpStream* Network::live_stream(Handle parts) const {
  const uint32_t generation = (parts.generation - first_generation()) & kGenerationMask;
  return parts.kind == HandleKind::stream ? streams_.find_live(parts.index, generation) : nullptr;
}

uint32_t Network::find_stream(framepump_handle handle, TcpStream*& stream) {
  stream = live_stream(unpack(handle));
  return stream != nullptr ? FRAMEPUMP_OK : stale(handle, "stream");
}

uint32_t Network::find_listener(framepump_handle handle, ListenerSlot*& slot) {
  const Handle parts = unpack(handle);
  if (parts.kind != HandleKind::listener || parts.index >= kMaxListeners) return stale(handle, "listener");
  slot = &listeners_[parts.index];
  return slot->is_live && slot->listener->handle() == handle ? FRAMEPUMP_OK : stale(handle, "listener");
}

uint32_t Network::find_source(framepump_handle handle, SourceSlot*& slot) {
  const Handle parts = unpack(handle);
  if (parts.kind != HandleKind::source || parts.index >= sources_.size()) return stale(handle, "source");
  slot = &sources_[parts.index];
  const bool is_there = slot->source != nullptr && slot->source->handle() == handle && !slot->source->is_finished();
  return is_there ? FRAMEPUMP_OK : stale(handle, "source");
}

// For reports: 0 when the object is gone, and unlike the functions above it notes no error.
uint64_t Network::user_data_of(framepump_handle handle) {
  const Handle parts = unpack(handle);
  if (parts.kind == HandleKind::stream) {
    const TcpStream* stream = live_stream(parts);
    return stream != nullptr ? stream->gate.user_data : 0;
  }
  if (parts.kind == HandleKind::listener && parts.index < kMaxListeners) {
    const ListenerSlot& slot = listeners_[parts.index];
    return slot.is_live && slot.listener->handle() == handle ? slot.listener->user_data() : 0;
  }
  if (parts.kind == HandleKind::source && parts.index < sources_.size()) {
    const UserSource* source = sources_[parts.index].source;
    return source != nullptr && source->handle() == handle ? source->user_data() : 0;
  }
  if (parts.kind == HandleKind::host && parts.index < Datagrams::kMaxHosts) {
    const Datagrams::HostSlot& slot = datagrams_.hosts[parts.index];
    return slot.state != 0 && slot.host->handle() == handle ? slot.host->user_data() : 0;
  }
  return 0;
}

uint32_t Network::check_port(const framepump_endpoint& endpoint, uint32_t lowest_port, const char* what) {
  if (endpoint.host == nullptr) return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "%s: host is null, allowed is a numeric address", what);
  if (endpoint.port < lowest_port || endpoint.port > 65535) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "%s: port is %u, allowed is %u to 65535", what, endpoint.port, lowest_port);
  }
  if (endpoint.priority >= kPriorities) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "%s: priority is %u, allowed is 0 (realtime), 1 (normal), 2 (bulk)", what, endpoint.priority);
  }
  return FRAMEPUMP_OK;
}

uint32_t Network::check_endpoint(const framepump_endpoint& endpoint, uint32_t lowest_port, const char* what, SocketAddress& address) {
  if (const uint32_t error = check_port(endpoint, lowest_port, what); error != FRAMEPUMP_OK) return error;
  if (parse_address(endpoint.host, static_cast<uint16_t>(endpoint.port), address)) return FRAMEPUMP_OK;
  return fail(FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC,
              "%s: host is \"%.200s\", allowed is a numeric IPv4 or IPv6 address such as 127.0.0.1 or ::1; names are not looked up", what,
              endpoint.host);
}

// What a stream to a host name has beside the others.
uint32_t Network::make_connector(const framepump_endpoint& endpoint, StreamExtension*& extension) {
  const char* wrong = has_names() ? wrong_in_host_name(endpoint.host) : kNoNamesText;
  if (wrong != nullptr) {
    return fail(FRAMEPUMP_ERROR_ADDRESS_NOT_NUMERIC,
                "connect: host is \"%.200s\", allowed is a numeric IPv4 or IPv6 address such as 127.0.0.1 or ::1, or a host name: %s",
                endpoint.host, wrong);
  }
  if (!parts_.resolver->start(files_)) {
    return fail(FRAMEPUMP_ERROR_DESCRIPTORS_EXHAUSTED, "connect: cannot start the file thread, which reads the files of names: no thread or descriptor to be had");
  }
  extension = host_.create<StreamExtension>(host_);
  if (extension != nullptr) extension->has_name = true;
  if (extension != nullptr) extension->connector = host_.create<Connector>(*parts_.environment, endpoint.host, static_cast<uint16_t>(endpoint.port));
  if (extension != nullptr && extension->connector != nullptr) return FRAMEPUMP_OK;
  host_.destroy(extension);
  return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "connect: the allocator returned null");
}

uint32_t Network::connect(const framepump_endpoint& endpoint, framepump_handle* handle) {
  *handle = 0;
  if (const uint32_t error = check_port(endpoint, 1, "connect"); error != FRAMEPUMP_OK) return error;
  SocketAddress address;
  StreamExtension* extension = nullptr;
  if (!parse_address(endpoint.host, static_cast<uint16_t>(endpoint.port), address)) {
    if (const uint32_t error = make_connector(endpoint, extension); error != FRAMEPUMP_OK) return error;
  }
  uint32_t index = 0;
  TcpStream* stream = streams_.take(index);
  if (stream == nullptr) {
    host_.destroy(extension);
    return fail(FRAMEPUMP_ERROR_LIMIT_REACHED, "connect: %u streams are open: limits.streams is %u, memory.budget_kib is %u; raise one of them",
                counters_.open_streams.load(std::memory_order_relaxed), config_.limit_streams, config_.budget_kib);
  }
  streams_.identity(index).is_live = true;
  *handle = stream_handle(index);
  StreamGate& gate = stream->gate;
  gate.state = FRAMEPUMP_STATE_CONNECTING;
  gate.flags = static_cast<uint8_t>(endpoint.flags);
  gate.peer = address;
  gate.user_data = endpoint.user_data;
  gate.wanted_priority.store(static_cast<uint8_t>(endpoint.priority), std::memory_order_relaxed);
  stream->set_handle(*handle);
  if (extension != nullptr) {
    extension->connector->attach(*stream, *handle);
    gate.extension.store(extension, std::memory_order_release);
  }
  command(*stream, kCommandOpen | kCommandPriority);
  return FRAMEPUMP_OK;
}

uint32_t Network::listen(const framepump_endpoint& endpoint, framepump_handle* handle) {
  *handle = 0;
  SocketAddress address;
  if (const uint32_t error = check_endpoint(endpoint, 0, "listen", address); error != FRAMEPUMP_OK) return error;
  ListenerSlot* slot = free_listener_slot();
  if (slot == nullptr) return fail(FRAMEPUMP_ERROR_LIMIT_REACHED, "listen: %u listeners are open, which is the most there can be", kMaxListeners);
  ListenOptions options;
  options.backlog = config_.backlog;
  options.dual_stack = (endpoint.flags & FRAMEPUMP_LISTEN_DUAL_STACK) != 0;
  options.stream.no_delay = config_.no_delay != 0;
  options.stream.keepalive_s = config_.keepalive_s;
  options.stream.dead_after_s = config_.dead_after_s;
  Socket socket;
  const IoResult result = open_listener(address, options, socket);
  if (result.status != IoStatus::ok) return fail_socket("listen on", address, result);
  streams_.warm(options.backlog);
  SocketAddress local;
  slot->port = local_address(socket, local) ? local.port : endpoint.port;
  slot->is_live = true;
  ++slot->generation;
  *handle = make_handle(HandleKind::listener, static_cast<uint32_t>(slot - listeners_), slot->generation);
  const bool may_be_hot = config_.hot_streams != 0 || (endpoint.flags & FRAMEPUMP_LISTEN_HOT) != 0;
  slot->listener->prepare(socket, local, options.stream, may_be_hot ? HotSetting::allowed : HotSetting::forbidden,
                          static_cast<uint8_t>(endpoint.flags & FRAMEPUMP_STREAM_HALF_OPEN), endpoint.user_data);
  slot->listener->set_handle(*handle);
  slot->listener->set_wanted_priority(endpoint.priority);
  command(*slot->listener, kCommandOpen | kCommandPriority);
  return FRAMEPUMP_OK;
}

uint32_t Network::fail_socket(const char* what, const SocketAddress& address, const IoResult& result) {
  char reason[128] = "";
  char text[kAddressTextBytes];
  system_message(result.system_code, reason);
  format_address(address, text);
  return fail(error_of(result.status), "%s %s: %s", what, text, reason);
}

Network::ListenerSlot* Network::free_listener_slot() {
  for (ListenerSlot& slot : listeners_) {
    if (slot.is_live) continue;
    if (slot.listener == nullptr) slot.listener = host_.create<TcpListener>(*parts_.environment, static_cast<HandleMaker&>(*this));
    if (slot.listener != nullptr && slot.listener->is_closed()) return &slot;
  }
  return nullptr;
}

uint32_t Network::listener_port(framepump_handle handle, uint32_t* port) {
  ListenerSlot* slot = nullptr;
  if (const uint32_t error = find_listener(handle, slot); error != FRAMEPUMP_OK) return error;
  *port = slot->port;
  return FRAMEPUMP_OK;
}

uint32_t Network::close(framepump_handle handle) {
  ListenerSlot* listener = nullptr;
  SourceSlot* source = nullptr;
  TcpStream* stream = nullptr;
  switch (unpack(handle).kind) {
    case HandleKind::listener:
      if (const uint32_t error = find_listener(handle, listener); error != FRAMEPUMP_OK) return error;
      close_listener(*listener);
      return FRAMEPUMP_OK;
    case HandleKind::source:
      if (const uint32_t error = find_source(handle, source); error != FRAMEPUMP_OK) return error;
      close_source(*source);
      return FRAMEPUMP_OK;
    case HandleKind::host:
      return leave_host(handle, DatagramKind::close_host);
    case HandleKind::peer:
      return leave_peer(handle, DatagramKind::close_peer);
    case HandleKind::download:
      return leave_download(handle, kOrderClose);
    default:
      if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
      leave_stream(*stream, kCommandClose);
      return FRAMEPUMP_OK;
  }
}

uint32_t Network::abort(framepump_handle handle) {
  const HandleKind kind = unpack(handle).kind;
  if (kind == HandleKind::host) return leave_host(handle, DatagramKind::abort_host);
  if (kind == HandleKind::peer) return leave_peer(handle, DatagramKind::abort_peer);
  if (kind == HandleKind::download) return leave_download(handle, kOrderAbort);
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  leave_stream(*stream, kCommandAbort);
  return FRAMEPUMP_OK;
}

// Gameplay reads no more: what it did not read goes, what comes later is thrown away.
void Network::leave_stream(TcpStream& stream, uint32_t command_bit) {
  StreamGate& gate = stream.gate;
  drop_reservation(gate);
  gate.close_requested = true;
  gate.received.free_retired(gate.retired, pool_);
  gate.received.consume(gate.available_bytes(), pool_);
  if (gate.state == FRAMEPUMP_STATE_CLOSED) return;  // the next tick releases it
  gate.state = FRAMEPUMP_STATE_CLOSING;
  gate.refused_bytes = 0;
  command(stream, command_bit);
}

// The descriptor is closed at once unless another thread pumps just now; then it is a moment later. Only that: the other commands belong
// to a run, which knows the time and gives them their turns.
void Network::close_listener(ListenerSlot& slot) {
  slot.is_live = false;
  command(*slot.listener, kCommandClose);
  if (token_.try_acquire_in_passing()) {
    slot.listener->close_now();
    token_.release();
  }
  io_->wake();  // a poll() that sleeps holds what it polls
}

void Network::close_source(SourceSlot& slot) {
  parts_.pump->forget(*slot.source);
  host_.destroy(slot.source);
  slot.source = nullptr;
}

uint32_t Network::shutdown_write(framepump_handle handle) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = check_writable(handle, stream); error != FRAMEPUMP_OK) return error;
  drop_reservation(stream->gate);
  stream->gate.write_shut = true;
  stream->gate.refused_bytes = 0;
  command(*stream, kCommandShutdownWrite);
  return FRAMEPUMP_OK;
}

uint32_t Network::set_priority(framepump_handle handle, uint32_t priority) {
  if (priority >= kPriorities) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "set_priority: priority is %u, allowed is 0 (realtime), 1 (normal), 2 (bulk)", priority);
  }
  ListenerSlot* listener = nullptr;
  SourceSlot* source = nullptr;
  Datagrams::HostSlot* host = nullptr;
  Downloads::Slot* download = nullptr;
  TcpStream* stream = nullptr;
  switch (unpack(handle).kind) {
    case HandleKind::download:
      if (const uint32_t error = find_download(handle, download); error != FRAMEPUMP_OK) return error;
      download->info.priority = priority;
      if (download->job != nullptr) download->job->gate.priority.store(priority, std::memory_order_relaxed);
      return FRAMEPUMP_OK;
    case HandleKind::host:
      if (const uint32_t error = find_host(handle, host); error != FRAMEPUMP_OK) return error;
      host->host->set_wanted_priority(priority);
      command(*host->host, kCommandPriority);
      return FRAMEPUMP_OK;
    case HandleKind::listener:
      if (const uint32_t error = find_listener(handle, listener); error != FRAMEPUMP_OK) return error;
      listener->listener->set_wanted_priority(priority);
      command(*listener->listener, kCommandPriority);
      return FRAMEPUMP_OK;
    case HandleKind::source:
      if (const uint32_t error = find_source(handle, source); error != FRAMEPUMP_OK) return error;
      parts_.pump->set_priority(*source->source, priority);
      return FRAMEPUMP_OK;
    default:
      if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
      stream->gate.wanted_priority.store(static_cast<uint8_t>(priority), std::memory_order_relaxed);
      command(*stream, kCommandPriority);
      return FRAMEPUMP_OK;
  }
}

uint32_t Network::set_user_data(framepump_handle handle, uint64_t user_data) {
  ListenerSlot* listener = nullptr;
  SourceSlot* source = nullptr;
  Datagrams::HostSlot* host = nullptr;
  PeerPlace peer;
  Downloads::Slot* download = nullptr;
  TcpStream* stream = nullptr;
  switch (unpack(handle).kind) {
    case HandleKind::download:
      if (const uint32_t error = find_download(handle, download); error != FRAMEPUMP_OK) return error;
      download->user_data = user_data;
      return FRAMEPUMP_OK;
    case HandleKind::host:
      if (const uint32_t error = find_host(handle, host); error != FRAMEPUMP_OK) return error;
      host->host->set_user_data(user_data);
      return FRAMEPUMP_OK;
    case HandleKind::peer:
      if (const uint32_t error = find_peer(handle, peer); error != FRAMEPUMP_OK) return error;
      peer.gate->user_data = user_data;
      return FRAMEPUMP_OK;
    case HandleKind::listener:
      if (const uint32_t error = find_listener(handle, listener); error != FRAMEPUMP_OK) return error;
      listener->listener->set_user_data(user_data);
      return FRAMEPUMP_OK;
    case HandleKind::source:
      if (const uint32_t error = find_source(handle, source); error != FRAMEPUMP_OK) return error;
      source->source->set_user_data(user_data);
      return FRAMEPUMP_OK;
    default:
      if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
      stream->gate.user_data = user_data;
      return FRAMEPUMP_OK;
  }
}

uint32_t Network::stream_info(framepump_handle handle, framepump_stream_info& info) {
  TcpStream* stream = nullptr;
  if (const uint32_t error = find_stream(handle, stream); error != FRAMEPUMP_OK) return error;
  StreamGate& gate = stream->gate;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  framepump_stream_info all = {};
  all.struct_size = info.struct_size;
  all.state = gate.state;
  all.priority = gate.wanted_priority.load(kRelaxed);
  all.window_bytes = stream->window_bytes();
  all.flags = (all.window_bytes > 0 ? FRAMEPUMP_STREAM_HOT : 0) | (gate.receive_blocked.load(kRelaxed) ? FRAMEPUMP_STREAM_RECEIVE_BLOCKED : 0);
  all.available_bytes = gate.available_bytes();
  all.received_bytes = gate.received.arrived();
  all.unpublished_bytes = all.received_bytes - gate.published;
  all.unsent_bytes = gate.unsent.queued_bytes();
  all.sent_bytes = gate.unsent.produced() - all.unsent_bytes;
  gate.watched_turns.store(StreamGate::kWatchedTurns, kRelaxed);
  all.rtt_us = gate.rtt_us.load(kRelaxed);
  all.dwell_us = gate.dwell_us;
  all.dwell_max_us = gate.dwell_max_us;
  all.dwell_frames = gate.dwell_frames;
  all.back_pressure = gate.back_pressure.load(kRelaxed);
  // The local address is there once the stream was announced; before that the pump may be writing it.
  const bool is_announced = gate.state != FRAMEPUMP_STATE_CONNECTING && gate.state != FRAMEPUMP_STATE_CLOSING;
  if (is_announced) format_address(gate.local, all.local_address);
  const StreamExtension* extension = gate.extension.load(std::memory_order_acquire);
  const bool has_name = extension != nullptr && extension->has_name;  // then so is the peer's
  if (is_announced || !has_name) format_address(gate.peer, all.peer_address);
  std::memcpy(&info, &all, std::min<size_t>(info.struct_size, sizeof(all)));
  return FRAMEPUMP_OK;
}

uint32_t Network::add_source(const framepump_source& callbacks, framepump_handle* handle) {
  *handle = 0;
  if (callbacks.take_turn == nullptr) return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "add_source: take_turn is null");
  if (callbacks.priority >= kPriorities) {
    return fail(FRAMEPUMP_ERROR_INVALID_ARGUMENT, "add_source: priority is %u, allowed is 0 (realtime), 1 (normal), 2 (bulk)", callbacks.priority);
  }
  uint32_t index = 0;
  while (index < sources_.size() && sources_[index].source != nullptr) ++index;
  if (index == kMaxSources) return fail(FRAMEPUMP_ERROR_LIMIT_REACHED, "add_source: %u sources are there, which is the most there can be", kMaxSources);
  if (index == sources_.size() && !sources_.push({})) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "add_source: the allocator returned null");
  SourceSlot& slot = sources_[index];
  ++slot.generation;
  const framepump_handle made = make_handle(HandleKind::source, index, slot.generation);
  slot.source = host_.create<UserSource>(host_, callbacks, made);
  if (slot.source == nullptr) return fail(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "add_source: the allocator returned null");
  parts_.pump->make_ready(*slot.source);
  *handle = made;
  return FRAMEPUMP_OK;
}

uint32_t Network::wake_source(framepump_handle handle) {
  SourceSlot* slot = nullptr;
  if (const uint32_t error = find_source(handle, slot); error != FRAMEPUMP_OK) return error;
  parts_.pump->make_ready(*slot->source);
  return FRAMEPUMP_OK;
}

}  // namespace framepump
