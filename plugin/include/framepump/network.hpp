// SPDX-License-Identifier: MIT
//
// The network: one pump, its sockets and its memory, as an owner that closes it when it goes.
#pragma once

#include <framepump/datagram.hpp>
#include <framepump/download.hpp>
#include <framepump/stream.hpp>

#include <cstddef>
#include <span>
#include <utility>

namespace framepump {
inline namespace v0 {  // its own symbols: the plugin's inside has classes of the same names

// The plugin's function table: linked into the program, or taken from a loaded library.
class Api {
 public:
  // The library this program is linked with.
  static Api linked() { return Api(framepump_get_api(FRAMEPUMP_VERSION)); }
  // "framepump_get_api" of a loaded library, as the loader returned it or as a function already; null gives an Api that is false.
  static Api from(framepump_get_api_function get_api) { return Api(get_api == nullptr ? nullptr : get_api(FRAMEPUMP_VERSION)); }
  static Api from(void* symbol) { return from(reinterpret_cast<framepump_get_api_function>(symbol)); }
  static Api from(std::nullptr_t) { return Api(nullptr); }

  // False: no library, or one that is older than this header.
  explicit operator bool() const { return table_ != nullptr; }
  const framepump_api* operator->() const { return table_; }
  const framepump_api* table() const { return table_; }

 private:
  explicit Api(const framepump_api* table) : table_(table) {}

  const framepump_api* table_;
};

// An event of the last tick: framepump_event with typed access. Valid until the next tick.
struct Event : framepump_event {
  EventKind what() const { return static_cast<EventKind>(kind); }
  Reason why() const { return static_cast<Reason>(reason); }
  const char* words() const { return text != nullptr ? text : ""; }
};
static_assert(sizeof(Event) == sizeof(framepump_event), "an event is an array element of the C interface");

// The streams with unread bytes, as Stream values. Valid until the next tick.
class ReadableStreams {
 public:
  class Iterator {
   public:
    Iterator(const framepump_api* api, const framepump_handle* at) : api_(api), at_(at) {}
    Stream operator*() const { return Stream(api_, *at_); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    friend bool operator==(Iterator a, Iterator b) { return a.at_ == b.at_; }

   private:
    const framepump_api* api_;
    const framepump_handle* at_;
  };
  ReadableStreams(const framepump_api* api, std::span<const framepump_handle> handles) : api_(api), handles_(handles) {}
  Iterator begin() const { return {api_, handles_.data()}; }
  Iterator end() const { return {api_, handles_.data() + handles_.size()}; }
  size_t size() const { return handles_.size(); }

 private:
  const framepump_api* api_;
  std::span<const framepump_handle> handles_;
};

// Calls on one network never overlap; any thread may make them. Only wait_until and the destructor block.
class Network {
 public:
  // Reads the TOML file and watches it: an edit takes effect within half a second.
  static Result<Network> open(Api api, const char* path, const framepump_services* services = nullptr) {
    if (!api) return no_library();
    return make(api, [&](framepump_handle* handle, framepump_message* message) {
      return api->network_open(path, services, handle, message);
    });
  }
  // With this configuration; watches no file.
  static Result<Network> create(Api api, const Config& config = {}, const framepump_services* services = nullptr) {
    if (!api) return no_library();
    return make(api, [&](framepump_handle* handle, framepump_message* message) {
      return api->network_create(&config, services, handle, message);
    });
  }
  Network(Network&& other) noexcept : api_(other.api_), handle_(std::exchange(other.handle_, 0)) {}
  Network& operator=(Network&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Network() {
    if (handle_ != 0) api_->network_destroy(handle_);
  }

  // ---- the frame ----

  // Pumps within the slice and publishes: the only place where gameplay sees change.
  TickReport tick(Frame frame) {
    const framepump_frame c = {sizeof(c), 0, frame.frame, frame.now_us};
    TickReport report;
    api_->tick(handle_, &c, &report);
    return report;
  }
  // Sends what gameplay wrote in this frame.
  void flush() { api_->flush(handle_); }
  // Pumps instead of sleeping until the clock of the services reads `deadline_us`; publishes nothing.
  void wait_until(int64_t deadline_us, Until until = Until::deadline) {
    api_->wait_until(handle_, deadline_us, static_cast<uint32_t>(until));
  }
  std::span<const Event> events() const {
    const framepump_event* events = nullptr;
    uint32_t count = 0;
    api_->events(handle_, &events, &count);
    return {static_cast<const Event*>(events), count};
  }
  ReadableStreams readable() const {
    const framepump_handle* handles = nullptr;
    uint32_t count = 0;
    api_->readable(handle_, &handles, &count);
    return {api_, {handles, count}};
  }

  // ---- streams, listeners, sources ----

  // Starts to connect to a numeric address or a host name; the outcome is an event. `flags`: FRAMEPUMP_STREAM_*.
  Result<Stream> connect(const char* host, uint16_t port, Priority priority = Priority::normal, uint32_t flags = 0) {
    const framepump_endpoint endpoint = {sizeof(endpoint), flags, host, port, static_cast<uint32_t>(priority), 0};
    framepump_handle handle = 0;
    const uint32_t error = api_->connect(handle_, &endpoint, &handle);
    return result<Stream>(error, handle);
  }
  // Port 0 lets the system choose; Listener::port says which. `flags`: FRAMEPUMP_LISTEN_* and FRAMEPUMP_STREAM_*.
  Result<Listener> listen(const char* host, uint16_t port, Priority priority = Priority::normal, uint32_t flags = 0) {
    const framepump_endpoint endpoint = {sizeof(endpoint), flags, host, port, static_cast<uint32_t>(priority), 0};
    framepump_handle handle = 0;
    const uint32_t error = api_->listen(handle_, &endpoint, &handle);
    return result<Listener>(error, handle);
  }
  Result<Source> add_source(const framepump_source& source) {
    framepump_handle handle = 0;
    const uint32_t error = api_->add_source(handle_, &source, &handle);
    return result<Source>(error, handle);
  }
  // The stream that an event is about, or any other handle that came from this network.
  Stream stream(framepump_handle handle) const { return Stream(api_, handle); }

  // ---- datagrams ----

  // A UDP socket for ENet peers: HostOptions("0.0.0.0", 7777) for a server, HostOptions() for a client.
  Result<Host> open_host(const HostOptions& options = {}) {
    framepump_handle handle = 0;
    const uint32_t error = api_->host_open(handle_, &options, &handle);
    return result<Host>(error, handle);
  }
  // What the last tick published; valid until the next tick.
  std::span<const Received> messages() const {
    const framepump_received* messages = nullptr;
    uint32_t count = 0;
    api_->messages(handle_, &messages, &count);
    return {static_cast<const Received*>(messages), count};
  }
  // The peer that an event or message is about.
  Peer peer(framepump_handle handle) const { return Peer(api_, handle); }

  // ---- downloads ----

  // Starts to download, or queues; the outcome is an event. See DownloadOptions for sizes, hashes and the rest.
  Result<Download> download(const char* url, const char* path, const DownloadOptions& options = {}) {
    DownloadOptions all = options;
    all.url = url;
    all.path = path;
    framepump_handle handle = 0;
    const uint32_t error = api_->download_start(handle_, &all, &handle);
    return result<Download>(error, handle);
  }
  // The download that an event is about.
  Download download(framepump_handle handle) const { return Download(api_, handle); }

  // ---- settings and sums ----

  Status set_mode(Mode mode) { return status(api_->set_mode(handle_, static_cast<uint32_t>(mode))); }
  // Applies the live keys that differ; needs_restart names a key that cannot change now.
  Status configure(const Config& config) { return status(api_->network_configure(handle_, &config)); }
  Config config() const {
    Config config;
    api_->network_config(handle_, &config);
    return config;
  }
  Totals totals() const {
    Totals totals;
    api_->totals(handle_, &totals);
    return totals;
  }
  const char* last_error() const { return api_->last_error(handle_); }
  framepump_handle handle() const { return handle_; }

 private:
  Network(Api api, framepump_handle handle) : api_(api.table()), handle_(handle) {}

  static Error no_library() { return Error(ErrorCode::unsupported, "the plugin is not loaded, or it is older than FramePump " FRAMEPUMP_VERSION_STRING); }
  template <typename Make>
  static Result<Network> make(Api api, Make call) {
    framepump_message message = {};
    message.struct_size = sizeof(message);
    framepump_handle handle = 0;
    const uint32_t error = call(&handle, &message);
    if (error != FRAMEPUMP_OK) return Error(static_cast<ErrorCode>(error), message.text);
    return Network(api, handle);
  }
  Status status(uint32_t error) const {
    if (error == FRAMEPUMP_OK) return {};
    return Error(static_cast<ErrorCode>(error), api_->last_error(handle_));
  }
  template <typename T>
  Result<T> result(uint32_t error, framepump_handle handle) const {
    if (error != FRAMEPUMP_OK) return status(error).error();
    return T(api_, handle);
  }

  const framepump_api* api_;
  framepump_handle handle_;
};

}  // namespace v0
}  // namespace framepump
