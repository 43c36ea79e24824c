// SPDX-License-Identifier: MIT
//
// The one file that knows curl (7.85 or later).
//
// Each download has a connection of its own, also over HTTP/2: downloads that share one could not be slowed down or stopped without the
// others, and versions of curl around Debian's had several faults there (its issues 9180 and 13292, for two).
#if defined(FRAMEPUMP_WITH_DOWNLOADS)

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "downloads/fixed_text.h"
#include "downloads/http_engine.h"
#include "framepump/framepump.h"
#include "framepump/framepump_download.h"
#include "platform/clock.h"
#include "platform/descriptor_set.h"
#include "platform/library_socket.h"

namespace framepump {

struct HttpExchange {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  curl_slist* addresses = nullptr;
  HttpClient* client = nullptr;
  HttpExchange* next = nullptr;  // of all that are under way
  char text[CURL_ERROR_SIZE] = {};

  ~HttpExchange() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    curl_slist_free_all(addresses);
  }
};

namespace {

constexpr int64_t kNoTimer = INT64_MAX;

#if !defined(_WIN32)
// curl's own sockets would stay open in every program that the game starts.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
  return open_library_socket(address->family, address->socktype, address->protocol);
}
#endif

size_t on_header(char* bytes, size_t size, size_t count, void* exchange) {
  const std::string_view line(bytes, size * count);
  return static_cast<HttpExchange*>(exchange)->client->on_header(line) ? line.size() : 0;
}

size_t on_body(char* bytes, size_t size, size_t count, void* exchange) {
  const size_t length = size * count;
  if (length == 0) return 0;
  switch (static_cast<HttpExchange*>(exchange)->client->on_body({bytes, length})) {
    case BodyAnswer::taken: return length;
    case BodyAnswer::pause: return CURL_WRITEFUNC_PAUSE;
    default: return length - 1;  // an error to curl; 0xFFFFFFFF (CURL_WRITEFUNC_ERROR) is newer than some
  }
}

HttpEnd end_of(CURLcode code) {
  switch (code) {
    case CURLE_OK: return HttpEnd::complete;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK: return HttpEnd::given_up;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING: return HttpEnd::cut_off;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT: return HttpEnd::no_connection;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_CIPHER: return HttpEnd::tls;
    case CURLE_OUT_OF_MEMORY: return HttpEnd::memory;
    default: return HttpEnd::broken;
  }
}

// Collects the failures of many setopts into one.
class Options {
 public:
  explicit Options(CURL* easy) : easy_(easy) {}
  template <typename T>
  void set(CURLoption option, T value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(easy_, option, value);
  }
  // What a build of curl may lack.
  template <typename T>
  void try_to_set(CURLoption option, T value) {
    curl_easy_setopt(easy_, option, value);
  }
  bool are_set() const { return code_ == CURLE_OK; }

 private:
  CURL* easy_;
  CURLcode code_ = CURLE_OK;
};

bool append(curl_slist*& list, const char* line) {
  curl_slist* longer = curl_slist_append(list, line);
  if (longer != nullptr) list = longer;
  return longer != nullptr;
}

bool append_lines(curl_slist*& list, std::string_view lines) {
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    FixedText<2048> line;
    if (!line.assign(lines.substr(0, end))) return false;
    if (!line.is_empty() && !append(list, line.c_str())) return false;
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
  }
  return true;
}

bool make_headers(const HttpRequest& request, curl_slist*& list) {
  FixedText<512> line;
  if (!append_lines(list, request.headers)) return false;
  // What is to be continued at byte n must be the same bytes each time.
  if (!request.is_compressed && !append(list, "Accept-Encoding: identity")) return false;
  if (!request.has_range) return true;
  line.format("Range: bytes=%llu-", static_cast<unsigned long long>(request.range_first));
  if (!append(list, line.c_str())) return false;
  if (request.if_range[0] == '\0') return true;
  line.format("If-Range: %s", request.if_range);
  return append(list, line.c_str());
}

bool set_decoded(CURLoption option, std::string_view encoded, CURL* easy, Options& options) {
  char* decoded = curl_easy_unescape(easy, encoded.data(), static_cast<int>(encoded.size()), nullptr);
  if (decoded == nullptr) return false;
  options.set(option, decoded);
  curl_free(decoded);
  return true;
}

// "name:password" as it stands in a URL, where what would end it is percent-encoded.
bool set_credentials(std::string_view user_info, CURL* easy, Options& options) {
  const size_t colon = std::min(user_info.find(':'), user_info.size());
  if (!set_decoded(CURLOPT_USERNAME, user_info.substr(0, colon), easy, options)) return false;
  return colon == user_info.size() || set_decoded(CURLOPT_PASSWORD, user_info.substr(colon + 1), easy, options);
}

long wanted_version(uint32_t version) {
  switch (version) {
    case FRAMEPUMP_DOWNLOAD_HTTP_1: return CURL_HTTP_VERSION_1_1;
    case FRAMEPUMP_DOWNLOAD_HTTP_2: return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    default: return CURL_HTTP_VERSION_2TLS;
  }
}

void set_connection(const HttpRequest& request, Options& options) {
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
  options.set(CURLOPT_FOLLOWLOCATION, 0L);
  options.set(CURLOPT_HTTP_VERSION, wanted_version(request.http_version));
  options.set(CURLOPT_HTTP09_ALLOWED, 0L);
  options.set(CURLOPT_PROXY, request.proxy);  // an empty one also keeps curl from looking at the environment
  if (request.proxy_port != 0) options.set(CURLOPT_PROXYPORT, static_cast<long>(request.proxy_port));
  options.set(CURLOPT_NOPROXY, "");
  options.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout_ms));
  options.set(CURLOPT_TCP_KEEPALIVE, 1L);
#if !defined(_WIN32)
  options.set(CURLOPT_OPENSOCKETFUNCTION, open_socket);
#endif
  options.set(CURLOPT_NOSIGNAL, 1L);
  options.try_to_set(CURLOPT_QUICK_EXIT, 1L);  // should curl ever look a name up itself, nobody waits for its thread
  options.set(CURLOPT_SSL_VERIFYPEER, 1L);
  options.set(CURLOPT_SSL_VERIFYHOST, 2L);
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (request.ca_file[0] == '\0') return;
  options.set(CURLOPT_CAINFO, request.ca_file);
  options.try_to_set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // that one only
  options.set(CURLOPT_PROXY_CAINFO, request.ca_file);
  options.try_to_set(CURLOPT_PROXY_CAPATH, static_cast<const char*>(nullptr));
}

class CurlEngine final : public HttpEngine {
 public:
  bool open(const char*& why) {
    why = "curl cannot be initialized";
    is_global_ = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (!is_global_) return false;
    why = "no memory or descriptor for curl, or this system has no epoll";
    multi_ = curl_multi_init();
    if (multi_ == nullptr || !set_.open()) return false;
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    constexpr long kIdleConnections = 8;
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
    return true;
  }
  ~CurlEngine() override {
    while (first_ != nullptr) stop(first_);
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
    if (is_global_) curl_global_cleanup();
  }

  HttpExchange* start(const HttpRequest& request, HttpClient& client) override {
    HttpExchange* exchange = new (std::nothrow) HttpExchange;
    if (exchange == nullptr) return nullptr;
    exchange->client = &client;
    exchange->easy = curl_easy_init();
    if (exchange->easy == nullptr || !prepare(request, *exchange) || curl_multi_add_handle(multi_, exchange->easy) != CURLM_OK) {
      delete exchange;
      return nullptr;
    }
    exchange->next = first_;
    first_ = exchange;
    return exchange;
  }

  void stop(HttpExchange* exchange) override {
    unlink(exchange);
    curl_multi_remove_handle(multi_, exchange->easy);
    delete exchange;
  }

  void resume(HttpExchange* exchange) override {
    const CURLcode code = curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
    if (code != CURLE_OK) finish(exchange, code);
  }

  bool is_connected(const HttpExchange* exchange) const override {
    curl_off_t after_us = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &after_us);
    return after_us > 0;
  }

  uint32_t http_version(const HttpExchange* exchange) const override {
    long version = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    switch (version) {
      case CURL_HTTP_VERSION_1_0: return 10;
      case CURL_HTTP_VERSION_1_1: return 11;
      case CURL_HTTP_VERSION_2_0: return 20;
      default: return 0;
    }
  }

  // Ready sockets in the order that the system tells them in, which goes round. One call of curl reads one buffer, or with TLS up to a
  // hundred records; the clock is asked in between.
  bool run(int64_t deadline_us) override {
    int running = 0;
    if (monotonic_us() >= wake_at_us_) {
      wake_at_us_ = kNoTimer;  // curl sets the next one inside
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    DescriptorSet::Ready room[64];
    bool is_over = false;
    for (const DescriptorSet::Ready& ready : set_.look(room)) {
      const int what = (ready.readable ? CURL_CSELECT_IN : 0) | (ready.writable ? CURL_CSELECT_OUT : 0) | (ready.failed ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_, static_cast<curl_socket_t>(ready.descriptor), what, &running);
      is_over = monotonic_us() >= deadline_us;
      if (is_over) break;
    }
    tell_ends();
    return is_over;
  }

  int64_t wake_at_us() const override { return wake_at_us_; }
  intptr_t descriptor() const override { return set_.descriptor(); }

 private:
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    DescriptorSet& set = static_cast<CurlEngine*>(self)->set_;
    if (what == CURL_POLL_REMOVE) {
      set.forget(socket);
    } else if (!set.watch(socket, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0)) {
      return -1;
    }
    return 0;
  }
  static int on_timer(CURLM*, long timeout_ms, void* self) {
    static_cast<CurlEngine*>(self)->wake_at_us_ = timeout_ms < 0 ? kNoTimer : monotonic_us() + int64_t{timeout_ms} * 1000;
    return 0;
  }

  bool prepare(const HttpRequest& request, HttpExchange& exchange) {
    if (!make_headers(request, exchange.headers)) return false;
    if (request.addresses[0] != '\0' && !append(exchange.addresses, request.addresses)) return false;
    Options options(exchange.easy);
    options.set(CURLOPT_URL, request.url);
    if (request.user_info[0] != '\0' && !set_credentials(request.user_info, exchange.easy, options)) return false;
    options.set(CURLOPT_USERAGENT, "FramePump/" FRAMEPUMP_VERSION_STRING);
    options.set(CURLOPT_HTTPHEADER, exchange.headers);
    options.set(CURLOPT_RESOLVE, exchange.addresses);
    if (request.is_compressed) options.set(CURLOPT_ACCEPT_ENCODING, "");  // all that it can
    options.set(CURLOPT_BUFFERSIZE, static_cast<long>(request.buffer_bytes));
    options.set(CURLOPT_HEADERFUNCTION, framepump::on_header);
    options.set(CURLOPT_HEADERDATA, &exchange);
    options.set(CURLOPT_WRITEFUNCTION, framepump::on_body);
    options.set(CURLOPT_WRITEDATA, &exchange);
    options.set(CURLOPT_PRIVATE, &exchange);
    options.set(CURLOPT_ERRORBUFFER, exchange.text);
    options.set(CURLOPT_NOPROGRESS, 1L);
    set_connection(request, options);
    return options.are_set();
  }

  void tell_ends() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      void* exchange = nullptr;
      const CURLcode code = message->data.result;  // gone with the handle
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
      finish(static_cast<HttpExchange*>(exchange), code);
    }
  }

  void finish(HttpExchange* exchange, CURLcode code) {
    HttpClient* client = exchange->client;
    FixedText<CURL_ERROR_SIZE> text;
    text.format("%s", exchange->text[0] != '\0' ? exchange->text : curl_easy_strerror(code));
    const HttpEnd end = is_refused_handshake(*exchange, code, text.view()) ? HttpEnd::tls : end_of(code);
    stop(exchange);
    client->on_end(end, text.c_str());
  }

  // No version or cipher in common, or an alert: that will be so the next time. curl has the same code for a connection that broke just then.
  static bool is_refused_handshake(const HttpExchange& exchange, CURLcode code, std::string_view text) {
    if (code != CURLE_SSL_CONNECT_ERROR) return false;
    long system_code = 0;
    curl_easy_getinfo(exchange.easy, CURLINFO_OS_ERRNO, &system_code);
    return system_code == 0 && text.find("SSL_ERROR_SYSCALL") == std::string_view::npos;
  }

  void unlink(const HttpExchange* exchange) {
    HttpExchange** link = &first_;
    while (*link != exchange) link = &(*link)->next;
    *link = exchange->next;
  }

  CURLM* multi_ = nullptr;
  HttpExchange* first_ = nullptr;
  DescriptorSet set_;
  int64_t wake_at_us_ = kNoTimer;
  bool is_global_ = false;
};

}  // namespace

HttpEngine* make_http_engine(const char*& why) {
  CurlEngine* engine = new (std::nothrow) CurlEngine;
  why = "no memory for curl";
  if (engine == nullptr || engine->open(why)) return engine;
  delete engine;
  return nullptr;
}

}  // namespace framepump

#endif
