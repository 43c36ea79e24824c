// SPDX-License-Identifier: MIT
//
// The C functions: check pointers and handles, see that calls do not overlap, forward. Nothing else.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "boundary/words.h"
#include "config/config.h"
#include "framepump/framepump.h"
#include "network/network.h"
#include "network/registry.h"

namespace framepump {
namespace {

constexpr uint32_t kInvalid = FRAMEPUMP_ERROR_INVALID_ARGUMENT;

// One call on one network. Another one at the same time is a programmer error: it is reported and refused; but gameplay's own code that a
// tick runs after publication may make calls inside of it.
class Call {
 public:
  explicit Call(framepump_handle handle) : network_(find_network(handle)) {
    if (network_ == nullptr) {
      error_ = FRAMEPUMP_ERROR_STALE_HANDLE;
    } else if (entry_ = network_->enter_call(); entry_ == Network::Entry::refused) {
      network_->host().assert_failed("two calls on one network at the same time", __FILE__, __LINE__);
      network_ = nullptr;
      error_ = FRAMEPUMP_ERROR_OVERLAPPING_CALL;
    }
  }
  ~Call() {
    if (network_ != nullptr) network_->leave_call(entry_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // `checks`: the pointers that must not be null. `run` gets the network.
  template <typename Run>
  uint32_t forward(std::initializer_list<const void*> checks, Run run) {
    if (network_ == nullptr) return error_;
    if (error_ != FRAMEPUMP_OK) return network_->refuse(error_, why_);
    for (const void* pointer : checks) {
      if (pointer != nullptr) continue;
      network_->host().assert_failed("a pointer that must not be null is null", __FILE__, __LINE__);
      return network_->refuse(kInvalid, "a pointer that must not be null is null");
    }
    return run(*network_);
  }

 protected:
  void refuse_foreign() {
    if (network_ == nullptr) return;
    error_ = FRAMEPUMP_ERROR_FOREIGN_HANDLE;
    why_ = "the handle names an object of a network, allowed is a network";
  }
  void refuse_inner() {
    if (network_ == nullptr || entry_ != Network::Entry::inner) return;
    error_ = FRAMEPUMP_ERROR_OVERLAPPING_CALL;
    why_ = "tick, flush, wait_until and network_destroy are not for a source's turn";
    network_->host().assert_failed(why_, __FILE__, __LINE__);
  }

 private:
  Network* network_;
  Network::Entry entry_ = Network::Entry::refused;
  uint32_t error_ = FRAMEPUMP_OK;
  const char* why_ = nullptr;
};

// A call that names the network itself, not one of its objects.
class NetworkCall : public Call {
 public:
  explicit NetworkCall(framepump_handle handle) : Call(handle) {
    if (unpack(handle).kind != HandleKind::network) refuse_foreign();
  }
};

// One that pumps, or ends the pump: never inside a source's turn, which is part of a tick.
class FrameCall : public NetworkCall {
 public:
  explicit FrameCall(framepump_handle handle) : NetworkCall(handle) { refuse_inner(); }
};

// Copies what the caller knows of a struct onto our own, so that one from an older header works.
template <typename T>
bool read_struct(const T* from, T& to) {
  if (from == nullptr || from->struct_size < sizeof(uint32_t)) return false;
  std::memcpy(&to, from, std::min<size_t>(from->struct_size, sizeof(T)));
  to.struct_size = sizeof(T);
  return true;
}

// Of a struct that the plugin fills, or of the services; null is allowed where the caller may not want it.
template <typename T>
bool has_size(const T* out) {
  return out == nullptr || out->struct_size >= sizeof(uint32_t);
}

uint32_t refuse(framepump_message* message, uint32_t code, const char* text) {
  if (message != nullptr && message->struct_size >= sizeof(*message)) {
    message->code = code;
    std::snprintf(message->text, sizeof(message->text), "%s", text);
  }
  return code;
}

const char* version_string() { return "FramePump " FRAMEPUMP_VERSION_STRING; }

uint32_t config_init(framepump_config* config, uint32_t struct_size) {
  if (config == nullptr || struct_size < sizeof(uint32_t)) return kInvalid;
  framepump_config all = {};
  set_defaults(all);
  all.struct_size = std::min<uint32_t>(struct_size, sizeof(all));
  std::memcpy(config, &all, all.struct_size);
  return FRAMEPUMP_OK;
}

uint32_t config_load(framepump_config* config, uint32_t struct_size, const char* path, framepump_message* message) {
  if (config == nullptr || path == nullptr || struct_size < sizeof(uint32_t)) {
    return refuse(message, kInvalid, "config_load: config or path is null");
  }
  framepump_config all = {};
  framepump_message said = {};
  if (!load_config(path, all, said)) return refuse(message, FRAMEPUMP_ERROR_CONFIG, said.text);
  all.struct_size = std::min<uint32_t>(struct_size, sizeof(all));
  std::memcpy(config, &all, all.struct_size);
  return FRAMEPUMP_OK;
}

uint32_t make_network(const framepump_config& config, const char* watch_path, const framepump_services* services,
                      framepump_handle* out, framepump_message* message) {
  if (!has_size(services)) return refuse(message, kInvalid, "cannot open the network: struct_size of the services is not set");
  const Host host(services);
  Network* network = host.create<Network>(services);
  if (network == nullptr) return refuse(message, FRAMEPUMP_ERROR_OUT_OF_MEMORY, "cannot open the network: the allocator returned null");
  framepump_message said = {};
  const uint32_t error = network->open(config, watch_path, nullptr, said);
  if (error != FRAMEPUMP_OK) {
    host.destroy(network);
    return refuse(message, error, said.text);
  }
  *out = network->handle();
  return FRAMEPUMP_OK;
}

uint32_t network_create(const framepump_config* config, const framepump_services* services, framepump_handle* network,
                        framepump_message* message) {
  if (network == nullptr) return refuse(message, kInvalid, "network_create: the place for the handle is null");
  *network = 0;
  framepump_config all = {};
  set_defaults(all);
  if (!read_struct(config, all)) return refuse(message, kInvalid, "network_create: config is null or its struct_size is not set");
  framepump_message said = {};
  if (!validate(all, said)) return refuse(message, FRAMEPUMP_ERROR_CONFIG, said.text);
  return make_network(all, nullptr, services, network, message);
}

uint32_t network_open(const char* path, const framepump_services* services, framepump_handle* network, framepump_message* message) {
  if (network == nullptr || path == nullptr) return refuse(message, kInvalid, "network_open: path or the place for the handle is null");
  *network = 0;
  framepump_config config = {};
  framepump_message said = {};
  if (!load_config(path, config, said)) return refuse(message, FRAMEPUMP_ERROR_CONFIG, said.text);
  return make_network(config, path, services, network, message);
}

uint32_t network_destroy(framepump_handle handle) {
  Network* network = nullptr;
  {
    FrameCall call(handle);
    const uint32_t error = call.forward({}, [&](Network& found) {
      network = &found;
      found.dismiss_sources();
      return uint32_t{FRAMEPUMP_OK};
    });
    if (error != FRAMEPUMP_OK) return error;
  }
  const Host host = network->host();
  host.destroy(network);
  return FRAMEPUMP_OK;
}

uint32_t network_configure(framepump_handle network, const framepump_config* config) {
  return NetworkCall(network).forward({config}, [&](Network& n) {
    framepump_config all = {};
    all.struct_size = sizeof(all);
    n.current_config(all);
    if (!read_struct(config, all)) return n.refuse(kInvalid, "network_configure: struct_size is not set");
    return n.configure(all);
  });
}

uint32_t network_config(framepump_handle network, framepump_config* config) {
  return NetworkCall(network).forward({config}, [&](Network& n) {
    return has_size(config) ? n.current_config(*config) : n.refuse(kInvalid, "network_config: struct_size is not set");
  });
}

uint32_t set_mode(framepump_handle network, uint32_t mode) {
  return NetworkCall(network).forward({}, [&](Network& n) { return n.set_mode(mode); });
}

uint32_t totals(framepump_handle network, framepump_totals* out) {
  return NetworkCall(network).forward({out}, [&](Network& n) {
    return has_size(out) ? n.totals(*out) : n.refuse(kInvalid, "totals: struct_size is not set");
  });
}

const char* last_error(framepump_handle handle) {
  const Network* network = find_network(handle);
  return network == nullptr ? "the network is gone, or the handle is null" : network->last_error();
}

uint32_t tick(framepump_handle network, const framepump_frame* frame, framepump_tick_report* report) {
  return FrameCall(network).forward({frame}, [&](Network& n) {
    framepump_frame all = {};
    if (!read_struct(frame, all) || !has_size(report)) return n.refuse(kInvalid, "tick: struct_size of the frame or report is not set");
    return n.tick(all, report);
  });
}

uint32_t flush(framepump_handle network) {
  return FrameCall(network).forward({}, [](Network& n) { return n.flush(); });
}

uint32_t wait_until(framepump_handle network, int64_t deadline_us, uint32_t until) {
  return FrameCall(network).forward({}, [&](Network& n) { return n.wait_until(deadline_us, until); });
}

uint32_t events(framepump_handle network, const framepump_event** out, uint32_t* count) {
  return NetworkCall(network).forward({out, count}, [&](Network& n) { return n.events(out, count); });
}

uint32_t readable(framepump_handle network, const framepump_handle** out, uint32_t* count) {
  return NetworkCall(network).forward({out, count}, [&](Network& n) { return n.readable(out, count); });
}

// An endpoint and what it points to.
bool read_endpoint(const framepump_endpoint* from, framepump_endpoint& to, framepump_tls& tls) {
  if (!read_struct(from, to)) return false;
  if (to.tls == nullptr) return true;
  const bool is_read = read_struct(to.tls, tls);
  to.tls = &tls;
  return is_read;
}

uint32_t connect(framepump_handle network, const framepump_endpoint* endpoint, framepump_handle* stream) {
  return NetworkCall(network).forward({endpoint, stream}, [&](Network& n) {
    framepump_endpoint all = {};
    framepump_tls tls = {};
    if (!read_endpoint(endpoint, all, tls)) return n.refuse(kInvalid, "connect: struct_size is not set");
    return n.connect(all, stream);
  });
}

uint32_t listen(framepump_handle network, const framepump_endpoint* endpoint, framepump_handle* listener) {
  return NetworkCall(network).forward({endpoint, listener}, [&](Network& n) {
    framepump_endpoint all = {};
    framepump_tls tls = {};
    if (!read_endpoint(endpoint, all, tls)) return n.refuse(kInvalid, "listen: struct_size is not set");
    return n.listen(all, listener);
  });
}

uint32_t listener_port(framepump_handle listener, uint32_t* port) {
  return Call(listener).forward({port}, [&](Network& n) { return n.listener_port(listener, port); });
}

uint32_t close(framepump_handle handle) {
  return Call(handle).forward({}, [&](Network& n) { return n.close(handle); });
}

uint32_t abort(framepump_handle stream) {
  return Call(stream).forward({}, [&](Network& n) { return n.abort(stream); });
}

uint32_t shutdown_write(framepump_handle stream) {
  return Call(stream).forward({}, [&](Network& n) { return n.shutdown_write(stream); });
}

uint32_t set_priority(framepump_handle handle, uint32_t priority) {
  return Call(handle).forward({}, [&](Network& n) { return n.set_priority(handle, priority); });
}

uint32_t set_user_data(framepump_handle handle, uint64_t user_data) {
  return Call(handle).forward({}, [&](Network& n) { return n.set_user_data(handle, user_data); });
}

uint32_t stream_info(framepump_handle stream, framepump_stream_info* info) {
  return Call(stream).forward({info}, [&](Network& n) {
    return has_size(info) ? n.stream_info(stream, *info) : n.refuse(kInvalid, "stream_info: struct_size is not set");
  });
}

uint32_t available(framepump_handle stream, uint64_t* bytes) {
  return Call(stream).forward({bytes}, [&](Network& n) { return n.available(stream, bytes); });
}

uint32_t front(framepump_handle stream, const void** view, uint64_t* size_bytes) {
  return Call(stream).forward({view, size_bytes}, [&](Network& n) { return n.front(stream, view, size_bytes); });
}

uint32_t peek(framepump_handle stream, uint64_t size_bytes, const void** view) {
  return Call(stream).forward({view}, [&](Network& n) { return n.peek(stream, size_bytes, view); });
}

uint32_t read(framepump_handle stream, void* buffer, uint64_t capacity_bytes, uint64_t* taken) {
  return Call(stream).forward({buffer, taken}, [&](Network& n) { return n.read(stream, buffer, capacity_bytes, taken); });
}

uint32_t consume(framepump_handle stream, uint64_t size_bytes) {
  return Call(stream).forward({}, [&](Network& n) { return n.consume(stream, size_bytes); });
}

uint32_t write(framepump_handle stream, const void* bytes, uint64_t size_bytes, uint64_t* taken) {
  return Call(stream).forward({bytes, taken}, [&](Network& n) { return n.write(stream, bytes, size_bytes, taken); });
}

uint32_t write_all(framepump_handle stream, const void* bytes, uint64_t size_bytes) {
  return Call(stream).forward({bytes}, [&](Network& n) { return n.write_all(stream, bytes, size_bytes); });
}

uint32_t reserve(framepump_handle stream, uint64_t size_bytes, void** room) {
  return Call(stream).forward({room}, [&](Network& n) { return n.reserve(stream, size_bytes, room); });
}

uint32_t commit(framepump_handle stream, uint64_t size_bytes) {
  return Call(stream).forward({}, [&](Network& n) { return n.commit(stream, size_bytes); });
}

uint32_t add_source(framepump_handle network, const framepump_source* source, framepump_handle* handle) {
  return NetworkCall(network).forward({source, handle}, [&](Network& n) {
    framepump_source all = {};
    return read_struct(source, all) ? n.add_source(all, handle) : n.refuse(kInvalid, "add_source: struct_size is not set");
  });
}

uint32_t wake_source(framepump_handle source) {
  return Call(source).forward({}, [&](Network& n) { return n.wake_source(source); });
}

uint32_t host_open(framepump_handle network, const framepump_host_options* options, framepump_handle* host) {
  return NetworkCall(network).forward({options, host}, [&](Network& n) {
    framepump_host_options all = {};
    return read_struct(options, all) ? n.host_open(all, host) : n.refuse(kInvalid, "host_open: struct_size is not set");
  });
}

uint32_t host_port(framepump_handle host, uint32_t* port) {
  return Call(host).forward({port}, [&](Network& n) { return n.host_port(host, port); });
}

uint32_t peer_connect(framepump_handle host, const framepump_endpoint* endpoint, uint32_t data, framepump_handle* peer) {
  return Call(host).forward({endpoint, peer}, [&](Network& n) {
    framepump_endpoint all = {};
    if (!read_struct(endpoint, all)) return n.refuse(kInvalid, "peer_connect: struct_size is not set");
    return n.peer_connect(host, all, data, peer);
  });
}

// A message may be empty, and then it has no bytes to point to.
const void* bytes_or(const void* bytes, uint64_t size_bytes) { return size_bytes == 0 && bytes == nullptr ? "" : bytes; }

uint32_t send(framepump_handle peer, uint32_t channel, const void* bytes, uint64_t size_bytes, uint32_t delivery) {
  const void* from = bytes_or(bytes, size_bytes);
  return Call(peer).forward({from}, [&](Network& n) { return n.send(peer, {channel, from, size_bytes, delivery}); });
}

uint32_t broadcast(framepump_handle host, uint32_t channel, const void* bytes, uint64_t size_bytes, uint32_t delivery) {
  const void* from = bytes_or(bytes, size_bytes);
  return Call(host).forward({from}, [&](Network& n) { return n.broadcast(host, {channel, from, size_bytes, delivery}); });
}

uint32_t messages(framepump_handle network, const framepump_received** out, uint32_t* count) {
  return NetworkCall(network).forward({out, count}, [&](Network& n) { return n.messages(out, count); });
}

uint32_t peer_info(framepump_handle peer, framepump_peer_info* info) {
  return Call(peer).forward({info}, [&](Network& n) {
    return has_size(info) ? n.peer_info(peer, *info) : n.refuse(kInvalid, "peer_info: struct_size is not set");
  });
}

uint32_t host_info(framepump_handle host, framepump_host_info* info) {
  return Call(host).forward({info}, [&](Network& n) {
    return has_size(info) ? n.host_info(host, *info) : n.refuse(kInvalid, "host_info: struct_size is not set");
  });
}

uint32_t run_at(framepump_handle stream, uint64_t offset_bytes, const void** view, uint64_t* size_bytes) {
  return Call(stream).forward({view, size_bytes}, [&](Network& n) { return n.run_at(stream, offset_bytes, view, size_bytes); });
}

uint32_t write_parts(framepump_handle stream, const framepump_part* parts, uint32_t count) {
  return Call(stream).forward({parts}, [&](Network& n) { return n.write_parts(stream, parts, count); });
}

uint32_t abort_because(framepump_handle stream, uint32_t reason, const char* text) {
  return Call(stream).forward({text}, [&](Network& n) { return n.abort_because(stream, reason, text); });
}

uint32_t watch_arrivals(framepump_handle stream, uint32_t on) {
  return Call(stream).forward({}, [&](Network& n) { return n.watch_arrivals(stream, on); });
}

uint32_t arrival(framepump_handle stream, uint64_t offset_bytes, framepump_arrival* out) {
  return Call(stream).forward({out}, [&](Network& n) {
    return has_size(out) ? n.arrival(stream, offset_bytes, *out) : n.refuse(kInvalid, "arrival: struct_size is not set");
  });
}

uint32_t download_start(framepump_handle network, const framepump_download_options* options, framepump_handle* download) {
  return NetworkCall(network).forward({options, download}, [&](Network& n) {
    framepump_download_options all = {};
    return read_struct(options, all) ? n.download_start(all, download) : n.refuse(kInvalid, "download_start: struct_size is not set");
  });
}

uint32_t download_info(framepump_handle download, framepump_download_info* info) {
  return Call(download).forward({info}, [&](Network& n) {
    return has_size(info) ? n.download_info(download, *info) : n.refuse(kInvalid, "download_info: struct_size is not set");
  });
}

uint32_t download_pause(framepump_handle download, uint32_t paused) {
  return Call(download).forward({}, [&](Network& n) { return n.download_pause(download, paused); });
}

uint32_t tls_info(framepump_handle stream, framepump_tls_info* info) {
  return Call(stream).forward({info}, [&](Network& n) {
    return has_size(info) ? n.tls_info(stream, *info) : n.refuse(kInvalid, "tls_info: struct_size is not set");
  });
}

uint32_t clock_us(framepump_handle network, int64_t* now_us) {
  return NetworkCall(network).forward({now_us}, [&](Network& n) {
    *now_us = n.host().now_us();
    return uint32_t{FRAMEPUMP_OK};
  });
}

uint32_t allocate(framepump_handle network, uint64_t size_bytes, uint64_t alignment, void** memory) {
  return NetworkCall(network).forward({memory}, [&](Network& n) {
    *memory = nullptr;
    if (size_bytes == 0 || !std::has_single_bit(alignment)) {
      return n.refuse(kInvalid, "allocate: allowed are a size of 1 byte or more and an alignment that is a power of two");
    }
    *memory = n.host().allocate(size_bytes, alignment);
    return *memory != nullptr ? uint32_t{FRAMEPUMP_OK} : n.refuse(FRAMEPUMP_ERROR_OUT_OF_MEMORY, "allocate: the allocator returned null");
  });
}

uint32_t release(framepump_handle network, void* memory, uint64_t size_bytes, uint64_t alignment) {
  return NetworkCall(network).forward({memory}, [&](Network& n) {
    n.host().release(memory, size_bytes, alignment);
    return uint32_t{FRAMEPUMP_OK};
  });
}

constexpr framepump_api kApi = {
    .struct_size = sizeof(framepump_api),
    .version = FRAMEPUMP_VERSION,
    .version_string = version_string,
    .error_name = error_name,
    .reason_name = reason_name,
    .event_name = event_name,
    .config_init = config_init,
    .config_load = config_load,
    .network_create = network_create,
    .network_open = network_open,
    .network_destroy = network_destroy,
    .network_configure = network_configure,
    .network_config = network_config,
    .set_mode = set_mode,
    .totals = totals,
    .last_error = last_error,
    .tick = tick,
    .flush = flush,
    .wait_until = wait_until,
    .events = events,
    .readable = readable,
    .connect = connect,
    .listen = listen,
    .listener_port = listener_port,
    .close = close,
    .abort = abort,
    .shutdown_write = shutdown_write,
    .set_priority = set_priority,
    .set_user_data = set_user_data,
    .stream_info = stream_info,
    .available = available,
    .front = front,
    .peek = peek,
    .read = read,
    .consume = consume,
    .write = write,
    .write_all = write_all,
    .reserve = reserve,
    .commit = commit,
    .add_source = add_source,
    .wake_source = wake_source,
    .host_open = host_open,
    .host_port = host_port,
    .peer_connect = peer_connect,
    .send = send,
    .broadcast = broadcast,
    .messages = messages,
    .peer_info = peer_info,
    .host_info = host_info,
    .run_at = run_at,
    .write_parts = write_parts,
    .abort_because = abort_because,
    .watch_arrivals = watch_arrivals,
    .arrival = arrival,
    .download_start = download_start,
    .download_info = download_info,
    .download_pause = download_pause,
    .tls_info = tls_info,
    .clock_us = clock_us,
    .allocate = allocate,
    .release = release,
};

}  // namespace
}  // namespace framepump

extern "C" const framepump_api* framepump_get_api(uint32_t version) {
  const bool is_served = version >= FRAMEPUMP_OLDEST_VERSION && version <= FRAMEPUMP_VERSION;
  return is_served ? &framepump::kApi : nullptr;
}
