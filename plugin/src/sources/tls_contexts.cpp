// SPDX-License-Identifier: MIT
#include "sources/tls_contexts.h"

#include "gate/stream_gate.h"

namespace framepump {
namespace {

// A game has one or two sets of options. Those that nobody uses any more are kept for the next connect, up to here.
constexpr uint32_t kKeptContexts = 16;

constexpr uint32_t kLoad = 1;

}  // namespace

TlsContexts::~TlsContexts() {
  for (uint32_t i = contexts_.size(); i-- > 0;) contexts_[i]->destroy();
}

TlsContext* TlsContexts::for_client(const framepump_tls& options) {
  for (TlsContext* context : contexts_.span()) {
    // One that failed may find its files the next time.
    if (context->role() != TlsRole::client || context->state() == TlsContext::State::failed || !context->has_options(options)) continue;
    context->hold();
    return context;
  }
  if (!is_at_work_) is_at_work_ = files_.add(*this);
  TlsContext* context = is_at_work_ ? add(options, TlsRole::client) : nullptr;
  if (context == nullptr) return nullptr;
  context->hold();
  context->hold();  // until it is loaded
  to_load_.post(*context, kLoad);
  files_.wake();
  return context;
}

TlsContext* TlsContexts::for_server(const framepump_tls& options) {
  TlsContext* context = add(options, TlsRole::server);
  if (context == nullptr) return nullptr;
  context->hold();
  context->load();
  return context;
}

TlsContext* TlsContexts::add(const framepump_tls& options, TlsRole role) {
  drop_unused();
  if (!contexts_.make_room()) return nullptr;
  // A listener cannot wait for what is still to be loaded.
  TlsContext* kin = find_kin(options);
  if (kin != nullptr && role == TlsRole::server && kin->state() != TlsContext::State::ready) kin = nullptr;
  TlsContext* context = TlsContext::make(host_, options, role, kin);
  if (context != nullptr) contexts_.push(context);
  return context;
}

// Of those that verify, the newest with the same authorities: it has loaded them, or will before whatever is posted now.
TlsContext* TlsContexts::find_kin(const framepump_tls& options) {
  for (uint32_t i = contexts_.size(); i-- > 0;) {
    TlsContext* context = contexts_[i];
    if (context->state() != TlsContext::State::failed && context->is_verifying() && context->has_authorities(options)) return context;
  }
  return nullptr;
}

// The oldest first; what a younger one shares with it is held by that.
void TlsContexts::drop_unused() {
  if (contexts_.size() < kKeptContexts) return;
  uint32_t to_drop = contexts_.size() - kKeptContexts + 1;
  contexts_.remove_if([&](TlsContext* context) {
    if (to_drop == 0 || context->is_held()) return false;
    --to_drop;
    context->destroy();
    return true;
  });
}

// One at a time, since one alone may take 50 ms: other work comes in between.
int64_t TlsContexts::work() {
  HandoffLink* link = files_.is_stopping() ? nullptr : loads_.next();
  if (link == nullptr) return kNotBefore;
  TlsContext* context = static_cast<TlsContext*>(link);
  link->open();
  context->load();
  context->let_go();
  commands_.post(*this, kCommandTls);
  waker_.wake_pump();
  return loads_.has_more() ? 0 : kNotBefore;  // at once
}

// Each looks again whether its own is there now.
void TlsContexts::on_commands(uint32_t, int64_t) { waiters_.wake_all(); }

}  // namespace framepump
