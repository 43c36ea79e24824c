// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "framepump/framepump_tls.h"
#include "platform/host.h"
#include "platform/socket.h"
#include "sources/environment.h"
#include "sources/tls_context.h"

struct bio_st;
struct ssl_st;
struct x509_st;
struct x509_store_ctx_st;

namespace framepump {

// TLS of one stream, between its socket and its queues. It speaks as the functions of platform/socket.h do, with one difference: a result
// can have bytes and a status that is not ok, which is what came after them. So what ends with would_block has nothing buffered any more.
//
// Made by the game thread for connect, by the token holder for an accepted stream; then the token holder's.
class TlsSession {
 public:
  static constexpr uint32_t kRecordBytes = 16 * 1024;  // the most that one record holds
  static constexpr uint32_t kMaxNameBytes = 253;
  static constexpr uint32_t kTextBytes = 320;

  // Holds the context. `server_name`: of a client; at most kMaxNameBytes are used.
  TlsSession(const Host& host, TlsContext& context, const char* server_name);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // From connect or accept on until it is done.
  bool is_handshaking() const { return is_begun_ && !is_done_; }
  void begin() { is_begun_ = true; }
  bool is_done() const { return is_done_; }
  TlsContext::State context_state() const { return context_.state(); }
  // The context has failed.
  void fail_setup();
  // The deadline has passed.
  void fail_late();

  // As far as the peer's answers allow. ok: it is done.
  IoResult handshake(Socket socket, uint32_t port);
  // Fills the buffers in order until nothing is left. end_of_stream: the peer's close_notify. ok with less than there is room for: there may be
  // more; messages of TLS's own bring no bytes, and whoever sends many gets no more than a turn for it.
  IoResult receive(Socket socket, std::span<const ReceiveBuffer> buffers, int64_t* arrival_ns);
  // Of the newest receive: when what it read last arrived (0: not asked, or no stamp), and whether all that it brought did.
  int64_t newest_arrival_ns() const { return newest_arrival_ns_; }
  bool is_newest_arrival_exact() const;
  // Takes from the buffers in order until the socket takes no more. Bytes that it did not take come again first, as many at least as a
  // record holds if there are so many. `scratch` has room for a record.
  IoResult send(Socket socket, std::span<const SendBuffer> buffers, std::byte* scratch);
  // Sends the close_notify; once more after would_block. ok also where it is too late for one.
  IoResult send_end(Socket socket);

  // What the newest would_block waits for; reading may wait for room to write, and the reverse.
  bool handshake_waits_for_room() const { return handshake_waits_for_room_; }
  bool receive_waits_for_room() const { return receive_waits_for_room_; }
  bool send_waits_for_bytes() const { return send_waits_for_bytes_; }

  // FRAMEPUMP_REASON_TLS_* and its sentence, once something has failed here; 0: it was the connection.
  uint8_t reason() const { return reason_; }
  const char* text() const { return text_; }
  // Of a handshake that is done. Written before the notice of it.
  const framepump_tls_info& info() const { return info_; }

  // The stream is finished: frees all but what gameplay may still ask for.
  void release();

  uint32_t waiting_place = WaitingRoom::kNowhere;  // among those that wait for their context

 private:
  enum class Phase : uint8_t { handshake, transfer };
  static constexpr uint32_t kMostReads = 16;  // of a receive, each up to a record: four quanta, as much as one turn moves
  friend struct TlsCallbacks;

  bool start(uint32_t port);
  bool set_peer_name();
  void offer_session();
  void enter(Socket socket, int64_t* arrival_ns);
  void note_arrival(int64_t arrived_ns);
  IoResult settle(int result, Phase phase, bool& waits_for_other, int usual);
  IoResult fail(int ssl_error, Phase phase);
  void note_certificate(int error, x509_store_ctx_st* chain);
  void note_info();
  const char* peer() const { return server_name_[0] != '\0' ? server_name_ : "the peer"; }
  void set_failure(uint8_t reason, const char* format, ...) __attribute__((format(printf, 3, 4)));

  const Host& host_;
  TlsContext& context_;
  ssl_st* ssl_ = nullptr;
  Socket socket_;                  // of the call that is under way
  int64_t* arrival_ns_ = nullptr;  // the same: where to note when its first bytes arrived, or null
  int64_t newest_arrival_ns_ = 0;
  uint32_t reads_with_bytes_ = 0;  // of the newest call
  uint32_t reads_left_ = 0;        // of the call that is under way
  bool is_cut_ = false;            // it had none left
  IoResult io_;                    // the newest of the socket that was not ok
  uint32_t port_ = 0;
  uint32_t record_bytes_ = 0;      // of the record that waits for room
  int certificate_error_ = 0;
  bool is_begun_ = false;
  bool is_done_ = false;
  bool is_broken_ = false;         // nothing more can be said
  bool is_end_sent_ = false;
  bool handshake_waits_for_room_ = false;
  bool receive_waits_for_room_ = false;
  bool send_waits_for_bytes_ = false;
  uint8_t reason_ = 0;
  framepump_tls_info info_ = {};
  char server_name_[kMaxNameBytes + 1] = "";
  char text_[kTextBytes] = "";
};

}  // namespace framepump
