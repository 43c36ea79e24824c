// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "framepump/framepump_types.h"
#include "gate/byte_queue.h"
#include "gate/handoff_list.h"
#include "platform/address.h"

namespace framepump {

// What gameplay tells the pump, one bit each.
enum CommandBit : uint32_t {
  kCommandOpen = 1,           // begin: connect, or accept connections
  kCommandSend = 2,           // bytes were written
  kCommandRoom = 4,           // bytes were consumed while reading was blocked
  kCommandShutdownWrite = 8,
  kCommandClose = 16,
  kCommandAbort = 32,
  kCommandPriority = 64,      // StreamGate::wanted_priority changed
  kCommandReclaim = 128,      // the received queue was emptied: its last block may go
  kCommandRelease = 256,      // gameplay is done with it: the last command there will be
  kCommandTls = 512,          // the file thread has loaded what TLS streams wait for
};

// What the pump tells gameplay, one bit each. tick turns them into events, in this order.
enum NoticeBit : uint32_t {
  kNoticeAccepted = 1,
  kNoticeConnected = 2,
  kNoticeData = 4,
  kNoticePeerHalfClosed = 8,
  kNoticeClosed = 16,  // the last notice there will be
};

struct StreamExtension;

// Everything that passes between gameplay and the pump for one stream. Three kinds of members: those that both sides use (atomic, or
// ordered by a list or queue), those of the pump's side written before a notice, and gameplay's own, which no other thread reads.
// Its link is for notices; the command list links the stream itself.
//
// What receiving, publishing and reading a message touch comes first: with a thousand talkers none of it is in the cache.
struct StreamGate : HandoffLink {
  static constexpr uint8_t kWatchedTurns = 255;  // a look at the stream lasts for so many turns with bytes
  static constexpr size_t kMessageBytes = 152;   // of these members: what a message touches

  // ---- both sides ----
  std::atomic<uint32_t> peek_grant_bytes{0};  // may receive up to here from the peek reserve
  ByteQueue received;  // the pump produces, gameplay consumes
  std::atomic<StreamExtension*> extension{nullptr};  // null: the stream has nothing out of the ordinary
  std::atomic<int64_t> arrival_ns{0};         // of the oldest unpublished read while it is watched, realtime_ns clock; 0: none
  std::atomic<uint32_t> rtt_us{0};
  std::atomic<uint32_t> back_pressure{0};
  std::atomic<bool> receive_blocked{false};
  std::atomic<uint8_t> wanted_priority{0};
  std::atomic<uint8_t> watched_turns{0};      // left in which round trip and arrival are measured, since gameplay looked

  // ---- set before kCommandOpen, or by the pump before kNoticeAccepted, kNoticeConnected or kNoticeClosed ----
  uint8_t reason = 0;  // FRAMEPUMP_REASON_*
  uint8_t flags = 0;   // FRAMEPUMP_STREAM_HALF_OPEN
  bool is_listed_emptied : 1 = false;  // this byte is gameplay's own too: it was to spare here
  bool was_emptied : 1 = false;        // gameplay read all there was, since that list was last looked through
  int16_t system_code = 0;  // no system's codes go as far

  // ---- gameplay's own ----
  uint64_t published = 0;          // received bytes that gameplay may see
  Block* retired = nullptr;        // replaced by a joined one, but views of them may be in use
  uint32_t index = 0;              // place in the table; set whenever the slot is taken
  uint32_t peek_bytes = 0;         // of the newest peek that had too few; 0: none
  uint32_t refused_bytes = 0;      // what a write had no room for, and wants to hear of; 0: nothing
  int32_t dwell_us = 0;
  int32_t dwell_max_us = 0;
  uint16_t reserved_bytes = 0;     // 0: nothing is reserved
  uint8_t dwell_frames = 0;
  uint8_t state : 3 = 0;           // FRAMEPUMP_STATE_*; 0: not open
  bool write_shut : 1 = false;
  bool is_listed_readable : 1 = false;
  bool is_listed_writer : 1 = false;
  bool is_listed_peek : 1 = false;
  bool close_requested : 1 = false;
  Block* reserved = nullptr;       // of reserve(), when it did not fit the last block

  // ---- both sides, as above ----
  ByteQueue unsent;    // gameplay produces, the pump consumes

  // ---- set before kCommandOpen, or by the pump before kNoticeAccepted or kNoticeConnected ----
  framepump_handle listener = 0;
  uint64_t user_data = 0;
  SocketAddress local;
  SocketAddress peer;

  uint64_t available_bytes() const { return published - received.consumed(); }
};

}  // namespace framepump
