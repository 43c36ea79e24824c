// SPDX-License-Identifier: MIT
#include "sources/tcp_listener.h"

#include "gate/stream_gate.h"
#include "platform/prefetch.h"
#include "sources/stream_extension.h"
#include "sources/stream_table.h"
#include "sources/tls_context.h"

namespace framepump {
namespace {

// Long enough not to spin while descriptors are gone, short enough that a player who waits does not notice.
constexpr int64_t kDescriptorPauseUs = 100'000;

}  // namespace

TcpListener::TcpListener(Environment& environment, HandleMaker& handles)
    : Source(Line::receive, FRAMEPUMP_PRIORITY_NORMAL, 0),
      environment_(environment),
      handles_(handles) {}

TcpListener::~TcpListener() {
  close_socket(socket_);
  if (tls_ != nullptr) tls_->let_go();
}

void TcpListener::prepare(Socket socket, const SocketAddress& address, const StreamOptions& options, HotSetting hot, uint8_t flags,
                          uint64_t user_data, TlsContext* tls) {
  socket_ = socket;
  // Accepted sockets inherit it. Asked of them when they are first read it is too late for what came before.
  if (environment_.host.is_traced()) set_arrival_stamps(socket_);
  address_ = address;
  options_ = options;
  hot_ = hot;
  flags_ = flags;
  tls_ = tls;
  set_user_data(user_data);
  is_closed_.store(false, std::memory_order_relaxed);
}

void TcpListener::on_commands(uint32_t bits, int64_t) {
  Pump& pump = environment_.pump;
  if ((bits & kCommandPriority) != 0 && socket_.is_open()) pump.set_priority(*this, wanted_priority_.load(std::memory_order_relaxed));
  if ((bits & kCommandOpen) != 0 && socket_.is_open()) pump.make_ready(*this);
  if ((bits & kCommandClose) == 0) return;
  close_now();
  is_closed_.store(true, std::memory_order_release);
}

void TcpListener::close_now() {
  if (!socket_.is_open()) return;
  environment_.memory_waiters.leave(memory_place_);
  environment_.descriptor_waiters.leave(descriptor_place_);
  environment_.pump.forget(*this);
  if (is_polled_) environment_.pump.poller().remove(socket_, static_cast<Pollable*>(this));
  is_polled_ = false;
  close_socket(socket_);
  if (tls_ != nullptr) tls_->let_go();
  tls_ = nullptr;
}

// While it pauses, each new connection would only fail to get a descriptor once more.
void TcpListener::on_ready(uint32_t) {
  if (descriptor_place_ == WaitingRoom::kNowhere) environment_.pump.make_ready(*this);
}

Turn TcpListener::take_turn(const TurnContext& context) {
  Turn turn = {.phase = Phase::accept};
  environment_.descriptor_waiters.leave(descriptor_place_);
  environment_.memory_waiters.leave(memory_place_);
  Poller& poller = environment_.pump.poller();
  if (!is_polled_) is_polled_ = poller.add(socket_, static_cast<Pollable*>(this), kReadable) == IoStatus::ok;
  Accepted accepted[kAcceptsPerTurn];
  const AcceptOutcome outcome = accept_some(accepted, turn.accepts);
  for (Accepted& one : std::span(accepted, turn.accepts)) {
    one.stream->adopt(one.socket, options_, priority(), hot_, context.now_us);
  }
  switch (outcome) {
    case AcceptOutcome::accepted: turn.outcome = Outcome::more; break;
    case AcceptOutcome::queue_is_empty:
      if (!is_polled_) return pause(turn, context.now_us);  // or nobody would say when there is more
      poller.arm(socket_, static_cast<Pollable*>(this), kReadable);
      break;
    case AcceptOutcome::no_room:
      environment_.memory_waiters.enter(*this, memory_place_);
      turn.outcome = Outcome::blocked;
      break;
    case AcceptOutcome::no_descriptor: return pause(turn, context.now_us);
  }
  return turn;
}

// First all of a turn's accepts, then what is to be done with each, since the kernel's code for the one pushes that for the other out of
// the cache.
TcpListener::AcceptOutcome TcpListener::accept_some(std::span<Accepted> accepted, uint32_t& count) {
  for (Accepted& one : accepted) {
    const AcceptOutcome outcome = accept_one(one);
    if (outcome != AcceptOutcome::accepted) return outcome;
    ++count;
  }
  return AcceptOutcome::accepted;
}

Turn TcpListener::pause(Turn turn, int64_t now_us) {
  add<uint64_t>(environment_.counters.accept_pauses, 1);
  environment_.descriptor_waiters.enter(*this, descriptor_place_);
  turn.wake_at_us = now_us + kDescriptorPauseUs;
  return turn;
}

// The slot comes first: a connection without one stays in the kernel's queue, where nothing is lost.
TcpListener::AcceptOutcome TcpListener::accept_one(Accepted& accepted) {
  uint32_t index = 0;
  TcpStream* stream = environment_.streams.take(index);
  if (stream == nullptr) return AcceptOutcome::no_room;
  prefetch_to_write(stream, sizeof(*stream));  // it comes while the kernel accepts
  Socket socket;
  const IoResult result = accept_stream(socket_, options_, socket, stream->gate.peer);
  if (result.status != IoStatus::ok) {
    environment_.streams.put_back_unused(*stream);
    return result.status == IoStatus::would_block ? AcceptOutcome::queue_is_empty : AcceptOutcome::no_descriptor;
  }
  if (tls_ != nullptr && !stream->secure(*tls_, nullptr)) {  // without memory the peer sees a reset
    environment_.host.destroy(stream->gate.extension.exchange(nullptr, std::memory_order_relaxed));
    abort_socket(socket);
    environment_.streams.put_back_unused(*stream);
    return AcceptOutcome::no_descriptor;  // a while later it may be there; no block of ours that comes free would help
  }
  stream->set_handle(handles_.stream_handle(index));
  stream->gate.flags = flags_;
  stream->gate.listener = handle();
  stream->gate.user_data = user_data();
  if (!is_any_address(address_)) stream->gate.local = address_;
  add<uint64_t>(environment_.counters.accepts, 1);
  accepted = {stream, socket};
  return AcceptOutcome::accepted;
}

}  // namespace framepump
