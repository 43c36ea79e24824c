// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "framepump/framepump_tls.h"
#include "gate/handoff_list.h"
#include "platform/host.h"

// OpenSSL's own names, so that only what calls it includes it.
struct bio_method_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace framepump {

enum class TlsRole : uint8_t { client, server };

// Null: the options can be used. Else what is wrong with them, as a sentence about `what` ("connect", "listen"), in `text`.
const char* check_tls_options(const framepump_tls& options, TlsRole role, const char* what, char* text, uint32_t text_bytes);
// False: this plugin was built without TLS.
bool has_tls();

// What all TLS streams with the same options share: certificates, authorities, and the sessions that can be resumed. One that streams
// use is loaded on the file thread, one of a listener in listen.
//
// Made and destroyed by the game thread; its link is for the list of those to load.
class TlsContext : public HandoffLink {
 public:
  enum class State : uint8_t { waiting, ready, failed };

  // Copies the options. Null: no memory. `kin` has the same authorities and is loaded before this one, or null; it stays as long.
  static TlsContext* make(const Host& host, const framepump_tls& options, TlsRole role, TlsContext* kin);
  void destroy();

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  bool has_options(const framepump_tls& options) const;
  bool has_authorities(const framepump_tls& options) const;
  TlsRole role() const { return role_; }
  bool is_verifying() const;

  // Reads the disk and may take 50 ms. From then on it is ready or failed.
  void load();
  // Any thread.
  State state() const { return state_.load(std::memory_order_acquire); }
  // Of one that failed: why.
  const char* problem() const { return problem_; }

  // Whoever needs it holds it: streams, listeners. Any thread.
  void hold() { users_.fetch_add(1, std::memory_order_relaxed); }
  void let_go() { users_.fetch_sub(1, std::memory_order_release); }
  bool is_held() const { return users_.load(std::memory_order_acquire) != 0; }

  // ---- the token holder's, of one that is ready ----

  ssl_ctx_st* handle() const { return handle_; }
  const bio_method_st* socket_method() const { return socket_method_; }
  std::span<const uint8_t> protocols() const { return {protocols_, protocols_bytes_}; }  // as on the wire
  // Takes the session over; the oldest makes room.
  void keep_session(std::string_view server, uint32_t port, ssl_session_st* session);
  // The newest one, to be freed by the caller; null: none. One that may serve once only is not kept any longer.
  ssl_session_st* take_session(std::string_view server, uint32_t port);

 private:
  friend class Host;
  static constexpr uint32_t kKeptSessions = 32;
  static constexpr uint32_t kMaxProtocolsBytes = 255;
  struct KeptSession {
    ssl_session_st* session = nullptr;
    uint32_t port = 0;
    uint32_t age = 0;  // larger is newer
    char server[256] = "";
  };

  TlsContext(const Host& host, TlsRole role, TlsContext* kin) : host_(host), role_(role), kin_(kin) {}
  ~TlsContext();

  bool copy_options(const framepump_tls& options);
  bool open();
  bool set_options();
  bool set_authorities();
  bool load_authorities();
  bool set_identity();
  void set_resumption();
  bool set_protocols();
  bool fail(const char* what, const char* which);

  const Host& host_;
  const TlsRole role_;
  TlsContext* const kin_;
  framepump_tls options_ = {};  // whose texts are in `texts_`
  char* texts_ = nullptr;
  uint64_t texts_bytes_ = 0;
  std::atomic<uint32_t> users_{0};
  std::atomic<State> state_{State::waiting};
  ssl_ctx_st* handle_ = nullptr;
  bio_method_st* socket_method_ = nullptr;
  uint8_t protocols_[kMaxProtocolsBytes] = {};
  uint32_t protocols_bytes_ = 0;
  char problem_[400] = "";
  KeptSession sessions_[kKeptSessions];
  uint32_t next_age_ = 1;
};

}  // namespace framepump
