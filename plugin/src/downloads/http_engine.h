// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/host.h"

namespace framepump {

// What is asked for. The texts may go once start() has returned.
struct HttpRequest {
  const char* url = "";             // without user info
  const char* user_info = "";       // "name:password" as in a URL (percent-encoded), or empty
  const char* headers = "";         // lines of "Name: value" with '\n' between them
  const char* proxy = "";           // empty: none
  uint32_t proxy_port = 0;          // the one that `addresses` has, since curl takes another by default
  const char* ca_file = "";         // empty: the system's store
  const char* addresses = "";       // "+HOST:PORT:ADDRESS[,ADDRESS...]" of the machine that is connected to; empty: it is numeric
  bool has_range = false;           // from range_first to the end
  uint64_t range_first = 0;
  const char* if_range = "";
  bool is_compressed = false;       // what curl can decode is welcome
  uint32_t http_version = 0;        // FRAMEPUMP_DOWNLOAD_HTTP_*
  uint32_t buffer_bytes = 0;
  uint32_t connect_timeout_ms = 0;
};

enum class HttpEnd : uint8_t {
  complete,       // a whole response, whatever its status
  given_up,       // by the client
  cut_off,        // the body is shorter than was announced
  no_connection,  // refused, unreachable, or too slow
  tls,            // the certificate, or no TLS that both speak: trying again would not help
  broken,         // anything else on the way
  memory,
};

enum class BodyAnswer : uint8_t { taken, pause, give_up };

// Who asked. Called inside HttpEngine::run and resume.
class HttpClient {
 public:
  // Each line of each header as it came, the empty one at its end too. False: give up.
  virtual bool on_header(std::string_view line) = 0;
  // After pause, the same bytes come again after resume().
  virtual BodyAnswer on_body(std::span<const char> bytes) = 0;
  // The exchange is gone already. `text` says what failed.
  virtual void on_end(HttpEnd end, const char* text) = 0;

 protected:
  ~HttpClient() = default;
};

struct HttpExchange;

// HTTP/1.1 and HTTP/2 with or without TLS. One thread, that of all its calls; nothing of it waits.
class HttpEngine {
 public:
  virtual ~HttpEngine() = default;

  // Null: no memory. `client` must outlive the exchange.
  virtual HttpExchange* start(const HttpRequest& request, HttpClient& client) = 0;
  // No call of its client follows. Not to be called inside one.
  virtual void stop(HttpExchange* exchange) = 0;
  // After the client has paused it.
  virtual void resume(HttpExchange* exchange) = 0;
  // Connected, with TLS, so that from now on the server is waited for.
  virtual bool is_connected(const HttpExchange* exchange) const = 0;
  // 10, 11, 20; 0: not known yet.
  virtual uint32_t http_version(const HttpExchange* exchange) const = 0;
  // Goes on with what can go on, until monotonic_us reaches `deadline_us`. True: there is more.
  virtual bool run(int64_t deadline_us) = 0;
  // The monotonic_us at which run() is to be called again at the latest.
  virtual int64_t wake_at_us() const = 0;
  // Readable when run() has something to do.
  virtual intptr_t descriptor() const = 0;
};

// Null: no memory or descriptor, or the library cannot be used. `why` says which.
HttpEngine* make_http_engine(const char*& why);

}  // namespace framepump
