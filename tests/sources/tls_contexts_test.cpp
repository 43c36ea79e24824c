// SPDX-License-Identifier: MIT
//
// The contexts that the file thread loads, beside other work of that thread.
#include "sources/tls_contexts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "platform/loopback.h"
#include "platform/poller_null.h"

using namespace framepump;
using namespace framepump::test;

namespace {

struct NobodyToWake final : PumpWaker {
  void wake_pump() override {}
};

// Keeps the file thread busy until it is let go, and from then on notes how many contexts were ready whenever it had its turn.
struct Observer final : FileWork {
  int64_t work() override {
    if (!is_released.load()) {
      is_held.store(true);
      is_released.wait(false);
    }
    int ready = 0;
    for (const TlsContext* context : contexts) ready += context->state() == TlsContext::State::ready;
    seen.push_back(ready);
    return kNotBefore;
  }

  std::vector<TlsContext*> contexts;
  std::vector<int> seen;
  std::atomic<bool> is_held{false};
  std::atomic<bool> is_released{false};
};

}  // namespace

TEST_CASE("other work of the file thread comes in between when several TLS contexts are to be loaded") {
  if (!has_tls()) return;
  const Host host;
  NullPoller poller;
  Pump pump(host, poller);
  WaitingRoom waiters(host, pump);
  HandoffList commands;
  NobodyToWake nobody;
  Observer observer;
  FileThread files(host);
  TlsContexts contexts(host, files, commands, waiters, nobody);
  REQUIRE(files.add(observer));
  REQUIRE(becomes_true([&] { return observer.is_held.load(); }));
  for (const char* protocol : {"a", "b", "c", "d"}) {
    framepump_tls options = {};
    options.struct_size = sizeof(options);
    options.flags = FRAMEPUMP_TLS_WITHOUT_VERIFICATION;
    options.alpn = protocol;
    TlsContext* context = contexts.for_client(options);
    if (context != nullptr) observer.contexts.push_back(context);
  }
  observer.is_released.store(true);
  observer.is_released.notify_all();
  REQUIRE_EQ(observer.contexts.size(), 4);
  CHECK(becomes_true([&] { return observer.contexts[3]->state() == TlsContext::State::ready; }));
  files.stop();
  for (int ready : {0, 1, 2, 3}) {
    CAPTURE(ready);
    CHECK_NE(std::find(observer.seen.begin(), observer.seen.end(), ready), observer.seen.end());
  }
  for (TlsContext* context : observer.contexts) context->let_go();
}
