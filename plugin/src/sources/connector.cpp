// SPDX-License-Identifier: MIT
#include "sources/connector.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include "platform/datagram_socket.h"
#include "sources/stream_extension.h"
#include "sources/tcp_stream.h"

namespace framepump {
namespace {

// RFC 8305, section 3: how long IPv4 waits for the answer of IPv6.
constexpr int64_t kResolutionDelayUs = 50'000;

// The one to be told of several: what a person can do something about comes first.
uint32_t weight_of(uint8_t reason) {
  switch (reason) {
    case FRAMEPUMP_REASON_DESCRIPTORS_EXHAUSTED: return 5;
    case FRAMEPUMP_REASON_REFUSED: return 4;
    case FRAMEPUMP_REASON_RESET: return 3;
    case FRAMEPUMP_REASON_CONNECT_TIMED_OUT: return 2;
    case FRAMEPUMP_REASON_UNREACHABLE: return 1;
    default: return 0;
  }
}

uint8_t reason_of_attempt(IoStatus status) {
  return status == IoStatus::timed_out ? uint8_t{FRAMEPUMP_REASON_CONNECT_TIMED_OUT} : reason_of(status);
}

// Appends to a text that is cut off where its room ends.
struct TextEnd {
  std::span<char> out;
  size_t size = 0;

  __attribute__((format(printf, 2, 3))) void append(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(out.data() + size, out.size() - size, format, arguments);
    va_end(arguments);
    if (length > 0) size = std::min(size + static_cast<size_t>(length), out.size() - 1);
  }
};

}  // namespace

Connector::Connector(Environment& environment, const char* host_name, uint16_t port)
    : Source(Line::send, FRAMEPUMP_PRIORITY_NORMAL, 0), environment_(environment), port_(port) {
  std::snprintf(host_name_, sizeof(host_name_), "%s", host_name);
  for (Attempt& attempt : attempts_) attempt.connector = this;
}

Connector::~Connector() {
  environment_.resolver->forget(*this);
  environment_.pump.forget(*this);
  for (Attempt& attempt : attempts_) {
    leave_poller(attempt);
    close_socket(attempt.socket);
  }
}

void Connector::attach(TcpStream& stream, framepump_handle handle) {
  stream_ = &stream;
  set_handle(handle);
}

void Connector::open(int64_t now_us) {
  began_at_us_ = now_us_ = now_us;
  environment_.pump.make_ready(*this);
}

// One turn, as a numbered list:
//   1. ask for the name, once;
//   2. see what became of the attempts that the poller has news of; the first that is connected wins;
//   3. put addresses that came since into order;
//   4. begin the next attempt if it is time;
//   5. fail when nothing is left, else say when to come back.
Turn Connector::take_turn(const TurnContext& context) {
  now_us_ = std::max(now_us_, context.now_us);
  Turn turn = {.phase = Phase::send};
  if (!has_asked_) {
    has_asked_ = true;
    if (!environment_.resolver->look_up(*this, host_name_, now_us_)) {
      stream_->fail_connect(FRAMEPUMP_REASON_SYSTEM, 0);
      turn.outcome = Outcome::closed;
      return turn;
    }
  }
  // The answer came in another source's turn, and our clock may have stood still since long before it.
  if (has_heard_ && first_answer_at_us_ == 0) first_answer_at_us_ = now_us_;
  if (Attempt* winner = finish_one(); winner != nullptr) return win(*winner, context);
  if (has_news_) plan();
  bool has_begun = false;
  if (planned_ > 0 && now_us_ >= next_attempt_at_us()) has_begun = begin_attempt(now_us_);
  if (planned_ == 0 && under_way_ == 0 && is_answered_) return fail(turn, now_us_);
  if (has_begun && attempts_[attempt_count_ - 1].is_ready) turn.outcome = Outcome::more;  // connected at once
  if (planned_ > 0) {
    turn.wake_at_us = next_attempt_at_us();
    if (turn.wake_at_us <= now_us_) turn.outcome = Outcome::more;
  }
  return turn;
}

void Connector::on_answer(const NameAnswer& answer) {
  has_heard_ = true;
  is_answered_ = answer.is_final;
  has_ipv6_ |= answer.ipv6_count > 0;
  add({answer.ipv6, answer.ipv6_count});
  add({answer.ipv4, answer.ipv4_count});
  if (answer.reason != 0) {
    name_reason_ = answer.reason;
    std::snprintf(text_, sizeof(text_), "name %s: %s", host_name_, answer.text);
  }
  environment_.pump.make_ready(*this);
}

void Connector::add(std::span<const SocketAddress> addresses) {
  for (const SocketAddress& address : addresses) {
    if (planned_ + attempt_count_ == kMostAttempts || is_known(address)) continue;
    Destination& destination = destinations_[planned_++];
    destination = {};
    destination.to = address;
    destination.to.port = port_;
    has_news_ = true;
  }
}

bool Connector::is_known(const SocketAddress& address) const {
  SocketAddress wanted = address;
  wanted.port = port_;
  const auto is_it = [&](const SocketAddress& one) { return one.family == wanted.family && is_same_endpoint(one, wanted); };
  return std::any_of(attempts_, attempts_ + attempt_count_, [&](const Attempt& attempt) { return is_it(attempt.peer); }) ||
         std::any_of(destinations_, destinations_ + planned_, [&](const Destination& one) { return is_it(one.to); });
}

// Asking the system for the way to an address takes some 5 us, so a single one is spared it.
void Connector::plan() {
  has_news_ = false;
  const std::span<Destination> planned(destinations_, planned_);
  if (planned.size() > 1) {
    for (Destination& one : planned) one.has_way = source_address(one.to, one.from);
  }
  sort_destinations(planned);
  interleave_families(planned, newest_family_);
}

int64_t Connector::next_attempt_at_us() const {
  if (attempt_count_ == 0) return has_ipv6_ || is_answered_ ? now_us_ : first_answer_at_us_ + kResolutionDelayUs;
  if (under_way_ == 0) return now_us_;
  return newest_attempt_at_us_ + environment_.settings.names_attempt_delay_us.load(std::memory_order_relaxed);
}

// Null: none is connected yet.
Connector::Attempt* Connector::finish_one() {
  for (uint32_t i = 0; i < attempt_count_; ++i) {
    Attempt& attempt = attempts_[i];
    if (!attempt.is_ready || !attempt.socket.is_open()) continue;
    attempt.is_ready = false;
    const IoResult result = finish_connect(attempt.socket);
    if (result.status == IoStatus::ok) return &attempt;
    if (result.status == IoStatus::would_block) {
      environment_.pump.poller().arm(attempt.socket, static_cast<Pollable*>(&attempt), kWritable);
    } else {
      fail_attempt(attempt, result);
    }
  }
  return nullptr;
}

// True: it is under way.
bool Connector::begin_attempt(int64_t now_us) {
  Attempt& attempt = attempts_[attempt_count_++];
  attempt.peer = destinations_[0].to;
  std::copy(destinations_ + 1, destinations_ + planned_, destinations_);
  --planned_;
  attempt.began_at_us = newest_attempt_at_us_ = now_us;
  newest_family_ = attempt.peer.family;
  ++under_way_;
  IoResult result = stream_->open_to(attempt.peer.family, attempt.socket);
  if (result.status == IoStatus::ok) result = start_connect(attempt.socket, attempt.peer);
  if (result.status == IoStatus::ok || result.status == IoStatus::would_block) {
    attempt.is_ready = result.status == IoStatus::ok;
    const IoStatus added = environment_.pump.poller().add(attempt.socket, static_cast<Pollable*>(&attempt), kReadable | kWritable);
    if (added == IoStatus::ok) return true;
    result = {added, 0, 0};
  }
  fail_attempt(attempt, result);
  return false;
}

void Connector::fail_attempt(Attempt& attempt, const IoResult& result) {
  leave_poller(attempt);
  close_socket(attempt.socket);
  attempt.failure = result;
  --under_way_;
}

void Connector::leave_poller(Attempt& attempt) {
  if (attempt.socket.is_open()) environment_.pump.poller().remove(attempt.socket, static_cast<Pollable*>(&attempt));
}

// The stream destroys us.
Turn Connector::win(Attempt& attempt, const TurnContext& context) {
  leave_poller(attempt);
  const Socket connected = std::exchange(attempt.socket, Socket{});
  const SocketAddress peer = attempt.peer;
  stream_->take_connection(connected, peer, context);
  return {.outcome = Outcome::closed, .phase = Phase::send};
}

Turn Connector::fail(Turn turn, int64_t now_us) {
  int32_t system_code = 0;
  uint8_t reason = name_reason_;
  if (reason == 0) {
    reason = reason_of_attempts(system_code);
    describe_attempts(now_us);
  }
  stream_->gate.extension.load(std::memory_order_relaxed)->set_closing_text(text_);
  stream_->fail_connect(reason, system_code);
  turn.outcome = Outcome::closed;
  return turn;
}

uint8_t Connector::give_up(int64_t now_us) {
  now_us_ = std::max(now_us_, now_us);
  uint8_t reason = FRAMEPUMP_REASON_CONNECT_TIMED_OUT;
  if (attempt_count_ == 0 && planned_ == 0) {
    reason = FRAMEPUMP_REASON_NAME_TIMED_OUT;
    std::snprintf(text_, sizeof(text_), "name %s: %s", host_name_, environment_.resolver->describe(*this));
  } else {
    describe_attempts(now_us);
  }
  stream_->gate.extension.load(std::memory_order_relaxed)->set_closing_text(text_);
  return reason;
}

uint8_t Connector::reason_of_attempts(int32_t& system_code) const {
  uint8_t told = FRAMEPUMP_REASON_SYSTEM;
  for (uint32_t i = 0; i < attempt_count_; ++i) {
    const uint8_t reason = reason_of_attempt(attempts_[i].failure.status);
    if (i > 0 && weight_of(reason) <= weight_of(told)) continue;
    told = reason;
    system_code = attempts_[i].failure.system_code;
  }
  return told;
}

void Connector::describe_attempts(int64_t now_us) {
  TextEnd text = {.out = text_};
  text.append("%s:", host_name_);
  for (uint32_t i = 0; i < attempt_count_; ++i) {
    const Attempt& attempt = attempts_[i];
    char peer[kAddressTextBytes];
    char why[96] = "";
    format_address(attempt.peer, peer);
    if (attempt.socket.is_open()) {
      std::snprintf(why, sizeof(why), "no answer within %lld ms", static_cast<long long>((now_us - attempt.began_at_us) / 1000));
    } else {
      system_message(attempt.failure.system_code, why);
    }
    text.append("%s %s: %s", i > 0 ? ";" : "", peer, why);
  }
  if (planned_ > 0) text.append("; %u more addresses were not tried", planned_);
}

}  // namespace framepump
